// SPDX-License-Identifier: Apache-2.0
//
// Services of `@nats-io/services`, as scripts/foreign has fetched it, which ours ask, and the other way
// round; run_services plays both:
//
//   node services.js serve|ask URL
//
// What is asked, and what comes, is on stdout, a line each.

"use strict";

const { load, run, say, text, bytes } = require("./common");

const [, , role, url] = process.argv;
const { connect, headers } = load("@nats-io/transport-node", 77);
const { ServiceError, Svcm } = load("@nats-io/services", 77);

async function serve(nc) {
    const service = await new Svcm(nc).add({
        name: "interop",
        version: "1.2.3-rc.1+build",
        description: "made for both",
        metadata: { color: "größe" },
        statsHandler: (endpoint) => Promise.resolve({ of: endpoint.name }),
    });
    service.addEndpoint("echo", {
        metadata: { schema: "text" },
        handler: (err, m) => {
            const h = headers();
            h.set("Said", (m.headers && m.headers.get("Say")) || "nothing");
            m.respond(m.data, { headers: h });
        },
    });
    service.addGroup("v1", "group").addEndpoint("any", { subject: "any.*", handler: (err, m) => m.respond(m.subject) });
    // An error response that is not thrown is not counted there.
    service.addEndpoint("fail", () => {
        throw new ServiceError(422, "cannot do it");
    });
    service.addEndpoint("quit", (err, m) => {
        m.respond("bye");
        service.stop();
    });
    await nc.flush();
    say("ready");
    await service.stopped;
}

function metadata(m) {
    return Object.keys(m || {})
        .filter((k) => !k.startsWith("_nats."))
        .sort()
        .map((k) => ` ${k}=${m[k]}`)
        .join("");
}

const tellIdentity = (what, i) => say(`${what}: ${i.name} ${i.version} id of ${i.id.length}${metadata(i.metadata)}`);

async function tellReply(nc, subject, body, options) {
    const m = await nc.request(subject, body, options);
    if (ServiceError.isServiceError(m)) {
        const e = ServiceError.toServiceError(m);
        say(`service error ${e.code}: ${e.message}`);
    } else {
        say(`reply: ${text(m)} ${(m.headers && m.headers.get("Said")) || "-"}`);
    }
}

async function ask(nc) {
    const client = new Svcm(nc).client();
    let id = "";
    for await (const p of await client.ping("interop")) {
        tellIdentity("ping", p);
        id = p.id;
    }
    for await (const i of await client.info()) {
        tellIdentity("info", i);
        say(`  ${i.description}`);
        for (const e of i.endpoints) say(`  ${e.name} ${e.subject} ${e.queue_group}${metadata(e.metadata)}`);
    }
    const h = headers();
    h.set("Say", "hello");
    await tellReply(nc, "echo", bytes("grüß"), { headers: h, timeout: 10000 });
    await tellReply(nc, "echo");
    await tellReply(nc, "v1.any.thing");
    await tellReply(nc, "fail", bytes("x"));
    for await (const s of await client.stats("interop", id)) {
        tellIdentity("stats", s);
        for (const e of s.endpoints) {
            const data = e.data ? JSON.stringify(e.data) : "";
            const timed = !isNaN(Date.parse(s.started)) && e.average_processing_time >= 0;
            say(
                `  ${e.name} ${e.subject} ${e.queue_group}: ${e.num_requests} requests, ${e.num_errors} errors ` +
                    `[${(e.last_error || "").replace(/^422:/, "")}] ${data}${timed ? "" : " no time"}`,
            );
        }
    }
    await tellReply(nc, "quit");
}

async function main() {
    const nc = await connect({ servers: url });
    await (role === "serve" ? serve(nc) : ask(nc));
    await nc.drain();
}

run(main);
