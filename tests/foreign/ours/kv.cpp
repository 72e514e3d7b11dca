// SPDX-License-Identifier: Apache-2.0
//
// Our side of node/kv.js, with the same arguments, steps and lines.

#include <natsproto/blocking/key_value.hpp>

#include "must.hpp"

#include <chrono>
#include <cstdint>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>

namespace {

using namespace std::chrono_literals;
namespace kv = nats::kv;

void show(nats::kv_bucket& b) {
    const kv::bucket_status s = must(b.status(), "status");
    std::cout << "configuration bucket " << must(to_json(s.info().config), "to_json") << '\n'
              << "ours: " << s.bucket() << ", " << s.values() << " entries, history " << s.history()
              << ", ttl " << s.ttl() / 1ms << " ms\n";
}

std::string line(const kv::entry& e) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    for (const char c : e.value) {
        const auto byte = static_cast<unsigned char>(c);
        hex += digits[byte >> 4U];
        hex += digits[byte & 15U];
    }
    return e.key + ' ' + std::string(kv::to_string(e.operation)) + ' ' +
           std::to_string(e.revision) + " [" + hex + ']';
}

std::string outcome(const nats::result<std::uint64_t>& r, nats::errc expected) {
    if (r) return "done";
    return r.error() == expected ? "refused" : r.error().message();
}

void make(nats::key_value& buckets) {
    kv::bucket_config c("OURS");
    c.description = "made by ours";
    c.history = 5;
    c.ttl = 1h;
    c.max_bytes = 1 << 20;
    c.max_value_size = 1000;
    c.storage = nats::js::storage_type::memory;
    c.metadata["color"] = "größe";
    nats::kv_bucket b = must(buckets.create(c), "create");
    must(b.put("a.b/c=d_e-f", "größe"), "put");
    must(b.put("empty", ""), "put");
    must(b.put("binary", std::string_view("\0\xff\r\n", 4)), "put");
    must(b.put("k", "1"), "put");
    must(b.put("k", "2"), "put");
    must(b.put("deleted", "x"), "put");
    must(b.remove("deleted"), "remove");
    must(b.put("purged", "x"), "put");
    must(b.purge("purged"), "purge");
    show(b);
}

void read(nats::kv_bucket& b) {
    const kv::get_options any{.markers = true};
    for (const char* key : {"a.b/c=d_e-f", "empty", "binary", "k", "deleted", "purged"})
        std::cout << "ours: " << line(must(b.get(key, any), key)) << '\n';
    std::cout << "ours: none "
              << (b.get("none").error() == nats::errc::key_not_found ? "null" : "found") << '\n';
    std::string keys;
    for (const std::string& key : must(b.keys(), "keys")) keys += ' ' + key;
    std::cout << "ours: keys" << keys << '\n';
    for (const kv::entry& e : must(b.history("k"), "history"))
        std::cout << "ours: history " << line(e) << '\n';
    auto watch = must(b.watch(), "watch");
    while (true) {
        const std::optional<kv::watch_event> e = must(watch.next(5s), "next");
        if (!e || e->initial_end()) break;
        std::cout << "ours: watch " << line(*e->entry) << ' ' << e->entry->delta << '\n';
    }
}

/// What the other has made.
void use(nats::key_value& buckets) {
    nats::kv_bucket b = must(buckets.bind("NODE"), "bind");
    show(b);
    read(b);
    const std::uint64_t k = must(b.get("k"), "get").revision;
    std::cout << "ours: create " << outcome(b.create("k", "no"), nats::errc::key_exists) << '\n'
              << "ours: late " << outcome(b.update("k", "no", k - 1), nats::errc::wrong_revision)
              << '\n';
    must(b.update("k", "ours", k), "update");
    must(b.create("deleted", "again"), "create");
    must(b.remove("empty"), "remove");
    must(b.purge("binary"), "purge");
}

/// What the other has left.
void check(nats::key_value& buckets) {
    nats::kv_bucket b = must(buckets.bind("OURS"), "bind");
    const kv::get_options any{.markers = true};
    for (const char* key : {"k", "deleted", "empty", "binary"})
        std::cout << "ours: left " << line(must(b.get(key, any), key)) << '\n';
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    const std::string_view step = argv[1];
    nats::client nc = must(nats::client::connect(argv[2]), "connect");
    nats::jetstream js(nc);
    nats::key_value buckets(js);
    if (step == "make") make(buckets);
    if (step == "use") use(buckets);
    if (step == "check") check(buckets);
    return 0;
}
