// SPDX-License-Identifier: Apache-2.0
//
// Proves what readers get when many messages come in one read: each its own, in order and once,
// whether by next_into, next, a range or try_next, with handlers and other readers in between, and
// when they end things in the middle of it.

#include <natsproto/asio/client.hpp>

#include "asio/memory_world.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <string>
#include <utility>
#include <vector>

namespace nats::test {
namespace {

namespace asio = boost::asio;

/// Long enough for the short way through the parser, also as the last of a read.
std::string padded(const std::string& text) {
    return text + std::string(40, '.');
}
std::string text_of(const message& m) {
    const std::string all(m.payload());
    return all.substr(0, all.find('.'));
}

class asio_burst : public memory_world {
protected:
    void SetUp() override { connect(); }
    /// In one read.
    void burst(const std::vector<std::pair<std::string, std::string>>& messages) {
        for (const auto& [subject, text] : messages) server.script().publish(subject, padded(text));
        server.pump();
        settle();
    }
    template <class Work>
    void spawn(Work work) {
        asio::co_spawn(nc->get_executor(), std::move(work), asio::detached);
        settle();
    }
    std::vector<std::string> got;
    using texts = std::vector<std::string>;
};

TEST_F(asio_burst, try_next_takes_the_rest) {
    aio::subscription sub = nc->subscribe("a").value();
    int waits = 0;
    spawn([&]() -> asio::awaitable<void> {
        message m;
        while (got.size() < 5) {
            co_await sub.next_into(m);
            ++waits;
            do got.push_back(text_of(m));
            while (sub.try_next(m));
        }
    });
    message none;
    EXPECT_FALSE(sub.try_next(none)) << "nothing has come, and somebody waits";
    burst({{"a", "1"}, {"a", "2"}, {"a", "3"}});
    EXPECT_EQ(waits, 1);
    burst({{"a", "4"}, {"a", "5"}});
    EXPECT_EQ(waits, 2);
    EXPECT_EQ(got, (texts{"1", "2", "3", "4", "5"}));
    EXPECT_EQ(sub.queue().max_pending_messages(), 0U) << "nothing of it was queued";
}

TEST_F(asio_burst, try_next_takes_what_is_queued_at_any_time) {
    aio::subscription sub = nc->subscribe("a").value();
    settle();
    burst({{"a", "1"}, {"a", "2"}});
    message m;
    EXPECT_TRUE(sub.try_next(m));
    EXPECT_EQ(text_of(m), "1");
    EXPECT_TRUE(sub.try_next(m));
    EXPECT_EQ(text_of(m), "2");
    EXPECT_FALSE(sub.try_next(m));
    EXPECT_EQ(text_of(m), "2") << "it is left alone";
}

TEST_F(asio_burst, try_next_has_nothing_of_none_or_beside_a_handler) {
    message m;
    EXPECT_FALSE(aio::subscription().try_next(m));
    aio::subscription sub =
        nc->subscribe("a", [&](const message_view&) { got.emplace_back("handler"); }).value();
    settle();
    burst({{"a", "1"}});
    EXPECT_FALSE(sub.try_next(m));
    EXPECT_EQ(got, (texts{"handler"}));
}

TEST_F(asio_burst, readers_and_handlers_keep_the_order_of_what_came) {
    aio::subscription a = nc->subscribe("a").value();
    aio::subscription b = nc->subscribe("b").value();
    const aio::subscription c = nc->subscribe("c", [&](const message_view& m) {
                                      got.push_back(text_of(message(m)));
                                  }).value();
    const auto read = [&](aio::subscription& from) -> asio::awaitable<void> {
        message m;
        while (true) {
            co_await from.next_into(m);
            got.push_back(text_of(m));
        }
    };
    spawn([&] { return read(a); });
    spawn([&] { return read(b); });
    burst({{"a", "1"},
           {"a", "2"},
           {"b", "3"},
           {"c", "4"},
           {"a", "5"},
           {"c", "6"},
           {"b", "7"},
           {"b", "8"},
           {"a", "9"}});
    EXPECT_EQ(got, (texts{"1", "2", "3", "4", "5", "6", "7", "8", "9"}));
    nc.reset();
    settle();
}

TEST_F(asio_burst, each_kind_of_reading_gets_each_message_once) {
    aio::subscription sub = nc->subscribe("a").value();
    texts sent;
    spawn([&]() -> asio::awaitable<void> {
        message m;
        auto range = sub.messages();
        for (int i = 0; got.size() < 1000; ++i) {
            if (i % 4 == 0) {
                got.push_back(text_of(co_await sub.next()));
            } else if (i % 4 == 1) {
                co_await sub.next_into(m);
                got.push_back(text_of(m));
            } else if (i % 4 == 2) {
                const std::optional<message> next = co_await range.next();
                got.push_back(next ? text_of(*next) : "the end");
            } else if (sub.try_next(m)) {
                got.push_back(text_of(m));
            }
        }
    });
    std::vector<std::pair<std::string, std::string>> all;
    for (int i = 0; i < 1000; ++i) {
        sent.push_back(std::to_string(i));
        all.emplace_back("a", sent.back());
    }
    burst(all);
    ASSERT_TRUE(until([&] { return got.size() == 1000; }));
    EXPECT_EQ(got, sent);
}

TEST_F(asio_burst, the_reader_ends_the_client_with_messages_of_others_behind) {
    aio::subscription a = nc->subscribe("a").value();
    const aio::subscription b =
        nc->subscribe("b", [&](const message_view&) { got.emplace_back("too late"); }).value();
    spawn([&]() -> asio::awaitable<void> {
        message m;
        co_await a.next_into(m);
        EXPECT_FALSE(a.try_next(m)); // that parses what is for b
        got.emplace_back("closed");
        nc.reset();
    });
    burst({{"a", "1"}, {"b", "2"}, {"a", "3"}});
    EXPECT_EQ(got, (texts{"closed"}));
}

TEST_F(asio_burst, a_subscription_that_goes_takes_along_what_was_parsed_for_it) {
    aio::subscription a = nc->subscribe("a").value();
    aio::subscription b =
        nc->subscribe("b", [&](const message_view&) { got.emplace_back("too late"); }).value();
    spawn([&]() -> asio::awaitable<void> {
        message m;
        co_await a.next_into(m);
        EXPECT_FALSE(a.try_next(m));
        b = aio::subscription();
        co_await a.next_into(m);
        got.push_back(text_of(m));
    });
    burst({{"a", "1"}, {"b", "2"}, {"a", "3"}});
    EXPECT_EQ(got, (texts{"3"}));
}

TEST_F(asio_burst, the_last_message_of_a_subscription) {
    aio::subscription sub = nc->subscribe("a").value();
    ASSERT_TRUE(sub.unsubscribe(2));
    sub.on_end([&](const error& why) { got.emplace_back(describe(why.code())); });
    spawn([&]() -> asio::awaitable<void> {
        message m;
        co_await sub.next_into(m);
        do got.push_back(text_of(m));
        while (sub.try_next(m));
    });
    burst({{"a", "1"}, {"a", "2"}, {"a", "3"}});
    EXPECT_EQ(got, (texts{"1", "2", std::string(describe(errc::max_messages_reached))}));
}

} // namespace
} // namespace nats::test
