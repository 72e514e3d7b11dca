// SPDX-License-Identifier: Apache-2.0
//
// Copies of a client's events, in order: what `client::on_event` showed outlives the call.

#pragma once

#include "integration/client_under_test.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace nats::test {

/// One event, as text of its kind and with its reason.
struct seen_event {
    std::string kind;
    std::optional<error> why;
    std::string server; ///< or servers, with blanks between
    std::string subject;
    std::optional<sub_id> sub;
};

class event_log {
public:
    explicit event_log(client& nc) {
        nc.on_event([seen = seen_](const event& e) { note(*seen, e); });
    }

    [[nodiscard]] const std::vector<seen_event>& all() const noexcept { return *seen_; }
    [[nodiscard]] std::size_t count(std::string_view kind) const {
        return static_cast<std::size_t>(
            std::ranges::count(*seen_, kind, [](const seen_event& e) { return e.kind; }));
    }
    /// The newest of a kind; null when there is none.
    [[nodiscard]] const seen_event* last(std::string_view kind) const {
        for (auto e = seen_->rbegin(); e != seen_->rend(); ++e) {
            if (e->kind == kind) return &*e;
        }
        return nullptr;
    }
    /// The code of the newest of a kind.
    [[nodiscard]] std::optional<errc> reason(std::string_view kind) const {
        const seen_event* e = last(kind);
        return e == nullptr || !e->why ? std::nullopt : std::optional(e->why->code());
    }
    /// The kinds in order, without repetitions in a row.
    [[nodiscard]] std::string story() const {
        std::string out;
        std::string_view before;
        for (const seen_event& e : *seen_) {
            if (e.kind == before) continue;
            if (!out.empty()) out += ' ';
            out += e.kind;
            before = e.kind;
        }
        return out;
    }
    /// Every text in it, to be searched for secrets.
    [[nodiscard]] std::string text() const {
        std::string out;
        for (const seen_event& e : *seen_) {
            out += e.kind + ' ' + e.server + ' ' + e.subject;
            if (e.why) out += ' ' + e.why->message() + ' ' + e.why->detail();
            out += '\n';
        }
        return out;
    }
    void clear() { seen_->clear(); }

private:
    static void note(std::vector<seen_event>& seen, const event& e) {
        seen_event out;
        std::visit([&out](const auto& what) { describe(out, what); }, e);
        if (!out.kind.empty()) seen.push_back(std::move(out));
    }
    template <class T>
    static void describe(seen_event&, const T&) {} // those that no test asks for
    static void describe(seen_event& out, const ev::connected& e) {
        out.kind = "connected";
        out.server = e.server->text();
    }
    static void describe(seen_event& out, const ev::reconnected& e) {
        out.kind = "reconnected";
        out.server = e.server->text();
    }
    static void describe(seen_event& out, const ev::connect_failed& e) {
        out = {"connect_failed", *e.why, e.server->text(), {}, {}};
    }
    static void describe(seen_event& out, const ev::disconnected& e) {
        out = {"disconnected", *e.why, e.server->text(), {}, {}};
    }
    static void describe(seen_event& out, const ev::lame_duck& e) {
        out.kind = "lame_duck";
        out.server = e.server->text();
    }
    static void describe(seen_event& out, const ev::discovered& e) {
        out.kind = "discovered";
        for (const endpoint& s : e.servers) out.server += s.text() + ' ';
    }
    static void describe(seen_event& out, const ev::server_error& e) {
        out = {
            "server_error", wire::to_error(e.what, e.text), {}, std::string(e.what.subject), e.sub};
    }
    static void describe(seen_event& out, const ev::warning& e) {
        out = {"warning", *e.why, {}, {}, {}};
    }
    static void describe(seen_event& out, const ev::room&) { out.kind = "room"; }
    static void describe(seen_event& out, const ev::closed& e) {
        out = {"closed", *e.why, {}, {}, {}};
    }

    std::shared_ptr<std::vector<seen_event>> seen_ = std::make_shared<std::vector<seen_event>>();
};

/// Lets the client work until `holds`, or it is closed; whether it holds.
template <class Condition>
[[nodiscard]] bool work_until(client& nc, Condition holds, duration patience) {
    const time_point deadline = clock::now() + patience;
    while (!holds()) {
        if (clock::now() >= deadline) return false;
        if (!nc.poll(std::chrono::milliseconds(10)) && nc.status() == session_status::closed)
            return holds();
    }
    return true;
}

} // namespace nats::test
