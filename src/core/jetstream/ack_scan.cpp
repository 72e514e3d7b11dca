// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: each step takes what it expects off the front of the text, or fails, and a
// failure only means that somebody else reads it. So nothing here has to be complete, but what it
// accepts must be JSON, and must mean what it says.

#include "core/jetstream/ack_scan.hpp"
#include "core/text/ascii.hpp"

#include <charconv>
#include <cstdint>
#include <system_error>

namespace nats::js {

namespace {

class scanner {
public:
    explicit scanner(std::string_view text) noexcept : rest_(text) {}

    bool take(char c) noexcept {
        skip_blanks();
        if (rest_.empty() || rest_.front() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }
    bool text(std::string_view& into) noexcept {
        if (!take('"')) return false;
        std::size_t n = 0;
        while (n < rest_.size() && is_plain(rest_[n])) ++n;
        if (n == rest_.size() || rest_[n] != '"') return false;
        into = rest_.substr(0, n);
        rest_.remove_prefix(n + 1);
        return true;
    }
    bool text(std::string& into) {
        std::string_view found;
        if (!text(found)) return false;
        into.assign(found);
        return true;
    }
    bool number(std::uint64_t& into) noexcept {
        skip_blanks();
        if (rest_.size() > 1 && rest_[0] == '0' && text::is_digit(rest_[1])) return false;
        const auto [end, failed] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), into);
        if (failed != std::errc()) return false;
        rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
        return true; // a fraction or an exponent is what the next step does not expect
    }
    bool flag(bool& into) noexcept {
        skip_blanks();
        into = rest_.starts_with("true");
        if (!into && !rest_.starts_with("false")) return false;
        rest_.remove_prefix(into ? 4 : 5);
        return true;
    }
    bool at_end() noexcept {
        skip_blanks();
        return rest_.empty();
    }

private:
    static bool is_plain(char c) noexcept { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; }
    void skip_blanks() noexcept {
        while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\n' ||
                                  rest_.front() == '\t' || rest_.front() == '\r'))
            rest_.remove_prefix(1);
    }

    std::string_view rest_;
};

bool scan_member(scanner& in, std::string_view name, pub_ack& into) {
    if (name == "stream") return in.text(into.stream);
    if (name == "seq") return in.number(into.seq);
    if (name == "duplicate") return in.flag(into.duplicate);
    if (name == "domain") return in.text(into.domain);
    if (name == "val") return in.text(into.val);
    if (name == "batch") return in.text(into.batch);
    if (name == "count") return in.number(into.count);
    return false; // also "error"
}

void clear(pub_ack& a) noexcept {
    a.stream.clear();
    a.seq = a.count = 0;
    a.duplicate = false;
    a.domain.clear();
    a.val.clear();
    a.batch.clear();
}

} // namespace

bool scan_ack(std::string_view json, pub_ack& into) {
    clear(into);
    scanner in(json);
    if (!in.take('{')) return false;
    do {
        std::string_view name;
        if (!in.text(name) || !in.take(':') || !scan_member(in, name, into)) return false;
    } while (in.take(','));
    return in.take('}') && in.at_end() && !into.stream.empty() && into.seq != 0;
}

} // namespace nats::js
