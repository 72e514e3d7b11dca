// SPDX-License-Identifier: Apache-2.0
//
// Proves the sequences of JetStream's management in virtual time: lists in pages to their end,
// servers that never come to one, errors in the middle, update or create, and the look at what the
// server has taken.

#include <natsproto/jetstream/api_code.hpp>
#include <natsproto/jetstream/consumer_requests.hpp>
#include <natsproto/jetstream/stream_requests.hpp>

#include "support/sim.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace nats::test {
namespace {

/// A number in the body of a request.
std::uint64_t number_in(std::string_view body, std::string_view name) {
    if (body.empty()) return 0;
    const boost::json::value v = boost::json::parse({body.data(), body.size()});
    const boost::json::value* n = v.as_object().if_contains({name.data(), name.size()});
    return n == nullptr ? 0 : n->to_number<std::uint64_t>();
}

struct api : connected_sim {
    /// Answers each request to this part of the API with what `f(body)` says.
    template <class F>
    void answer(const std::string& subject, F f) {
        server().serve("$JS.API." + subject, [f](scripted_server& s, const wire::frame& asked) {
            s.publish(asked.reply, f(std::string(asked.payload)));
        });
    }
    [[nodiscard]] std::size_t asked(const std::string& subject) {
        return server().count("PUB $JS.API." + subject + ' ');
    }
};

std::string page(std::uint64_t total, std::uint64_t offset, const std::string& items) {
    return R"({"type":"t","total":)" + std::to_string(total) + R"(,"offset":)" +
           std::to_string(offset) + R"(,"limit":2,)" + items + '}';
}

std::string stream_named(const std::string& name) {
    return R"({"config":{"name":")" + name + R"("},"state":{}})";
}

std::string failure(int code) {
    return R"({"error":{"code":404,"err_code":)" + std::to_string(code) +
           R"(,"description":"no"}})";
}

TEST(js_sequences, names_of_several_pages) {
    api net;
    const std::vector<std::string> all = {"A", "B", "C", "D", "E"};
    net.answer("STREAM.NAMES", [&](const std::string& body) {
        const std::uint64_t from = number_in(body, "offset");
        std::string items;
        for (std::uint64_t i = from; i < from + 2 && i < all.size(); ++i)
            items += (items.empty() ? "\"" : ",\"") + all[i] + '"';
        return page(all.size(), from, R"("streams":[)" + items + ']');
    });
    EXPECT_EQ(net.run(js::list_stream_names(net.runtime(), {}, "")).value(), all);
    EXPECT_EQ(net.asked("STREAM.NAMES"), 3U);
    EXPECT_EQ(net.server().lines().at(3).substr(0, 24), "PUB $JS.API.STREAM.NAMES");
}

TEST(js_sequences, the_filter_goes_with_every_page) {
    api net;
    std::vector<std::string> bodies;
    net.answer("STREAM.NAMES", [&](const std::string& body) {
        bodies.push_back(body);
        return page(2, bodies.size() - 1, R"("streams":["A"])");
    });
    EXPECT_TRUE(net.run(js::list_stream_names(net.runtime(), {}, "a.>")));
    EXPECT_EQ(bodies, (std::vector<std::string>{R"({"subject":"a.>"})",
                                                R"({"offset":1,"subject":"a.>"})"}));
}

TEST(js_sequences, streams_that_do_not_answer_are_counted_and_left_out) {
    api net;
    net.answer("STREAM.LIST", [&](const std::string& body) {
        if (number_in(body, "offset") == 0)
            return page(3, 0, R"("streams":[)" + stream_named("A") + R"(],"missing":["B"])");
        EXPECT_EQ(number_in(body, "offset"), 2U);
        return page(3, 2, R"("streams":[)" + stream_named("C") + ']');
    });
    const std::vector<js::stream_info> all =
        net.run(js::list_streams(net.runtime(), {}, "")).value();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[1].config.name, "C");
}

TEST(js_sequences, a_list_ends_with_a_page_that_brings_nothing) {
    api net;
    net.answer("CONSUMER.NAMES.S", [&](const std::string& body) {
        const bool first = number_in(body, "offset") == 0;
        return page(1000, 0, first ? R"("consumers":["a"])" : R"("consumers":null)");
    });
    EXPECT_EQ(net.run(js::list_consumer_names(net.runtime(), {}, "S")).value(),
              std::vector<std::string>{"a"});
    EXPECT_EQ(net.asked("CONSUMER.NAMES.S"), 2U);
}

TEST(js_sequences, a_list_without_an_end_is_an_error) {
    api net;
    net.answer("CONSUMER.NAMES.S", [&](const std::string&) {
        return page(18'446'744'073'709'551'615U, 0, R"("consumers":["a","b"])");
    });
    EXPECT_EQ(net.run(js::list_consumer_names(net.runtime(), {}, "S")).error(),
              errc::invalid_response);
    EXPECT_LE(net.asked("CONSUMER.NAMES.S"), 5000U);
}

TEST(js_sequences, an_error_in_the_middle_is_the_result) {
    api net;
    net.answer("CONSUMER.LIST.S", [&](const std::string& body) {
        if (number_in(body, "offset") != 0) return failure(10059);
        return page(9, 0, R"("consumers":[{"stream_name":"S","name":"c"}])");
    });
    const auto all = net.run(js::list_consumers(net.runtime(), {}, "S"));
    ASSERT_FALSE(all);
    EXPECT_TRUE(all.error() == js::api_code::stream_not_found);
}

TEST(js_sequences, an_element_that_is_none_is_an_error) {
    for (const std::string_view items : {"{}", "null", "1", R"({"config":{}})"}) {
        api net;
        net.answer("STREAM.LIST", [&](const std::string&) {
            return page(1, 0, R"("streams":[)" + std::string(items) + ']');
        });
        EXPECT_EQ(net.run(js::list_streams(net.runtime(), {}, "")).error(), errc::invalid_response)
            << items;
    }
}

TEST(js_sequences, subjects_of_several_pages) {
    api net;
    net.answer("STREAM.INFO.S", [&](const std::string& body) {
        const std::uint64_t from = number_in(body, "offset");
        const std::string n = std::to_string(from);
        return R"({"total":3,"offset":)" + n +
               R"(,"limit":1,"config":{"name":"S"},"state":{"messages":)" + n +
               R"(,"num_subjects":3,"deleted":[7],"subjects":{"s)" + n + R"(":1}}})";
    });
    const js::stream_info i =
        net.run(js::get_stream_info(net.runtime(), {}, "S", true, ">")).value();
    EXPECT_EQ(i.state.subjects.size(), 3U);
    EXPECT_EQ(i.state.messages, 0U) << "the first answer's";
    EXPECT_EQ(i.state.deleted, std::vector<std::uint64_t>{7});
    EXPECT_EQ(net.asked("STREAM.INFO.S"), 3U);
    const std::vector<std::string>& lines = net.server().lines();
    EXPECT_NE(lines[3].find("deleted_details"), std::string::npos) << lines[3];
    EXPECT_EQ(lines[4].find("deleted_details"), std::string::npos) << "once is enough";
}

TEST(js_sequences, subjects_without_an_end) {
    api net;
    net.answer("STREAM.INFO.S", [&](const std::string&) {
        return std::string(R"({"total":18446744073709551615,"config":{"name":"S"},)"
                           R"("state":{"subjects":{"same":1}}})");
    });
    EXPECT_EQ(net.run(js::get_stream_info(net.runtime(), {}, "S", false, ">")).error(),
              errc::invalid_response);
    EXPECT_EQ(net.run(js::get_stream_info(net.runtime(), {}, "S", false, "")).value().config.name,
              "S")
        << "nobody has asked for them";
}

TEST(js_sequences, update_or_create) {
    api net;
    net.answer("STREAM.UPDATE.S", [](const std::string&) { return failure(10059); });
    net.answer("STREAM.CREATE.S", [](const std::string&) { return stream_named("S"); });
    net.answer("STREAM.UPDATE.T", [](const std::string&) { return failure(10052); });
    net.answer("STREAM.UPDATE.U", [](const std::string&) { return stream_named("U"); });
    EXPECT_TRUE(net.run(js::create_or_update_stream(net.runtime(), {}, js::stream_config("S"))));
    EXPECT_TRUE(
        net.run(js::create_or_update_stream(net.runtime(), {}, js::stream_config("T"))).error() ==
        js::api_code::invalid_stream_config);
    EXPECT_TRUE(net.run(js::create_or_update_stream(net.runtime(), {}, js::stream_config("U"))));
    EXPECT_EQ(net.asked("STREAM.CREATE.S"), 1U);
    EXPECT_EQ(net.asked("STREAM.CREATE.T") + net.asked("STREAM.CREATE.U"), 0U);
}

TEST(js_sequences, seal_sends_back_what_it_does_not_know) {
    api net;
    std::string update;
    net.answer("STREAM.INFO.S", [](const std::string&) {
        return std::string(R"({"config":{"name":"S","new":[1],"retention":"odd"}})");
    });
    net.answer("STREAM.UPDATE.S", [&](const std::string& body) {
        update = body;
        return stream_named("S");
    });
    EXPECT_TRUE(net.run(js::seal_stream(net.runtime(), {}, "S")));
    EXPECT_NE(update.find(R"("sealed":true)"), std::string::npos);
    EXPECT_NE(update.find(R"("new":[1])"), std::string::npos);
    EXPECT_NE(update.find(R"("retention":"odd")"), std::string::npos);
}

TEST(js_sequences, filters_that_were_not_taken) {
    api net;
    net.answer("CONSUMER.CREATE.S.*", [](const std::string&) {
        return std::string(R"({"stream_name":"S","name":"c","config":{}})");
    });
    js::consumer_config c("c");
    c.filter_subjects = {"a", "b"};
    EXPECT_EQ(net.run(js::create_consumer(net.runtime(), {}, "S", c, js::consumer_action::create))
                  .error(),
              errc::filters_not_taken);
    c.filter_subjects.clear();
    EXPECT_TRUE(
        net.run(js::create_consumer(net.runtime(), {}, "S", c, js::consumer_action::create)));
}

TEST(js_sequences, transforms_that_were_not_taken) {
    api net;
    net.answer("STREAM.CREATE.S", [](const std::string&) {
        return std::string(R"({"config":{"name":"S","mirror":{"name":"M"},)"
                           R"("sources":[{"name":"A"}]}})");
    });
    const auto create = [&](const js::stream_config& c) {
        return net.run(js::create_stream(net.runtime(), {}, c));
    };
    js::stream_config c("S");
    EXPECT_TRUE(create(c));
    c.subject_transform.emplace("a", "b");
    EXPECT_EQ(create(c).error(), errc::filters_not_taken);
    c.subject_transform.reset();
    c.sources.emplace_back("A");
    EXPECT_TRUE(create(c));
    c.sources[0].subject_transforms.emplace_back("a", "b");
    EXPECT_EQ(create(c).error(), errc::filters_not_taken);
    c.sources.clear();
    c.mirror.emplace("M").subject_transforms.emplace_back("a", "b");
    EXPECT_EQ(create(c).error(), errc::filters_not_taken);
}

TEST(js_sequences, nothing_is_sent_for_wrong_arguments) {
    api net;
    const std::size_t before = net.server().lines().size();
    EXPECT_EQ(net.run(js::create_stream(net.runtime(), {}, js::stream_config("a.b"))).error(),
              errc::invalid_name);
    EXPECT_EQ(net.run(js::list_consumers(net.runtime(), {}, "*")).error(), errc::invalid_name);
    EXPECT_EQ(net.run(js::find_stream_name(net.runtime(), {}, "")).error(), errc::invalid_subject);
    EXPECT_EQ(net.server().lines().size(), before);
}

TEST(js_sequences, the_stream_of_a_subject) {
    api net;
    net.answer("STREAM.NAMES", [](const std::string& body) {
        return body.find("nobody") != std::string::npos ? page(0, 0, R"("streams":null)")
                                                        : page(1, 0, R"("streams":["A"])");
    });
    EXPECT_EQ(net.run(js::find_stream_name(net.runtime(), {}, "a")).value(), "A");
    const result<std::string> none = net.run(js::find_stream_name(net.runtime(), {}, "nobody"));
    ASSERT_FALSE(none);
    EXPECT_TRUE(none.error() == js::api_code::stream_not_found);
    EXPECT_EQ(none.error().status(), 404);
}

TEST(js_sequences, an_answer_that_is_no_answer) {
    api net;
    net.answer("STREAM.INFO.S", [](const std::string&) { return std::string("-ERR"); });
    EXPECT_EQ(net.run(js::get_stream_info(net.runtime(), {}, "S", false, "")).error(),
              errc::invalid_response);
}

TEST(js_sequences, cancelled_at_every_wait) {
    for (int steps = 0; steps < 12; ++steps) {
        api net;
        net.answer("STREAM.NAMES", [&](const std::string& body) {
            return page(3, number_in(body, "offset"), R"("streams":["A"])");
        });
        auto asked = js::list_stream_names(net.runtime(), {}, "");
        asked.start();
        for (int i = 0; i < steps && !asked.done(); ++i) net.step();
        if (asked.done()) return;
        auto gone = std::move(asked);
    }
    FAIL() << "it never ended";
}

} // namespace
} // namespace nats::test
