// SPDX-License-Identifier: Apache-2.0
//
// Objects of `@nats-io/obj`, as scripts/foreign has fetched it, in buckets that are shared with ours;
// run_jetstream plays both in turn:
//
//   node objects.js STEP URL
//
// STEP is `make`, `use` (what the other has made) or `check` (what the other has left there). What it
// sees is on stdout, a line each.

"use strict";

const { load, run, say } = require("./common");

const [, , step, url] = process.argv;
const { connect, headers } = load("@nats-io/transport-node", 77);
const { Objm } = load("@nats-io/obj", 77);

// Names, sizes and chunk sizes (0: as the client likes): both programs have the same.
const objects = [
    ["empty", 0, 0],
    ["one", 1, 0],
    ["chunk", 128 * 1024, 0],
    ["chunks", 256 * 1024, 0],
    ["more.*.>", 256 * 1024 + 1, 0],
    ["small chunks", 5000, 1000],
    ["größe ☃ 🙂/../", 100, 0],
    ["large", 64 * 1024 * 1024, 0],
];

/** That package takes a character for a byte, where ADR-20 means those of UTF-8. */
const name8 = (name) => Buffer.from(name, "utf8").toString("latin1");

function content(size) {
    const b = new Uint8Array(size);
    for (let i = 0; i < size; ++i) b[i] = (i * 7 + (i >> 8)) & 255;
    return b;
}

async function put(os, name, size, chunk) {
    const meta = { name: name8(name), description: `${size} bytes`, metadata: { color: "größe" } };
    meta.headers = headers();
    meta.headers.append("Kind", "test");
    meta.headers.append("Kind", "second");
    if (chunk) meta.options = { max_chunk_size: chunk };
    await os.putBlob(meta, content(size));
}

/** All that is seen of an object. */
async function show(os, name) {
    const i = await os.info(name8(name));
    if (i === null) return say(`  ${name}: none`);
    if (i.deleted) return say(`  ${name}: deleted`);
    if (i.isLink()) {
        const to = i.options.link;
        return say(`  ${name}: to ${to.bucket}/${to.name || ""}`);
    }
    const data = await os.getBlob(name8(name));
    const right = Buffer.compare(Buffer.from(data), Buffer.from(content(i.size))) === 0;
    const kinds = i.headers ? i.headers.values("Kind").join("+") : "";
    const color = (i.metadata && i.metadata.color) || "";
    say(`  ${name}: ${i.size} ${i.chunks} ${i.digest} ${right ? "right" : "WRONG"} "${i.description || ""}" ${kinds} ${color}`);
}

async function make(nc) {
    const os = await new Objm(nc).create("node", { description: "made by node", storage: "memory" });
    for (const [name, size, chunk] of objects) await put(os, name, size, chunk);
    await put(os, "gone", 10, 0);
    await os.delete("gone");
    await os.link("link", await os.info("one"));
    await os.linkStore("all", os);
    say("node: made");
}

async function use(nc) {
    const os = await new Objm(nc).open("ours");
    const status = await os.status();
    say(`node: bucket ours "${status.description}" ${status.storage} ${status.sealed}`);
    for (const [name] of objects) await show(os, name);
    for (const name of ["gone", "link", "all", "none"]) await show(os, name);
    const all = (await os.list()).map((i) => i.name);
    say(`node: ${all.length} objects`);
    await os.delete("one");
    await os.update("chunk", { name: "renamed", description: "by node" });
    await put(os, "chunks", 7, 0);
    await put(os, "new", 20, 0);
}

async function check(nc) {
    const os = await new Objm(nc).open("node");
    say("node: what is left");
    for (const name of ["one", "chunk", "renamed", "chunks", "new"]) await show(os, name);
    const state = (await os.status()).streamInfo.state;
    say(`node: ${state.messages} messages`);
}

async function main() {
    const nc = await connect({ servers: url, maxPingOut: 10 });
    await { make, use, check }[step](nc);
    await nc.close();
}

run(main);
