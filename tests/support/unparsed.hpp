// SPDX-License-Identifier: Apache-2.0
//
// A client with two mailboxes, and bytes that have arrived but were not parsed: what its readers
// make of them is the test's.

#pragma once

#include <natsproto/mailbox.hpp>

#include "support/sim.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace nats::test {

struct unparsed : connected_sim {
    unparsed() {
        EXPECT_TRUE(runtime().subscribe(*box, "a"));
        EXPECT_TRUE(runtime().subscribe(*other, "b"));
        settle();
    }
    void arrive(std::string_view bytes) {
        const std::span<char> space = session().prepare(bytes.size());
        std::copy(bytes.begin(), bytes.end(), space.begin());
        session().commit(bytes.size(), now());
    }
    std::unique_ptr<mailbox> box = std::make_unique<mailbox>();
    std::unique_ptr<mailbox> other = std::make_unique<mailbox>();
};

/// A third subscription, to "c", with a handler that reads meanwhile by `take(net)`.
template <class Net>
class reading_handler {
public:
    using reader = std::string (*)(Net&);
    reading_handler(Net& net, reader take) : net_(&net), take_(take) {
        EXPECT_TRUE(net.runtime().subscribe(
            box_, "c", {},
            [](void* self, const message_view&) {
                auto& h = *static_cast<reading_handler*>(self);
                h.read += h.take_(*h.net_);
            },
            this));
    }
    reading_handler(const reading_handler&) = delete;
    reading_handler& operator=(const reading_handler&) = delete;
    ~reading_handler() = default;

    std::string read;

private:
    Net* net_;
    reader take_;
    mailbox box_;
};

} // namespace nats::test
