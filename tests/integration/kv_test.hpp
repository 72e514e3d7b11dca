// SPDX-License-Identifier: Apache-2.0
//
// The fixture of tests with buckets: a server with JetStream, and what makes and reads them.

#pragma once

#include <natsproto/key_value/basic_key_value.hpp>

#include "integration/jetstream_test.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace nats::test {

using key_value = basic_key_value<jetstream>;
using kv_bucket = basic_kv_bucket<jetstream>;
using kv_reader = basic_kv_reader<jetstream>;
using kv_watch = kv_bucket::watch_type;

class kv_test : public jetstream_test {
protected:
    [[nodiscard]] key_value kv() { return key_value(js()); }
    [[nodiscard]] kv_bucket make_bucket(const kv::bucket_config& c = kv::bucket_config("b")) {
        return kv().create(c).value();
    }
    [[nodiscard]] static kv::bucket_config with_history(std::int64_t n, std::string name = "b") {
        kv::bucket_config c(std::move(name));
        c.history = n;
        return c;
    }
    /// "k=v", "k-" for a marker, or "|" for the end of what was there.
    [[nodiscard]] static std::string text_of(const kv::watch_event& e) {
        if (e.initial_end()) return "|";
        return e.entry->key + (e.entry->is_marker() ? "-" : '=' + e.entry->value);
    }
    /// The next `n` things that a watch brings.
    [[nodiscard]] static std::string take(kv_watch& w, int n) {
        std::string text;
        for (int i = 0; i < n; ++i) {
            result<std::optional<kv::watch_event>> e = w.next(long_enough);
            if (!e) return text + e.error().message();
            if (!*e) return text + "end: " + w.why()->message();
            text += text_of(**e) + ' ';
        }
        return text;
    }
    /// All to the end of what is there.
    [[nodiscard]] static std::string initial(kv_watch& w) {
        std::string text;
        while (text.find('|') == std::string::npos) {
            const std::string one = take(w, 1);
            text += one;
            if (one.find_first_of("=-|") == std::string::npos) break;
        }
        return text;
    }
    [[nodiscard]] static std::string text_of(const std::vector<kv::entry>& all) {
        std::string text;
        for (const kv::entry& e : all) text += text_of(kv::watch_event(e)) + ' ';
        return text;
    }
};

} // namespace nats::test
