// SPDX-License-Identifier: Apache-2.0
//
// What outlives a connection: at every number of transmitted bytes, exactly the publishes that were
// not completely transmitted, whole, once and in order; nothing else; and what a filter refuses is
// counted and gone.

#include <natsproto/wire/kept_frames.hpp>

#include <natsproto/random.hpp>
#include <natsproto/wire/encoder.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nats::test {

namespace {

using wire::frame;
using wire::kept_frames;
using wire::output_queue;

constexpr std::string_view header = "NATS/1.0\r\nA: b\r\n\r\n";

std::string offered(const output_queue& q) {
    std::array<const_buffer, 64> pieces{};
    std::string out;
    while (const std::size_t n = q.gather(pieces, out.size())) {
        for (std::size_t i = 0; i < n; ++i) out.append(pieces[i].data, pieces[i].size);
    }
    return out;
}

/// Frames, from which the same queue can be made again and again. Lent payloads live with the
/// queue that they are made for, so that a sanitizer sees when one is used for too long.
class script {
public:
    void pub(std::string payload, std::string_view headers = {}) {
        steps_.push_back({kind::pub, std::move(payload), headers});
    }
    void lent(std::string payload, std::string_view headers = {}) {
        steps_.push_back({kind::lent, std::move(payload), headers});
    }
    void connect() { steps_.push_back({kind::connect, R"({"pass":"PUB a 0\r\n\r\n"})", {}}); }
    void ping() { steps_.push_back({kind::ping, {}, {}}); }
    void pong() { steps_.push_back({kind::pong, {}, {}}); }
    void sub() { steps_.push_back({kind::sub, {}, {}}); }
    void unsub() { steps_.push_back({kind::unsub, {}, {}}); }

    struct made {
        output_queue queue;
        std::vector<std::unique_ptr<std::string>> payloads;

        void own() {
            queue.own_borrowed();
            payloads.clear();
        }
        void transmit(std::size_t n) { queue.transmitted(n); }
    };

    [[nodiscard]] made make() const {
        made m;
        for (const step& s : steps_) {
            if (s.what == kind::lent) {
                m.payloads.push_back(std::make_unique<std::string>(s.payload));
                lend(m.queue, s.headers, *m.payloads.back());
            } else {
                encode(m.queue, s);
            }
        }
        return m;
    }

    /// Each frame alone, and whether it is a publish.
    [[nodiscard]] std::vector<std::pair<std::string, bool>> frames() const {
        std::vector<std::pair<std::string, bool>> out;
        for (const step& s : steps_) {
            output_queue q;
            encode(q, s);
            out.emplace_back(offered(q), s.what == kind::pub || s.what == kind::lent);
        }
        return out;
    }

private:
    enum class kind { pub, lent, connect, ping, pong, sub, unsub };
    struct step {
        kind what;
        std::string payload;
        std::string_view headers;
    };

    /// As `encode_pub_borrowed`, which lends large payloads only.
    static void lend(output_queue& q, std::string_view headers, const std::string& payload) {
        if (payload.size() >= wire::borrow_threshold) {
            wire::encode_pub_borrowed(q, "a.subject", "reply", headers, payload);
            return;
        }
        const std::string total = std::to_string(headers.size() + payload.size());
        q.append(headers.empty() ? "PUB a.subject reply " + total + "\r\n"
                                 : "HPUB a.subject reply " + std::to_string(headers.size()) + ' ' +
                                       total + "\r\n" + std::string(headers));
        q.append_borrowed(payload, "\r\n");
    }

    static void encode(output_queue& q, const step& s) {
        switch (s.what) {
        case kind::pub:
        case kind::lent: return wire::encode_pub(q, "a.subject", "reply", s.headers, s.payload);
        case kind::connect: return wire::encode_connect(q, s.payload);
        case kind::ping: return wire::encode_ping(q);
        case kind::pong: return wire::encode_pong(q);
        case kind::sub: return wire::encode_sub(q, "a.*", "group", 7);
        case kind::unsub: return wire::encode_unsub(q, 7, 3);
        }
    }

    std::vector<step> steps_;
};

/// What must be kept of the frames when `n` bytes were transmitted.
struct expectation {
    expectation(const std::vector<std::pair<std::string, bool>>& frames, std::size_t n) {
        std::size_t end = 0;
        for (const auto& [text, publish] : frames) {
            end += text.size();
            if (!publish || end <= n) continue;
            bytes += text;
            ++count;
        }
    }
    std::string bytes;
    std::size_t count = 0;
};

void expect_kept(output_queue& ended, const expectation& expected, std::string_view where) {
    output_queue kept;
    const kept_frames k = wire::keep_unsent(ended, kept);
    EXPECT_EQ(offered(kept), expected.bytes) << where;
    EXPECT_EQ(kept.size(), expected.bytes.size()) << where;
    EXPECT_EQ(k.bytes, expected.bytes.size()) << where;
    EXPECT_EQ(k.frames, expected.count) << where;
    EXPECT_EQ(k.refused, 0U) << where;
    EXPECT_TRUE(ended.empty()) << where;
    output_queue::piece p;
    EXPECT_FALSE(ended.oldest(p)) << where;
}

/// Every number of transmitted bytes; payloads owned never, before, between or after.
void expect_kept_at_every_byte(const script& s) {
    const auto frames = s.frames();
    const std::size_t total = s.make().queue.size();
    for (std::size_t n = 0; n <= total; ++n) {
        const expectation expected(frames, n);
        script::made lent = s.make();
        lent.transmit(n);
        expect_kept(lent.queue, expected, "lent, " + std::to_string(n));
        lent.payloads.clear(); // the kept frames were compared with them: they were copied by then

        script::made before = s.make();
        before.own();
        before.transmit(n);
        expect_kept(before.queue, expected, "owned before, " + std::to_string(n));

        script::made after = s.make();
        for (std::size_t i = 0; i < n; ++i) after.transmit(1);
        after.own();
        expect_kept(after.queue, expected, "owned after, " + std::to_string(n));

        script::made between = s.make();
        between.transmit(n / 2);
        between.own();
        between.transmit(n - n / 2);
        expect_kept(between.queue, expected, "owned between, " + std::to_string(n));
    }
}

script random_script(random_source& random, std::size_t frames, std::size_t most) {
    script s;
    for (std::size_t i = 0; i < frames; ++i) {
        std::string payload(random.below(most), '\0');
        random.fill(std::as_writable_bytes(std::span(payload)));
        const std::string_view headers = random.below(3) == 0 ? header : std::string_view{};
        switch (random.below(10)) {
        case 0: s.connect(); break;
        case 1: s.ping(); break;
        case 2: s.pong(); break;
        case 3: s.sub(); break;
        case 4: s.unsub(); break;
        case 5:
        case 6:
        case 7: s.lent(payload, headers); break;
        default: s.pub(payload, headers); break;
        }
    }
    return s;
}

} // namespace

TEST(kept_frames, nothing_of_nothing) {
    expect_kept_at_every_byte({});
}

TEST(kept_frames, publishes_are_kept_and_other_operations_are_not) {
    script s;
    s.connect();
    s.ping();
    s.sub();
    s.pub("hello");
    s.unsub();
    s.pub("PUB b 0\r\n\r\n", header);
    s.pong();
    s.pub("");
    expect_kept_at_every_byte(s);
}

TEST(kept_frames, a_lent_payload_is_kept_with_its_line) {
    script s;
    s.ping();
    s.lent("payload");
    s.ping();
    s.lent("PUB b 0\r\n\r\n", header);
    s.lent("\r\n");
    s.lent("p", header);
    s.pub("not lent");
    s.lent("the last");
    expect_kept_at_every_byte(s);
}

TEST(kept_frames, secrets_are_never_kept) {
    output_queue q;
    q.append_secret({"PUB a 0\r\n\r\n"}); // even if it looked like this
    wire::encode_pub(q, "a", "", "", "x");
    output_queue kept;
    EXPECT_EQ(wire::keep_unsent(q, kept).frames, 1U);
    EXPECT_EQ(offered(kept), "PUB a 1\r\nx\r\n");
}

TEST(kept_frames, small_random_queues_at_every_byte) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        SCOPED_TRACE(seed);
        seeded_random random(seed);
        expect_kept_at_every_byte(random_script(random, 1 + random.below(8), 30));
    }
}

TEST(kept_frames, large_random_queues) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        SCOPED_TRACE(seed);
        seeded_random random(seed);
        const std::size_t most = std::array<std::size_t, 3>{5000, 20000, 150000}[seed % 3];
        const script s = random_script(random, 1 + random.below(40), most);
        const auto frames = s.frames();
        for (int i = 0; i < 10; ++i) {
            script::made m = s.make();
            std::size_t n = 0;
            while (random.below(4) != 0) { // in some steps, owned after some of them
                const std::size_t part = random.below(m.queue.size() + 1);
                m.transmit(part);
                n += part;
                if (random.below(3) == 0) m.own();
            }
            expect_kept(m.queue, expectation(frames, n), std::to_string(n));
        }
    }
}

TEST(kept_frames, joined_queues_keep_the_frames_of_both) {
    seeded_random random(1);
    for (int i = 0; i < 50; ++i) {
        const script a = random_script(random, 4, 30);
        const script b = random_script(random, 4, 30);
        script::made of_a = a.make();
        script::made of_b = b.make();
        const std::size_t n = random.below(of_a.queue.size() + 1);
        const std::size_t m = random.below(of_b.queue.size() + 1);
        of_a.transmit(n);
        of_b.transmit(m);
        of_a.queue.append(std::move(of_b.queue));
        expectation both(a.frames(), n);
        const expectation second(b.frames(), m);
        both.bytes += second.bytes;
        both.count += second.count;
        expect_kept(of_a.queue, both, std::to_string(i));
    }
}

TEST(kept_frames, they_are_appended_to_what_was_kept_before) {
    output_queue kept;
    wire::encode_pub(kept, "first", "", "", "1");
    script s;
    s.lent(std::string(5000, 'x'));
    s.lent(std::string(50000, 'y'));
    s.pub("z");
    std::string expected = "PUB first 1\r\n1\r\n";
    for (int i = 0; i < 2; ++i) {
        script::made m = s.make();
        EXPECT_EQ(wire::keep_unsent(m.queue, kept).frames, 3U);
        for (const auto& [text, publish] : s.frames()) expected += text;
    }
    EXPECT_EQ(offered(kept), expected);
}

TEST(kept_frames, each_is_in_one_piece) {
    script s;
    for (std::size_t size = 1; size < 200000; size *= 3) s.lent(std::string(size, 'x'));
    script::made m = s.make();
    output_queue kept;
    EXPECT_EQ(wire::keep_unsent(m.queue, kept).frames, 12U);
    wire::parser parser(wire::sender::client);
    frame f;
    std::size_t found = 0;
    for (output_queue::piece p; kept.oldest(p); kept.drop_oldest()) {
        EXPECT_EQ(p.continued, 0U);
        for (std::string_view rest = p.data; !rest.empty(); rest.remove_prefix(f.size)) {
            ASSERT_EQ(parser.next(rest, f), wire::parser::status::frame);
            ++found;
        }
    }
    EXPECT_EQ(found, 12U);
}

TEST(kept_frames, small_ones_share_pieces) {
    script s;
    for (int i = 0; i < 100; ++i) s.lent(std::string(5000, 'x'));
    script::made m = s.make();
    output_queue kept;
    EXPECT_EQ(wire::keep_unsent(m.queue, kept).frames, 100U);
    std::array<const_buffer, 100> pieces{};
    EXPECT_LE(kept.gather(pieces), 10U); // 64 KiB each
}

TEST(kept_frames, the_library_refuses_none_of_its_own_frames) {
    output_queue q; // more than a server would take, and than the parser takes of a peer
    const std::string subject(100000, 's');
    const std::string payload(65 * 1024 * 1024, 'p');
    const std::string headers = "NATS/1.0\r\nA: " + std::string(100000, 'h') + "\r\n\r\n";
    wire::encode_pub_borrowed(q, subject, subject, headers, payload);
    wire::encode_pub(q, "a", "", "", "x");
    const std::size_t size = q.size();
    q.transmitted(1);
    output_queue kept;
    const kept_frames k = wire::keep_unsent(q, kept);
    EXPECT_EQ(k.frames, 2U);
    EXPECT_EQ(k.bytes, size);
}

TEST(kept_frames, what_is_no_frame_is_dropped_and_those_behind_are_found) {
    for (const std::string_view wrong :
         {"nonsense\r\n", "PUB a 5\r\nhello", "PUB a", "PUB a 1\r\nxxx", "PUB a 7\r\n"}) {
        output_queue q;
        wire::encode_pub(q, "a", "", "", "1");
        q.append(wrong);
        q.append_secret({"CONNECT {}\r\n"}); // the next piece
        wire::encode_pub(q, "a", "", "", "2");
        q.append("PUB b 7\r\n");
        q.append_borrowed("payload", "\r\n");
        output_queue kept;
        EXPECT_EQ(wire::keep_unsent(q, kept).frames, 3U) << wrong;
        EXPECT_EQ(offered(kept), "PUB a 1\r\n1\r\nPUB a 1\r\n2\r\nPUB b 7\r\npayload\r\n") << wrong;
    }
}

TEST(kept_frames, a_lent_payload_that_does_not_fit_its_line_is_dropped) {
    for (const std::string_view size : {"1", "6", "7", "8", "1000000000"}) { // 7 is meant
        for (const std::string_view end : {"\r\n", "xx"}) {
            output_queue q;
            q.append("PUB a " + std::string(size) + "\r\n");
            q.append_borrowed("payload", end);
            wire::encode_pub(q, "a", "", "", "2");
            q.append("PUB b 4\r\n");
            q.append_borrowed("next", "\r\n");
            std::string expected = "PUB a 1\r\n2\r\nPUB b 4\r\nnext\r\n";
            if (size == "7" && end == "\r\n") expected.insert(0, "PUB a 7\r\npayload\r\n");
            output_queue kept;
            EXPECT_EQ(wire::keep_unsent(q, kept).bytes, expected.size()) << size << end;
            EXPECT_EQ(offered(kept), expected) << size << end;
        }
    }
    output_queue q; // there is no line at all
    q.append_borrowed("PUB a 1\r\nx\r\n", "\r\n");
    wire::encode_pub(q, "a", "", "", "2");
    output_queue kept;
    EXPECT_EQ(wire::keep_unsent(q, kept).frames, 1U);
    EXPECT_EQ(offered(kept), "PUB a 1\r\n2\r\n");
}

TEST(kept_frames, a_large_one_stays_where_it_was_put_together) {
    const std::string payload(1'000'000, 'p');
    output_queue q;
    wire::encode_pub_borrowed(q, "a", "", "", payload);
    output_queue kept;
    const char* seen = nullptr;
    (void)wire::keep_unsent(
        q, kept,
        [](void* context, const frame& f) {
            *static_cast<const char**>(context) = f.payload.data();
            return true;
        },
        static_cast<void*>(&seen));
    EXPECT_NE(seen, payload.data());
    std::array<const_buffer, 2> pieces{};
    ASSERT_EQ(kept.gather(pieces), 1U);
    EXPECT_EQ(seen, pieces[0].data + std::string_view("PUB a 1000000\r\n").size());
}

TEST(kept_frames, a_filter_sees_each_publish_that_is_left) {
    struct seen {
        std::vector<std::string> payloads;
        std::vector<std::string> headers;
    } all;
    script s;
    s.pub("sent");
    s.ping();
    s.pub("copied", header);
    s.lent("lent");
    s.sub();
    s.lent("lent with headers", header);
    script::made m = s.make();
    m.transmit(s.frames()[0].first.size());
    output_queue kept;
    const kept_frames k = wire::keep_unsent(
        m.queue, kept,
        [](void* context, const frame& f) {
            auto& to = *static_cast<seen*>(context);
            to.payloads.emplace_back(f.payload);
            to.headers.emplace_back(f.headers.raw());
            return f.subject == "a.subject" && f.reply == "reply";
        },
        &all);
    EXPECT_EQ(all.payloads, (std::vector<std::string>{"copied", "lent", "lent with headers"}));
    EXPECT_EQ(all.headers,
              (std::vector<std::string>{std::string(header), "", std::string(header)}));
    EXPECT_EQ(k.frames, 3U);
}

TEST(kept_frames, what_the_filter_refuses_is_counted_and_gone) {
    script s;
    std::string expected;
    for (const std::size_t size : {0U, 10U, 1000U, 5000U, 20000U, 70000U}) {
        for (const std::string_view headers : {std::string_view{}, header}) {
            s.pub(std::string(size, 'c'), headers);
            s.lent(std::string(size, 'l'), headers);
        }
    }
    script::made m = s.make();
    output_queue all;
    ASSERT_EQ(wire::keep_unsent(m.queue, all).frames, 24U);
    for (const auto& [text, publish] : s.frames()) {
        if (text.starts_with("PUB ") && text.size() < 20100) expected += text;
    }
    // As for a server without headers and with a smaller max_payload.
    output_queue fit;
    std::size_t most = 20000;
    const kept_frames k = wire::keep_unsent(
        all, fit,
        [](void* context, const frame& f) {
            return !f.has_headers && f.payload.size() <= *static_cast<std::size_t*>(context);
        },
        &most);
    EXPECT_EQ(k.frames, 10U);
    EXPECT_EQ(k.refused, 14U);
    EXPECT_EQ(k.bytes, expected.size());
    EXPECT_EQ(offered(fit), expected);
    EXPECT_TRUE(all.empty());
}

} // namespace nats::test
