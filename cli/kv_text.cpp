// SPDX-License-Identifier: Apache-2.0
//
// What buckets and entries look like for people and for programs.

#include <natsproto/jetstream/wall_time.hpp>

#include "js_text.hpp"
#include "kv.hpp"
#include "output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace nats::cli {

namespace {

/// How many bytes a character of UTF-8 has that begins so; 0: none does.
std::size_t length_at(std::string_view text) noexcept {
    const auto lead = static_cast<unsigned char>(text.front());
    if (lead < 0x80) return 1;
    if (lead < 0xc2 || lead > 0xf4) return 0;
    const std::size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (text.size() < length) return 0;
    std::uint32_t code = lead & (0xffU >> (length + 1));
    for (const char c : text.substr(1, length - 1)) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte & 0xc0U) != 0x80) return 0;
        code = code << 6U | (byte & 0x3fU);
    }
    const bool too_long = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    return too_long || surrogate || code > 0x10ffff ? 0 : length;
}

bool is_text(std::string_view value) noexcept {
    while (!value.empty()) {
        const std::size_t length = length_at(value);
        if (length == 0) return false;
        value.remove_prefix(length);
    }
    return true;
}

std::string base64_of(std::string_view bytes) {
    constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t three = 0;
        const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
        for (std::size_t k = 0; k < 3; ++k)
            three = three << 8U | (k < n ? static_cast<unsigned char>(bytes[i + k]) : 0U);
        for (std::size_t k = 0; k < 4; ++k)
            out += k <= n ? alphabet[three >> (18 - 6 * k) & 0x3fU] : '=';
    }
    return out;
}

std::string source_text(const js::stream_source& s) {
    std::string out(kv::bucket_name(s.name).empty() ? std::string_view(s.name)
                                                    : kv::bucket_name(s.name));
    if (s.external) out += ", by " + s.external->api;
    return out;
}

void add_origins(facts& f, const kv::bucket_config& c) {
    if (c.mirror) f.add("Mirror of", source_text(*c.mirror));
    for (const js::stream_source& s : c.sources) f.add("Source", source_text(s));
    if (!c.republish) return;
    f.add("Republish", fmt::format("{} to {}{}", c.republish->src, c.republish->dest,
                                   c.republish->headers_only ? ", headers only" : ""));
}

} // namespace

void print_bucket(const kv::bucket_status& s, bool json) {
    if (json) return print(indented(js::to_json(s.info()).value()));
    const kv::bucket_config& c = s.config();
    facts f;
    f.section("Bucket " + c.bucket);
    f.add_time("Created", s.info().created);
    f.add_text("Description", c.description);
    f.add("History", static_cast<std::uint64_t>(c.history));
    f.add_limit("Time to live", c.ttl);
    if (c.limit_marker_ttl.count() != 0) f.add("Limit markers stay", exact(c.limit_marker_ttl));
    f.add("Storage", c.storage == js::storage_type::memory ? "memory" : "file");
    f.add("Replicas", static_cast<std::uint64_t>(c.replicas));
    f.add_flag("Compressed", c.compression);
    add_origins(f, c);
    if (c.placement) {
        f.add_text("Cluster", c.placement->cluster);
        f.add_list("Tags", c.placement->tags);
    }
    f.add_metadata(c.metadata);
    f.section("Limits");
    f.add_limit_of_bytes("Bytes", c.max_bytes);
    f.add_limit_of_bytes("Value size", c.max_value_size);
    f.add_cluster(s.info().cluster);
    f.section("State");
    f.add("Values", s.values());
    f.add("Bytes", text_of_bytes(s.bytes()));
    f.add("Keys", s.info().state.num_subjects);
    f.add("Last revision", s.info().state.last_seq);
    f.add("Backing store", s.backing_store());
    print(f.text());
}

std::string line_of(const kv::entry& e) {
    const auto time =
        js::format_wall_time(std::chrono::floor<std::chrono::milliseconds>(e.created));
    return fmt::format("[{}] {} {} > {} revision {}", time, kv::to_string(e.operation),
                       printable(e.bucket), printable(e.key), e.revision);
}

std::string json_of_entry(const kv::entry& e) {
    const bool text = is_text(e.value);
    return fmt::format(
        R"({{"bucket":{},"key":{},"operation":"{}","revision":{},"created":"{}","size":{},"{}":{}}})",
        json_string(e.bucket), json_string(e.key), kv::to_string(e.operation), e.revision,
        js::format_wall_time(e.created), e.size, text ? "value" : "value_base64",
        json_string(text ? e.value : base64_of(e.value)));
}

CLI::Option* add_bucket_name(CLI::App& app, std::string& target) {
    return app.add_option("bucket", target, "The bucket's name")->type_name("");
}

CLI::Option* add_key(CLI::App& app, std::string& target) {
    return app.add_option("key", target, "The key")->type_name("");
}

void check_bucket_name(std::string_view name) {
    kv::check_bucket(name).value();
}

void check_key(std::string_view key) {
    kv::check_key(key).value();
}

} // namespace nats::cli
