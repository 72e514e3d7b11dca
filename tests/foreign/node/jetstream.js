// SPDX-License-Identifier: Apache-2.0
//
// JetStream of the `nats` package, as scripts/foreign has fetched it, with streams and consumers that
// are shared with ours; run_jetstream plays both in turn:
//
//   node jetstream.js STEP URL
//
// STEP is `make`, `check` (what the other has left there) or `use` (what the other has made). What it
// sees is on stdout, a line each; `configuration KIND JSON` is for run_jetstream to compare.

"use strict";

const { load, run, say, text, bytes } = require("./common");

const [, , step, url] = process.argv;
const nats = load("nats", 77);

const show = (kind, config) => say(`configuration ${kind} ${JSON.stringify(config)}`);

/** Publishes `count` numbered messages with ids and headers, and the first one once more. */
async function publish(js, subject, who, first, count) {
    const send = (i) => {
        const h = nats.headers();
        h.set("Number", String(i));
        h.append("Color", "red");
        h.append("Color", "dark blue");
        return js.publish(`${subject}.${i % 2 ? "odd" : "even"}`, bytes(`${who} ${i}`), { msgID: `${who}-${i}`, headers: h });
    };
    let last = null;
    for (let i = first; i < first + count; ++i) last = await send(i);
    const again = await send(first);
    say(`node: published up to ${last.seq}; again: ${again.duplicate} ${again.seq}`);
}

async function make(js, jsm) {
    const stream = await jsm.streams.add({
        name: "NODE",
        description: "made by node",
        subjects: ["node.>", "also.node.*"],
        retention: nats.RetentionPolicy.Limits,
        storage: nats.StorageType.File,
        discard: nats.DiscardPolicy.New,
        max_consumers: 7,
        max_msgs: 1000,
        max_bytes: 1 << 20,
        max_age: nats.nanos(3600000),
        max_msgs_per_subject: 500,
        max_msg_size: 4096,
        duplicate_window: nats.nanos(90000),
        deny_delete: true,
        allow_rollup_hdrs: true,
        allow_direct: true,
        compression: nats.StoreCompression.S2,
        first_seq: 100,
        metadata: { color: "größe", empty: "" },
        republish: { src: "node.>", dest: "copy.node.>", headers_only: true },
        subject_transform: { src: "also.node.*", dest: "node.also.$1" },
        consumer_limits: { max_ack_pending: 50, inactive_threshold: nats.nanos(60000) },
    });
    show("stream", stream.config);
    await publish(js, "node", "node", 0, 20); // 2.10 begins no later than with the next one
    const consumer = await jsm.consumers.add("NODE", {
        durable_name: "work",
        description: "also made by node",
        deliver_policy: nats.DeliverPolicy.StartSequence,
        opt_start_seq: 102,
        ack_policy: nats.AckPolicy.Explicit,
        ack_wait: nats.nanos(20000),
        max_deliver: 5,
        backoff: [nats.nanos(1000), nats.nanos(2500)],
        filter_subjects: ["node.even", "node.odd"],
        replay_policy: nats.ReplayPolicy.Instant,
        sample_freq: "50%",
        max_waiting: 20,
        max_ack_pending: 40,
        max_batch: 30,
        max_expires: nats.nanos(30000),
        max_bytes: 100000,
        inactive_threshold: nats.nanos(50000),
        metadata: { kind: "test" },
    });
    show("consumer", consumer.config);
}

/** What ours has done with the stream that was made here. */
async function check(js, jsm) {
    const stream = await js.streams.get("NODE");
    const info = await stream.info();
    say(`node: ${info.state.messages} messages, last ${info.state.last_seq}`);
    const m = await stream.getMessage({ last_by_subj: "node.odd" });
    say(`node: ${m.subject} [${text(m)}] ${m.header.get("Number")} ${m.header.values("Color").join(", ")}`);
    const c = await jsm.consumers.info("NODE", "work");
    say(`node: acknowledged up to ${c.ack_floor.stream_seq}, ${c.num_ack_pending} not, ${c.num_pending} to come`);
}

/** What ours has made. */
async function use(js, jsm) {
    show("stream", (await jsm.streams.info("OURS")).config);
    show("consumer", (await jsm.consumers.info("OURS", "work")).config);
    const consumer = await js.consumers.get("OURS", "work");
    const fetched = await consumer.fetch({ max_messages: 5, expires: 10000 });
    const take = async (messages, count) => {
        let n = 0;
        for await (const m of messages) {
            say(`node: ${m.seq} ${m.subject} [${text(m)}] ${m.headers.get("Number")} ${m.headers.get("Nats-Msg-Id")}`);
            if (m.seq === 3 && m.info.redeliveryCount === 1) m.nak();
            else if (!(await m.ackAck())) say("node: not acknowledged");
            if (++n === count) break;
        }
    };
    await take(fetched, 5);
    const flow = await consumer.consume({ max_messages: 4 });
    await take(flow, 6);
    const info = await consumer.info();
    say(`node: acknowledged up to ${info.ack_floor.stream_seq}, ${info.num_pending} to come`);
    await publish(js, "ours", "ours", 9, 3); // the first of them is there
}

async function main() {
    const nc = await nats.connect({ servers: url.replace("nats://", "") });
    const js = nc.jetstream();
    await { make, check, use }[step](js, await js.jetstreamManager());
    await nc.close();
}

run(main, 30);
