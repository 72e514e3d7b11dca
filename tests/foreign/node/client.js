// SPDX-License-Identifier: Apache-2.0
//
// What a user of a NATS client for node does, against the servers that run_client has started:
//
//   node client.js PACKAGE OPEN LOGIN TOKEN SEED
//
// PACKAGE is `nats` or `@nats-io/transport-node`, as scripts/foreign has fetched them; the others are
// URLs of a server without logins, of one with, of one with a token, and the seed of an NKEY. What it
// sees is on stdout, a line each, as expected.txt has it; a line "! restart" or "! retire" asks
// run_client to do that to the server without logins.

"use strict";

const { load, run, say, text, bytes } = require("./common");

const [, , packageName, openUrl, loginUrl, tokenUrl, seed] = process.argv;
const nats = load(packageName, 1);

const plain = (url) => url.replace("nats://", "");
const connect = (url, more) =>
    nats.connect({ servers: plain(url), reconnectTimeWait: 10, maxReconnectAttempts: -1,
                   reconnectJitter: 0, timeout: 5000, ...more });

function expect(condition, what) {
    if (!condition) throw new Error("expected " + what);
}

/** The messages of a subscription, up to `n` of them. */
async function take(sub, n) {
    const all = [];
    if (n === 0) return all;
    for await (const m of sub) {
        all.push(m);
        if (all.length === n) break;
    }
    return all;
}

/** What the error of a promise is about. */
async function failure(promise) {
    try {
        await promise;
    } catch (e) {
        const all = [e.code, e.name, e.message, e.cause && e.cause.name, e.cause && e.cause.message].join(" ");
        if (/503|NoResponders|no responders/i.test(all)) return "no responders";
        if (/authorization/i.test(all)) return "authorization violation";
        if (/timeout/i.test(all)) return "timeout";
        return all;
    }
    return "no failure";
}

async function publishing(nc) {
    const sub = nc.subscribe("greet.*");
    nc.publish("greet.joe", bytes("hello"));
    nc.publish("greet.sue", bytes("hi"), { reply: "greet.back" });
    nc.publish("greet.too.deep", bytes("not for it"));
    nc.publish("greet.nobody");
    await nc.flush();
    for (const m of await take(sub, 3)) say(`${m.subject} [${text(m)}] reply [${m.reply || ""}]`);
    sub.unsubscribe();

    const two = nc.subscribe("two", { max: 2 });
    for (const t of ["1", "2", "3"]) nc.publish("two", bytes(t));
    say("unsubscribed after " + (await take(two, 3)).length);

    const all = nc.subscribe("deep.>");
    nc.publish("deep.er.and.deeper", bytes("x"));
    nc.publish("größe.ä", bytes("x"));
    nc.publish("deep.ö", bytes("y"));
    for (const m of await take(all, 2)) say(`${m.subject} [${text(m)}]`);
    all.unsubscribe();
}

async function payloads(nc) {
    const sub = nc.subscribe("bytes");
    const every = Uint8Array.from({ length: 256 }, (_, i) => i);
    const large = new Uint8Array(nc.info.max_payload).fill(120);
    for (const p of [every, large]) nc.publish("bytes", p);
    for (const m of await take(sub, 2)) {
        const sum = m.data.reduce((a, b) => a + b, 0);
        say(`payload of ${m.data.length}, sum ${sum}`);
    }
    sub.unsubscribe();
}

async function headers(nc) {
    const sub = nc.subscribe("headers");
    const h = nats.headers();
    h.set("Color", "red");
    h.append("Color", "dark blue");
    h.set("Size", "5");
    nc.publish("headers", bytes("x"), { headers: h });
    nc.publish("headers", bytes("y"));
    const [first, second] = await take(sub, 2);
    say(`headers ${first.headers.values("Color").join(", ")}; ${first.headers.get("Size")}; [${text(first)}]`);
    say(`headers ${second.headers ? "some" : "none"}; [${text(second)}]`);
    sub.unsubscribe();
}

async function queues(a, b) {
    const counts = [0, 0];
    [a, b].forEach((nc, i) => nc.subscribe("jobs", { queue: "workers", callback: () => counts[i]++ }));
    let audited = 0;
    a.subscribe("jobs", { callback: () => audited++ });
    await a.flush();
    await b.flush();
    for (let i = 0; i < 200; ++i) a.publish("jobs", bytes(String(i)));
    await a.flush();
    await b.flush();
    say(`queue: ${counts[0] + counts[1]} jobs, ${counts.every((n) => n > 0) ? "both worked" : "one was idle"}`);
    say(`queue: ${audited} audited`);
}

async function requests(a, b) {
    b.subscribe("add", {
        callback: (_, m) => {
            const sum = text(m).split("+").reduce((s, n) => s + Number(n), 0);
            const h = nats.headers();
            h.set("Asked", text(m));
            m.respond(bytes(String(sum)), { headers: h });
        },
    });
    b.subscribe("silent", { callback: () => {} });
    await b.flush();
    const answer = await a.request("add", bytes("2+3"), { timeout: 5000 });
    say(`request: ${text(answer)}, asked ${answer.headers.get("Asked")}`);
    const many = await Promise.all([...Array(50).keys()].map((i) => a.request("add", bytes(`${i}+1`), { timeout: 5000 })));
    say(`requests at once: ${many.reduce((s, m) => s + Number(text(m)), 0)}`);
    const mux = { timeout: 5000, noMux: true };
    say(`request with a subscription of its own: ${text(await a.request("add", bytes("1+1"), mux))}`);
    say("request to nobody: " + (await failure(a.request("nobody", bytes(""), { timeout: 5000 }))));
    say("request to JetStream: " + (await failure(a.request("$JS.API.INFO", bytes(""), { timeout: 5000 }))));
    say("request to the silent: " + (await failure(a.request("silent", bytes(""), { timeout: 50 }))));
}

async function options() {
    const quiet = await connect(openUrl, { noEcho: true });
    let heard = 0;
    quiet.subscribe("echo", { callback: () => heard++ });
    quiet.publish("echo");
    await quiet.flush();
    say(`no echo: ${heard}`);
    await quiet.close();

    const strict = await connect(openUrl, { verbose: true, pedantic: true, name: "strict" });
    const sub = strict.subscribe("strict");
    strict.publish("strict", bytes("verbose and pedantic"));
    say(text((await take(sub, 1))[0]));
    await strict.close();
}

async function draining(nc) {
    const other = await connect(openUrl);
    let handled = 0;
    other.subscribe("drain", {
        callback: (_, m) => {
            ++handled;
            m.respond(bytes("x"));
        },
    });
    await other.flush();
    let answers = 0;
    const inbox = nats.createInbox();
    nc.subscribe(inbox, { callback: () => ++answers });
    for (let i = 0; i < 100; ++i) nc.publish("drain", bytes("x"), { reply: inbox });
    await nc.flush();
    await other.drain();
    await nc.flush();
    say(`drained: ${handled} handled, ${answers} answered, ${other.isClosed() ? "closed" : "open"}`);
    say("after the drain: " + (await failure(nc.request("drain", bytes(""), { timeout: 5000 }))));
}

async function status(nc, wanted) {
    for await (const s of nc.status()) {
        if (s.type === wanted) return;
    }
    throw new Error("closed before " + wanted);
}

async function reconnecting(nc) {
    const sub = nc.subscribe("again");
    nc.subscribe("service", { callback: (_, m) => m.respond(bytes("still here")) });
    await nc.flush();
    const back = status(nc, "reconnect");
    say("! restart");
    await back;
    await nc.flush();
    nc.publish("again", bytes("after the restart"));
    say("reconnected: " + text((await take(sub, 1))[0]));
    const answer = await nc.request("service", bytes(""), { timeout: 5000 });
    say("reconnected: " + text(answer));
}

async function logins() {
    const works = async (what, url, more) => {
        const nc = await connect(url, more);
        const sub = nc.subscribe("x");
        nc.publish("x", bytes(what));
        say(`login by ${text((await take(sub, 1))[0])}`);
        await nc.close();
    };
    const fails = async (what, url, more) => say(`login ${what}: ` + (await failure(connect(url, more))));
    const signer = (s) => ({ authenticator: nats.nkeyAuthenticator(bytes(s)) });
    await works("password", loginUrl, { user: "joe", pass: "secret" });
    await fails("by a wrong password", loginUrl, { user: "joe", pass: "wrong" });
    await fails("as nobody", loginUrl, {});
    await works("token", tokenUrl, { token: "s3cr3t" });
    await fails("by a wrong token", tokenUrl, { token: "wrong" });
    await works("nkey", loginUrl, signer(seed));
    await fails("by an unknown nkey", loginUrl, signer("SUAPLL2P3IOFSF5HQNBME2FFF4Q55IJIV24TAQPMP7TWQ3SFWAAGF3HP7I"));
}

async function main() {
    const a = await connect(openUrl, { name: "a" });
    const b = await connect(openUrl, { name: "b" });
    say("connected");
    await publishing(a);
    await payloads(a);
    await headers(a);
    await queues(a, b);
    await requests(a, b);
    await options();
    await draining(a);
    await b.close();
    await reconnecting(a);
    await logins();
    const leaving = status(a, "ldm");
    say("! retire");
    await leaving;
    say("the server is leaving");
    await a.close();
    say("closed");
}

run(main, 30);
