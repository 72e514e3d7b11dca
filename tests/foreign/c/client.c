/* SPDX-License-Identifier: Apache-2.0
 *
 * What a user of nats.c (Debian's libnats-dev) does, against the servers that run_client has
 * started:
 *
 *   client OPEN LOGIN TOKEN SEED
 *
 * The arguments and the lines on stdout are those of ../node/client.js. */

#include <nats/nats.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { patience = 10000 }; /* ms */

static void check(natsStatus s, const char* what) {
    if (s == NATS_OK) return;
    fprintf(stderr, "%s: %s (%s)\n", what, natsStatus_GetText(s), nats_GetLastError(NULL));
    exit(1);
}
#define CHECK(call) check((call), #call)

static void say(const char* line) {
    puts(line);
    fflush(stdout);
}

static const char* text_of(natsStatus s) {
    switch (s) {
    case NATS_OK: return "no failure";
    case NATS_NO_RESPONDERS: return "no responders";
    case NATS_CONNECTION_AUTH_FAILED: return "authorization violation";
    case NATS_TIMEOUT: return "timeout";
    default: return natsStatus_GetText(s);
    }
}

/* What callbacks of the connection and of subscriptions count. */
struct counters {
    atomic_int reconnected, leaving, closed, jobs[2], audited, heard, handled, answers;
};
static struct counters count;

static void wait_for(atomic_int* counter, int n, const char* what) {
    for (int i = 0; atomic_load(counter) < n; ++i) {
        if (i == patience) {
            fprintf(stderr, "%s does not come\n", what);
            exit(1);
        }
        nats_Sleep(1);
    }
}

static void on_reconnected(natsConnection* nc, void* closure) {
    (void)nc, (void)closure;
    ++count.reconnected;
}
static void on_leaving(natsConnection* nc, void* closure) {
    (void)nc, (void)closure;
    ++count.leaving;
}
static void on_closed(natsConnection* nc, void* closure) {
    (void)nc;
    ++*(atomic_int*)closure;
}

static natsOptions* options(const char* url) {
    natsOptions* o = NULL;
    CHECK(natsOptions_Create(&o));
    CHECK(natsOptions_SetURL(o, url));
    CHECK(natsOptions_SetReconnectWait(o, 10));
    CHECK(natsOptions_SetMaxReconnect(o, -1));
    CHECK(natsOptions_SetReconnectJitter(o, 0, 0));
    CHECK(natsOptions_SetReconnectedCB(o, on_reconnected, NULL));
    CHECK(natsOptions_SetLameDuckModeCB(o, on_leaving, NULL));
    return o;
}

static natsConnection* connect_to(const char* url, const char* name) {
    natsOptions* o = options(url);
    natsConnection* nc = NULL;
    CHECK(natsOptions_SetName(o, name));
    CHECK(natsConnection_Connect(&nc, o));
    natsOptions_Destroy(o);
    return nc;
}

static void finish(natsConnection* nc) {
    natsConnection_Close(nc);
    natsConnection_Destroy(nc);
}

static natsMsg* next(natsSubscription* sub) {
    natsMsg* m = NULL;
    CHECK(natsSubscription_NextMsg(&m, sub, patience));
    return m;
}

static void say_message(natsSubscription* sub, bool with_reply) {
    natsMsg* m = next(sub);
    const char* const reply = natsMsg_GetReply(m);
    printf("%s [%.*s]", natsMsg_GetSubject(m), natsMsg_GetDataLength(m), natsMsg_GetData(m));
    if (with_reply) printf(" reply [%s]", reply != NULL ? reply : "");
    say("");
    natsMsg_Destroy(m);
}

static void end(natsSubscription* sub) {
    CHECK(natsSubscription_Unsubscribe(sub));
    natsSubscription_Destroy(sub);
}

static void publishing(natsConnection* nc) {
    natsSubscription* sub = NULL;
    CHECK(natsConnection_SubscribeSync(&sub, nc, "greet.*"));
    CHECK(natsConnection_PublishString(nc, "greet.joe", "hello"));
    CHECK(natsConnection_PublishRequestString(nc, "greet.sue", "greet.back", "hi"));
    CHECK(natsConnection_PublishString(nc, "greet.too.deep", "not for it"));
    CHECK(natsConnection_Publish(nc, "greet.nobody", NULL, 0));
    CHECK(natsConnection_Flush(nc));
    for (int i = 0; i < 3; ++i) say_message(sub, true);
    end(sub);

    int n = 0;
    natsMsg* m = NULL;
    CHECK(natsConnection_SubscribeSync(&sub, nc, "two"));
    CHECK(natsSubscription_AutoUnsubscribe(sub, 2));
    for (int i = 0; i < 3; ++i) CHECK(natsConnection_PublishString(nc, "two", "x"));
    CHECK(natsConnection_Flush(nc));
    for (; natsSubscription_NextMsg(&m, sub, patience) == NATS_OK; ++n) natsMsg_Destroy(m);
    natsSubscription_Destroy(sub);
    printf("unsubscribed after %d\n", n);

    CHECK(natsConnection_SubscribeSync(&sub, nc, "deep.>"));
    CHECK(natsConnection_PublishString(nc, "deep.er.and.deeper", "x"));
    CHECK(natsConnection_PublishString(nc, "größe.ä", "x"));
    CHECK(natsConnection_PublishString(nc, "deep.ö", "y"));
    for (int i = 0; i < 2; ++i) say_message(sub, false);
    end(sub);
}

static void payloads(natsConnection* nc) {
    natsSubscription* sub = NULL;
    unsigned char every[256];
    const int64_t most = natsConnection_GetMaxPayload(nc);
    char* const large = malloc((size_t)most);
    for (int i = 0; i < 256; ++i) every[i] = (unsigned char)i;
    memset(large, 'x', (size_t)most);
    CHECK(natsConnection_SubscribeSync(&sub, nc, "bytes"));
    CHECK(natsConnection_Publish(nc, "bytes", every, sizeof every));
    CHECK(natsConnection_Publish(nc, "bytes", large, (int)most));
    free(large);
    for (int i = 0; i < 2; ++i) {
        natsMsg* m = next(sub);
        int64_t sum = 0;
        for (int k = 0; k < natsMsg_GetDataLength(m); ++k)
            sum += (unsigned char)natsMsg_GetData(m)[k];
        printf("payload of %d, sum %lld\n", natsMsg_GetDataLength(m), (long long)sum);
        natsMsg_Destroy(m);
    }
    end(sub);
}

static void headers(natsConnection* nc) {
    natsSubscription* sub = NULL;
    natsMsg* m = NULL;
    CHECK(natsConnection_SubscribeSync(&sub, nc, "headers"));
    CHECK(natsMsg_Create(&m, "headers", NULL, "x", 1));
    CHECK(natsMsgHeader_Set(m, "Color", "red"));
    CHECK(natsMsgHeader_Add(m, "Color", "dark blue"));
    CHECK(natsMsgHeader_Set(m, "Size", "5"));
    CHECK(natsConnection_PublishMsg(nc, m));
    natsMsg_Destroy(m);
    CHECK(natsConnection_PublishString(nc, "headers", "y"));

    const char** colors = NULL;
    const char* size = NULL;
    int n = 0;
    m = next(sub);
    CHECK(natsMsgHeader_Values(m, "Color", &colors, &n));
    CHECK(natsMsgHeader_Get(m, "Size", &size));
    printf("headers %s", n > 0 ? colors[0] : "");
    for (int i = 1; i < n; ++i) printf(", %s", colors[i]);
    printf("; %s; [%s]\n", size, natsMsg_GetData(m));
    free((void*)colors);
    natsMsg_Destroy(m);

    m = next(sub);
    const char** keys = NULL;
    const bool none = natsMsgHeader_Keys(m, &keys, &n) == NATS_NOT_FOUND;
    printf("headers %s; [%s]\n", none ? "none" : "some", natsMsg_GetData(m));
    natsMsg_Destroy(m);
    end(sub);
}

static void on_message(natsConnection* nc, natsSubscription* sub, natsMsg* m, void* closure) {
    (void)nc, (void)sub;
    ++*(atomic_int*)closure;
    natsMsg_Destroy(m);
}

static void queues(natsConnection* a, natsConnection* b) {
    natsSubscription* subs[3] = {NULL, NULL, NULL};
    CHECK(natsConnection_QueueSubscribe(&subs[0], a, "jobs", "workers", on_message,
                                        &count.jobs[0]));
    CHECK(natsConnection_QueueSubscribe(&subs[1], b, "jobs", "workers", on_message,
                                        &count.jobs[1]));
    CHECK(natsConnection_Subscribe(&subs[2], a, "jobs", on_message, &count.audited));
    CHECK(natsConnection_Flush(a));
    CHECK(natsConnection_Flush(b));
    for (int i = 0; i < 200; ++i) CHECK(natsConnection_PublishString(a, "jobs", "x"));
    wait_for(&count.audited, 200, "the audit");
    CHECK(natsConnection_Flush(b));
    for (int i = 0; i < patience && count.jobs[0] + count.jobs[1] < 200; ++i) nats_Sleep(1);
    printf("queue: %d jobs, %s\n", count.jobs[0] + count.jobs[1],
           count.jobs[0] > 0 && count.jobs[1] > 0 ? "both worked" : "one was idle");
    printf("queue: %d audited\n", count.audited);
    for (int i = 0; i < 3; ++i) end(subs[i]);
}

static void add(natsConnection* nc, natsSubscription* sub, natsMsg* m, void* closure) {
    (void)sub, (void)closure;
    int x = 0, y = 0;
    char sum[32];
    natsMsg* answer = NULL;
    if (sscanf(natsMsg_GetData(m), "%d+%d", &x, &y) != 2) exit(1);
    snprintf(sum, sizeof sum, "%d", x + y);
    CHECK(natsMsg_Create(&answer, natsMsg_GetReply(m), NULL, sum, (int)strlen(sum)));
    CHECK(natsMsgHeader_Set(answer, "Asked", natsMsg_GetData(m)));
    CHECK(natsConnection_PublishMsg(nc, answer));
    natsMsg_Destroy(answer);
    natsMsg_Destroy(m);
}

static natsStatus ask(natsConnection* nc, const char* subject, int64_t timeout) {
    natsMsg* m = NULL;
    const natsStatus s = natsConnection_RequestString(&m, nc, subject, "", timeout);
    natsMsg_Destroy(m);
    return s;
}

static void requests(natsConnection* a, natsConnection* b, const char* url) {
    natsSubscription* service = NULL;
    natsSubscription* silent = NULL;
    natsMsg* m = NULL;
    const char* asked = NULL;
    CHECK(natsConnection_Subscribe(&service, b, "add", add, NULL));
    CHECK(natsConnection_Subscribe(&silent, b, "silent", on_message, &count.heard));
    CHECK(natsConnection_Flush(b));
    CHECK(natsConnection_RequestString(&m, a, "add", "2+3", patience));
    CHECK(natsMsgHeader_Get(m, "Asked", &asked));
    printf("request: %s, asked %s\n", natsMsg_GetData(m), asked);
    natsMsg_Destroy(m);

    int sum = 0;
    natsInbox* inbox = NULL;
    natsSubscription* answers = NULL;
    CHECK(natsInbox_Create(&inbox));
    CHECK(natsConnection_SubscribeSync(&answers, a, inbox));
    for (int i = 0; i < 50; ++i) {
        char text[32];
        snprintf(text, sizeof text, "%d+1", i);
        CHECK(natsConnection_PublishRequestString(a, "add", inbox, text));
    }
    for (int i = 0; i < 50; ++i) {
        m = next(answers);
        sum += atoi(natsMsg_GetData(m));
        natsMsg_Destroy(m);
    }
    end(answers);
    natsInbox_Destroy(inbox);
    printf("requests at once: %d\n", sum);

    natsOptions* o = options(url);
    natsConnection* old = NULL;
    CHECK(natsOptions_UseOldRequestStyle(o, true));
    CHECK(natsConnection_Connect(&old, o));
    natsOptions_Destroy(o);
    CHECK(natsConnection_RequestString(&m, old, "add", "1+1", patience));
    printf("request with a subscription of its own: %s\n", natsMsg_GetData(m));
    natsMsg_Destroy(m);
    finish(old);

    printf("request to nobody: %s\n", text_of(ask(a, "nobody", patience)));
    printf("request to JetStream: %s\n", text_of(ask(a, "$JS.API.INFO", patience)));
    printf("request to the silent: %s\n", text_of(ask(a, "silent", 50)));
    end(service);
    end(silent);
}

static void other_options(const char* url) {
    natsOptions* o = options(url);
    natsConnection* nc = NULL;
    natsSubscription* sub = NULL;
    atomic_store(&count.heard, 0);
    CHECK(natsOptions_SetNoEcho(o, true));
    CHECK(natsConnection_Connect(&nc, o));
    natsOptions_Destroy(o);
    CHECK(natsConnection_Subscribe(&sub, nc, "echo", on_message, &count.heard));
    CHECK(natsConnection_PublishString(nc, "echo", "x"));
    CHECK(natsConnection_Flush(nc));
    printf("no echo: %d\n", count.heard);
    natsSubscription_Destroy(sub);
    finish(nc);

    o = options(url);
    CHECK(natsOptions_SetVerbose(o, true));
    CHECK(natsOptions_SetPedantic(o, true));
    CHECK(natsConnection_Connect(&nc, o));
    natsOptions_Destroy(o);
    CHECK(natsConnection_SubscribeSync(&sub, nc, "strict"));
    CHECK(natsConnection_PublishString(nc, "strict", "verbose and pedantic"));
    natsMsg* m = next(sub);
    say(natsMsg_GetData(m));
    natsMsg_Destroy(m);
    natsSubscription_Destroy(sub);
    finish(nc);
}

static void handle(natsConnection* nc, natsSubscription* sub, natsMsg* m, void* closure) {
    (void)sub, (void)closure;
    ++count.handled;
    CHECK(natsConnection_PublishString(nc, natsMsg_GetReply(m), "x"));
    natsMsg_Destroy(m);
}

static void draining(natsConnection* nc, const char* url) {
    natsOptions* o = options(url);
    natsConnection* other = NULL;
    natsSubscription* sub = NULL;
    natsSubscription* answers = NULL;
    CHECK(natsOptions_SetClosedCB(o, on_closed, &count.closed));
    CHECK(natsConnection_Connect(&other, o));
    natsOptions_Destroy(o);
    CHECK(natsConnection_Subscribe(&sub, other, "drain", handle, NULL));
    CHECK(natsConnection_Flush(other));
    CHECK(natsConnection_Subscribe(&answers, nc, "drained", on_message, &count.answers));
    for (int i = 0; i < 100; ++i)
        CHECK(natsConnection_PublishRequestString(nc, "drain", "drained", "x"));
    CHECK(natsConnection_Flush(nc));
    CHECK(natsConnection_Drain(other));
    wait_for(&count.closed, 1, "the end of the drain");
    CHECK(natsConnection_Flush(nc));
    wait_for(&count.answers, 100, "the answers");
    printf("drained: %d handled, %d answered, %s\n", count.handled, count.answers,
           natsConnection_IsClosed(other) ? "closed" : "open");
    natsSubscription_Destroy(sub);
    natsConnection_Destroy(other);
    end(answers);
    printf("after the drain: %s\n", text_of(ask(nc, "drain", patience)));
}

static void serve(natsConnection* nc, natsSubscription* sub, natsMsg* m, void* closure) {
    (void)sub, (void)closure;
    CHECK(natsConnection_PublishString(nc, natsMsg_GetReply(m), "still here"));
    natsMsg_Destroy(m);
}

static void reconnecting(natsConnection* nc) {
    natsSubscription* again = NULL;
    natsSubscription* service = NULL;
    natsMsg* m = NULL;
    CHECK(natsConnection_SubscribeSync(&again, nc, "again"));
    CHECK(natsConnection_Subscribe(&service, nc, "service", serve, NULL));
    CHECK(natsConnection_Flush(nc));
    const int before = count.reconnected;
    say("! restart");
    wait_for(&count.reconnected, before + 1, "the server");
    CHECK(natsConnection_Flush(nc));
    CHECK(natsConnection_PublishString(nc, "again", "after the restart"));
    m = next(again);
    printf("reconnected: %s\n", natsMsg_GetData(m));
    natsMsg_Destroy(m);
    CHECK(natsConnection_RequestString(&m, nc, "service", "", patience));
    printf("reconnected: %s\n", natsMsg_GetData(m));
    natsMsg_Destroy(m);
    end(again);
    end(service);
}

struct seeds {
    const char* seed;
};
static natsStatus sign(char** error, unsigned char** out, int* size, const char* nonce,
                       void* closure) {
    (void)error;
    return nats_Sign(((struct seeds*)closure)->seed, nonce, out, size);
}

/* Connects, says how that went, and ends the options. nats.c 3.4.1 signs about one nonce in 250
 * wrongly, with every server (400 logins were tried with each): what should work is tried again. */
static void log_in(const char* what, natsOptions* o, bool works) {
    natsConnection* nc = NULL;
    natsStatus s = natsConnection_Connect(&nc, o);
    for (int i = 0; i < 4 && works && s == NATS_CONNECTION_AUTH_FAILED; ++i)
        s = natsConnection_Connect(&nc, o);
    natsOptions_Destroy(o);
    if (!works) {
        printf("login %s: %s\n", what, text_of(s));
    } else {
        natsSubscription* sub = NULL;
        check(s, what);
        CHECK(natsConnection_SubscribeSync(&sub, nc, "x"));
        CHECK(natsConnection_PublishString(nc, "x", what));
        natsMsg* m = next(sub);
        printf("login by %s\n", natsMsg_GetData(m));
        natsMsg_Destroy(m);
        natsSubscription_Destroy(sub);
    }
    if (nc != NULL) finish(nc);
}

static natsOptions* with_user(const char* url, const char* user, const char* password) {
    natsOptions* const o = options(url);
    CHECK(natsOptions_SetUserInfo(o, user, password));
    return o;
}
static natsOptions* with_token(const char* url, const char* token) {
    natsOptions* const o = options(url);
    CHECK(natsOptions_SetToken(o, token));
    return o;
}
static natsOptions* with_key(const char* url, const char* key, struct seeds* s) {
    natsOptions* const o = options(url);
    CHECK(natsOptions_SetNKey(o, key, sign, s));
    return o;
}

static void logins(const char* login_url, const char* token_url, const char* seed) {
    struct seeds mine = {seed};
    struct seeds other = {"SUAPLL2P3IOFSF5HQNBME2FFF4Q55IJIV24TAQPMP7TWQ3SFWAAGF3HP7I"};
    log_in("password", with_user(login_url, "joe", "secret"), true);
    log_in("by a wrong password", with_user(login_url, "joe", "wrong"), false);
    log_in("as nobody", options(login_url), false);
    log_in("token", with_token(token_url, "s3cr3t"), true);
    log_in("by a wrong token", with_token(token_url, "wrong"), false);
    log_in("nkey",
           with_key(login_url, "UD7HE7FWDW7X6GMILQK4NC2PBY7WT2HB5UWELCNWAYBX622NRWW262HA", &mine),
           true);
    log_in("by an unknown nkey",
           with_key(login_url, "UB7OR2VDECEXIGGNKEJA2KMETJQF37IHSI5JQ7U2BOBHE4PFOJ5QHRU4", &other),
           false);
}

int main(int argc, char** argv) {
    if (argc != 5) {
        fprintf(stderr, "usage: %s OPEN LOGIN TOKEN SEED\n", argv[0]);
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    natsConnection* const a = connect_to(argv[1], "a");
    natsConnection* const b = connect_to(argv[1], "b");
    say("connected");
    publishing(a);
    payloads(a);
    headers(a);
    queues(a, b);
    requests(a, b, argv[1]);
    other_options(argv[1]);
    draining(a, argv[1]);
    finish(b);
    reconnecting(a);
    logins(argv[2], argv[3], argv[4]);
    say("! retire");
    wait_for(&count.leaving, 1, "that the server is leaving");
    say("the server is leaving");
    finish(a);
    nats_Close();
    say("closed");
    return 0;
}
