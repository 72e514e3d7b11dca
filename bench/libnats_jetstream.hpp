// SPDX-License-Identifier: Apache-2.0
//
// JetStream with nats.c. Its consumers are made before, so that all contenders have the same.

#pragma once

#include "harness.hpp"
#include "libnats_contender.hpp"

#include <chrono>
#include <cstddef>
#include <semaphore>
#include <string>

#include <nats/nats.h>

namespace nats::bench {

class libnats_jetstream {
public:
    /// `at_once`: each publish is written by its caller, and not by a thread a little later.
    explicit libnats_jetstream(const std::string& url, bool at_once = false)
        : options_(at_once), nc_(url, options_.o) {
        jsOptions o;
        check(jsOptions_Init(&o), "options");
        o.PublishAsync.MaxPending = 4000;
        o.PublishAsync.StallWait = 10'000;
        check(natsConnection_JetStream(&context_, nc_.get(), &o), "JetStream");
    }
    libnats_jetstream(const libnats_jetstream&) = delete;
    libnats_jetstream& operator=(const libnats_jetstream&) = delete;
    ~libnats_jetstream() {
        natsConnection_Close(nc_.get()); // its threads use what goes now
        natsSubscription_Destroy(sub_);
        jsCtx_Destroy(context_);
    }
    [[nodiscard]] natsConnection* connection() const noexcept { return nc_.get(); }
    [[nodiscard]] jsCtx* get() const noexcept { return context_; }
    [[nodiscard]] natsSubscription* subscription() const noexcept { return sub_; }

    // --- the consumer `reader` of the stream `READ`
    void subscribe_to_pull() {
        jsSubOptions o = of_reader();
        check(js_PullSubscribe(&sub_, context_, "stored", "reader", nullptr, &o, nullptr), "pull");
    }
    void subscribe_to_push() {
        jsSubOptions o = of_reader();
        check(js_SubscribeSync(&sub_, context_, "stored", nullptr, &o, nullptr), "subscribe");
        check(natsSubscription_SetPendingLimits(sub_, -1, -1), "limits");
    }
    void subscribe_to_push(natsMsgHandler f, void* closure) {
        jsSubOptions o = of_reader();
        check(js_Subscribe(&sub_, context_, "stored", f, closure, nullptr, &o, nullptr),
              "subscribe");
        check(natsSubscription_SetPendingLimits(sub_, -1, -1), "limits");
    }

private:
    struct connect_options {
        explicit connect_options(bool at_once) {
            check(natsOptions_Create(&o), "options");
            check(natsOptions_SetSendAsap(o, at_once), "send as soon as possible");
        }
        connect_options(const connect_options&) = delete;
        connect_options& operator=(const connect_options&) = delete;
        ~connect_options() { natsOptions_Destroy(o); }
        natsOptions* o = nullptr;
    };
    static jsSubOptions of_reader() {
        jsSubOptions o;
        check(jsSubOptions_Init(&o), "options");
        o.Stream = "READ";
        o.Consumer = "reader";
        o.ManualAck = true;
        o.Config.MemoryStorage = true; // it compares
        return o;
    }

    connect_options options_;
    libnats_connection nc_;
    jsCtx* context_ = nullptr;
    natsSubscription* sub_ = nullptr;
};

inline figures libnats_one_by_one(const std::string& url, const std::string& body,
                                  std::size_t messages, bool at_once) {
    const libnats_jetstream js(url, at_once);
    const meter m;
    for (std::size_t i = 0; i < messages; ++i) {
        jsPubAck* ack = nullptr;
        check(js_Publish(&ack, js.get(), "bench", body.data(), static_cast<int>(body.size()),
                         nullptr, nullptr),
              "publish");
        jsPubAck_Destroy(ack);
    }
    return m.cpu_and_clock(messages);
}

inline figures libnats_windowed(const std::string& url, const std::string& body,
                                std::size_t messages) {
    const libnats_jetstream js(url);
    jsPubOptions wait;
    check(jsPubOptions_Init(&wait), "options");
    wait.MaxWait = 60'000;
    const meter m;
    for (std::size_t i = 0; i < messages; ++i) {
        check(
            js_PublishAsync(js.get(), "bench", body.data(), static_cast<int>(body.size()), nullptr),
            "publish");
    }
    check(js_PublishAsyncComplete(js.get(), &wait), "complete");
    return m.cpu_and_rate(messages);
}

inline figures libnats_fetch(const std::string& url, std::size_t messages, int batch,
                             bool acknowledged) {
    libnats_jetstream js(url);
    js.subscribe_to_pull();
    const meter m;
    for (std::size_t seen = 0; seen < messages;) {
        natsMsgList list;
        check(natsSubscription_Fetch(&list, js.subscription(), batch, 5'000, nullptr), "fetch");
        for (int i = 0; acknowledged && i < list.Count; ++i)
            check(natsMsg_Ack(list.Msgs[i], nullptr), "ack");
        seen += static_cast<std::size_t>(list.Count);
        natsMsgList_Destroy(&list);
    }
    check(natsConnection_Flush(js.connection()), "flush");
    return m.cpu_and_rate(messages);
}

inline figures libnats_next(const std::string& url, std::size_t messages, bool acknowledged) {
    libnats_jetstream js(url);
    const meter m;
    js.subscribe_to_push();
    for (std::size_t seen = 0; seen < messages; ++seen) {
        natsMsg* one = nullptr;
        const natsStatus got = natsSubscription_NextMsg(&one, js.subscription(), 10'000);
        if (got != NATS_OK) check(got, ("next, after " + std::to_string(seen)).c_str());
        if (acknowledged) check(natsMsg_Ack(one, nullptr), "ack");
        natsMsg_Destroy(one);
    }
    check(natsConnection_Flush(js.connection()), "flush");
    return m.cpu_and_rate(messages);
}

inline figures libnats_handler(const std::string& url, std::size_t messages, bool acknowledged) {
    struct closure {
        std::size_t left;
        bool acknowledged;
        std::binary_semaphore done{0};
    } here{messages, acknowledged};
    const auto take = [](natsConnection*, natsSubscription*, natsMsg* m, void* to) {
        closure& h = *static_cast<closure*>(to);
        if (h.acknowledged) check(natsMsg_Ack(m, nullptr), "ack");
        natsMsg_Destroy(m);
        if (--h.left == 0) h.done.release();
    };
    libnats_jetstream js(url);
    const meter m;
    js.subscribe_to_push(take, &here);
    if (!here.done.try_acquire_for(std::chrono::minutes(1))) die("messages are missing");
    check(natsConnection_Flush(js.connection()), "flush");
    return m.cpu_and_rate(messages);
}

} // namespace nats::bench
