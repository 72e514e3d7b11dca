// SPDX-License-Identifier: Apache-2.0
// Invariant: what a connection sends is whole well-formed commands, and any cut of what it reads
// gives the same events and bytes.

#include <natsproto/headers.hpp>
#include <natsproto/wire/client_connection.hpp>
#include <natsproto/wire/encoder.hpp>

#include "support/fuzz_input.hpp"
#include "support/transcript.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace {

using namespace nats;
using test::require;

constexpr std::array<std::string_view, 12> phrases = {
    test::info_line,
    "INFO {\"server_id\":\"T\",\"max_payload\":40}\r\n",
    "INFO {}\r\n",
    "INFO nonsense\r\n",
    "PONG\r\n",
    "PING\r\n",
    "PING\r\nPING\r\nPING\r\nPING\r\n",
    "+OK\r\n",
    "-ERR 'Stale Connection'\r\n",
    "MSG a 1 5\r\nhello\r\n",
    "HMSG a 1 r 12 14\r\nNATS/1.0\r\n\r\nhi\r\n",
    "MSG a 1 5\r\nhel",
};

/// Runs the operations that the input describes.
class script {
public:
    script(std::string_view input, bool byte_by_byte)
        : in_(input), byte_by_byte_(byte_by_byte), connection_(bounds()) {}

    std::string run() {
        while (!in_.empty()) step();
        drain();
        const bool open = connection_.state() != wire::connection_state::closed;
        transmit(static_cast<std::size_t>(-1));
        const test::parsed sent = test::parse(wire::sender::client, {sent_}, {});
        require(!sent.failed, "what was sent is well formed");
        require(!open || sent.rest == 0, "what was sent is whole");
        require(!open || connection_.untransmitted() == 0, "everything was sent");
        return events_ + sent.text;
    }

private:
    static limits bounds() {
        limits l;
        l.max_line = 200;
        l.max_info = 300;
        l.max_message = 1000;
        l.max_control_line = 60;
        l.max_output_bytes = 20000;
        l.max_pong_bytes = 24;
        return l;
    }

    void step() {
        switch (in_.byte() % 12) {
        case 0: feed(in_.text()); break;
        case 1:
        case 2: feed(phrases[in_.byte() % phrases.size()]); break;
        case 3: connect(); break;
        case 4:
        case 5: publish(); break;
        case 6: subscribe(); break;
        case 7: unsubscribe(); break;
        case 8: command([](wire::client_connection& c) { return c.ping(); }); break;
        case 9: transmit(in_.byte()); break;
        case 10: own(); break;
        default:
            if (in_.byte() % 8 == 0) connection_.handle_eof();
            drain();
        }
    }

    void feed(std::string_view bytes) {
        for (const std::string_view chunk :
             test::pieces_of(bytes, byte_by_byte_ ? 1 : bytes.size() + 1)) {
            connection_.feed(chunk);
            drain();
        }
    }

    void drain() {
        wire::connection_event e;
        while (connection_.next(e)) {
            require(!closed_, "nothing follows the end");
            closed_ = std::holds_alternative<wire::event::closed>(e);
            require(closed_ == (connection_.state() == wire::connection_state::closed),
                    "closed is reported at once");
            events_ += test::to_text(e);
        }
        // One command may cross the limit, PONGs have a room of their own, and an end is always
        // accepted.
        require(
            connection_.untransmitted() <= bounds().max_output_bytes + 6000 + 24 * unsubscribed_,
            "bounded output");
    }

    /// A refused call changes nothing.
    template <class Call>
    void command(Call call) {
        const std::size_t before = connection_.untransmitted();
        const auto state = connection_.state();
        const result<void> r = call(connection_);
        events_ += r ? "accepted\n" : "refused: " + r.error().message() + '\n';
        if (r) return;
        require(connection_.untransmitted() == before && connection_.state() == state,
                "a refusal changes nothing");
    }

    void connect() {
        wire::connect_fields fields;
        const std::uint8_t flags = in_.byte();
        fields.verbose = (flags & 1U) != 0;
        fields.echo = (flags & 2U) == 0;
        fields.headers = (flags & 4U) == 0;
        fields.name = in_.text();
        fields.password = in_.text();
        command([&fields](wire::client_connection& c) { return c.connect(fields); });
    }

    void publish() {
        const std::uint8_t flags = in_.byte();
        const std::string_view subject = in_.text();
        const std::string_view reply = (flags & 1U) != 0 ? in_.text() : std::string_view{};
        headers h;
        if ((flags & 2U) != 0) (void)h.add("Name", in_.text());
        lent_.push_back(std::make_unique<std::string>(in_.text()));
        std::string& payload = *lent_.back();
        if ((flags & 4U) != 0) payload.append(wire::borrow_threshold, 'x');
        command([&](wire::client_connection& c) {
            return (flags & 8U) != 0 ? c.publish_borrowed(subject, payload, reply, h)
                                     : c.publish(subject, payload, reply, h);
        });
    }

    void subscribe() {
        const std::uint8_t flags = in_.byte();
        const std::string_view subject = in_.text();
        const std::optional<std::string_view> queue =
            (flags & 1U) != 0 ? std::optional<std::string_view>(in_.text()) : std::nullopt;
        command([&](wire::client_connection& c) { return c.subscribe(subject, queue, flags); });
    }

    void unsubscribe() {
        const std::uint8_t flags = in_.byte();
        const std::optional<std::uint64_t> after =
            (flags & 1U) != 0 ? std::optional<std::uint64_t>(flags) : std::nullopt;
        command([&](wire::client_connection& c) { return c.unsubscribe(flags, after); });
        ++unsubscribed_;
    }

    void own() {
        connection_.own_borrowed();
        lent_.clear(); // a sanitizer sees it when one is still used
    }

    void transmit(std::size_t most) {
        std::array<const_buffer, 3> pieces{};
        while (most != 0) {
            const std::size_t n = connection_.poll_transmit(pieces);
            require(n == 0 || !closed_, "nothing is sent after the end");
            if (n == 0) return;
            std::size_t taken = 0;
            for (std::size_t i = 0; i < n && taken != most; ++i) {
                const std::size_t part = std::min(pieces[i].size, most - taken);
                sent_.append(pieces[i].data, part);
                taken += part;
            }
            connection_.transmitted(taken);
            most -= taken;
        }
    }

    test::fuzz_input in_;
    bool byte_by_byte_;
    bool closed_ = false;
    std::size_t unsubscribed_ = 0;
    std::vector<std::unique_ptr<std::string>> lent_;
    wire::client_connection connection_;
    std::string events_;
    std::string sent_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { // NOLINT
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    test::require_same(script(bytes, false).run(), script(bytes, true).run(), "byte by byte");
    return 0;
}
