// SPDX-License-Identifier: Apache-2.0
//
// Buckets of `@nats-io/kv`, as scripts/foreign has fetched it, that are shared with ours; run_jetstream
// plays both in turn:
//
//   node kv.js STEP URL
//
// STEP is `make`, `use` (what the other has made) or `check` (what the other has left there). What it
// sees is on stdout, a line each; `configuration KIND JSON` is for run_jetstream to compare.

"use strict";

const { load, run, say } = require("./common");

const [, , step, url] = process.argv;
const { connect } = load("@nats-io/transport-node", 77);
const { StorageType } = load("@nats-io/jetstream", 77);
const { Kvm } = load("@nats-io/kv", 77);

async function show(kv) {
    const status = await kv.status();
    say(`configuration bucket ${JSON.stringify(status.streamInfo.config)}`);
    say(`node: ${status.bucket}, ${status.values} entries, history ${status.history}, ttl ${status.ttl} ms`);
}

const line = (e) => `${e.key} ${e.operation} ${e.revision} [${Buffer.from(e.value).toString("hex")}]`;

async function refusal(promise) {
    try {
        await promise;
        return "done";
    } catch (e) {
        return "refused";
    }
}

async function make(kvm) {
    const kv = await kvm.create("NODE", {
        description: "made by node",
        history: 5,
        ttl: 3600000,
        max_bytes: 1 << 20,
        maxValueSize: 1000,
        storage: StorageType.Memory,
        metadata: { color: "größe" },
    });
    await kv.put("a.b/c=d_e-f", "größe");
    await kv.put("empty", "");
    await kv.put("binary", new Uint8Array([0, 255, 13, 10]));
    await kv.put("k", "1");
    await kv.put("k", "2");
    await kv.put("deleted", "x");
    await kv.delete("deleted");
    await kv.put("purged", "x");
    await kv.purge("purged");
    await show(kv);
}

/** What the other has made. */
async function use(kvm) {
    const kv = await kvm.open("OURS");
    await show(kv);
    for (const key of ["a.b/c=d_e-f", "empty", "binary", "k"]) say(`node: ${line(await kv.get(key))}`);
    for (const key of ["deleted", "purged"]) say(`node: ${line(await kv.get(key))}`);
    say(`node: none ${await kv.get("none")}`);
    const keys = [];
    for await (const key of await kv.keys()) keys.push(key);
    say(`node: keys ${keys.sort().join(" ")}`);
    for await (const e of await kv.history({ key: "k" })) say(`node: history ${line(e)}`);
    const watch = await kv.watch();
    for await (const e of watch) {
        say(`node: watch ${line(e)} ${e.delta}`);
        if (e.delta === 0) break;
    }
    const k = await kv.get("k");
    say(`node: create ${await refusal(kv.create("k", "no"))}`);
    say(`node: late ${await refusal(kv.update("k", "no", k.revision - 1))}`);
    await kv.update("k", "node's", k.revision);
    await kv.create("deleted", "again");
    await kv.delete("empty");
    await kv.purge("binary");
}

/** What the other has left. */
async function check(kvm) {
    const kv = await kvm.open("NODE");
    for (const key of ["k", "deleted", "empty", "binary"]) say(`node: left ${line(await kv.get(key))}`);
}

async function main() {
    const nc = await connect({ servers: url.replace("nats://", "") });
    await { make, use, check }[step](new Kvm(nc));
    await nc.close();
}

run(main, 30);
