// SPDX-License-Identifier: Apache-2.0
//
// A key-value bucket: writing, reading, compare and set, a lock, history, and a watch.
// Usage: 27_key_value [nats://host:port]

#include <natsproto/blocking/key_value.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

using namespace std::chrono_literals;
namespace kv = nats::kv;

namespace {

nats::kv_bucket make_bucket(nats::key_value& buckets) {
    // [bucket]
    kv::bucket_config config("settings");
    config.description = "of the pumps";
    config.history = 5;
    config.storage = nats::js::storage_type::memory;
    nats::kv_bucket settings = buckets.create(config).value();
    // [bucket]
    return settings;
}

void write_and_read(nats::kv_bucket& settings) {
    // [put]
    const std::uint64_t revision = settings.put("pump.1.speed", "1500").value();
    const kv::entry speed = settings.get("pump.1.speed").value();
    std::cout << speed.key << " is " << speed.value << '\n';

    const nats::result<kv::entry> none = settings.get("pump.9.speed");
    if (!none && none.error() == nats::errc::key_not_found) std::cout << "no such pump\n";
    // [put]
    // [update]
    settings.update("pump.1.speed", "1600", revision).value();
    const nats::result<std::uint64_t> late = settings.update("pump.1.speed", "1400", revision);
    if (!late && late.error() == nats::errc::wrong_revision) std::cout << "somebody was faster\n";
    // [update]
}

// [count]
/// Adds one, whoever else does the same.
std::uint64_t add_one(nats::kv_bucket& settings, std::string_view key) {
    while (true) {
        const nats::result<kv::entry> now = settings.get(key);
        const std::uint64_t next = now ? std::stoull(now->value) + 1 : 1;
        const auto written = now ? settings.update(key, std::to_string(next), now->revision)
                                 : settings.create(key, std::to_string(next));
        if (written) return next;
        if (written.error() != nats::errc::wrong_revision &&
            written.error() != nats::errc::key_exists)
            throw nats::exception(written.error());
    }
}
// [count]

bool take_turns(nats::kv_bucket& settings) {
    // [lock]
    const nats::result<std::uint64_t> lock = settings.create("locks.pump.1", "me");
    if (!lock) return false; // errc::key_exists: somebody else has it
    settings.remove("locks.pump.1", {.revision = *lock}).value();
    // [lock]
    return settings.create("locks.pump.1", "me again").has_value();
}

void look_back(nats::kv_bucket& settings) {
    // [history]
    for (const kv::entry& e : settings.history("pump.1.speed").value())
        std::cout << e.revision << ": " << kv::to_string(e.operation) << ' ' << e.value << '\n';
    for (const std::string& key : settings.keys("pump.>").value()) std::cout << key << '\n';
    const std::vector<kv::entry> some =
        settings.get_many({"pump.1.speed", "pump.2.speed"}).value(); // those that are there
    // [history]
    std::cout << some.size() << " of two\n";
}

std::string follow(nats::kv_bucket& settings) {
    std::string seen;
    // [watch]
    auto watch = settings.watch("pump.>").value();
    settings.put("pump.2.speed", "900").value();
    while (std::optional<kv::watch_event> e = watch.next(1s).value()) {
        if (e->initial_end()) {
            std::cout << "that was all; now come the changes\n";
            settings.remove("pump.2.speed").value();
            continue;
        }
        seen += e->entry->key + (e->entry->is_marker() ? " is gone; " : "; ");
        if (e->entry->is_marker()) break;
    }
    // [watch]
    return seen;
}

} // namespace

int main(int argc, char** argv) try {
    const std::string url = argc > 1 ? argv[1] : "nats://127.0.0.1:4222";
    nats::client nc = nats::client::connect(url).value();
    nats::jetstream jetstream(nc);
    nats::key_value buckets(jetstream);
    nats::kv_bucket settings = make_bucket(buckets);
    write_and_read(settings);
    const bool counted = add_one(settings, "starts") == 1 && add_one(settings, "starts") == 2;
    const bool locked = take_turns(settings);
    look_back(settings);
    const std::string seen = follow(settings);
    std::cout << seen << '\n';
    buckets.remove("settings").value();
    return counted && locked && seen.ends_with("pump.2.speed is gone; ") ? 0 : 1;
} catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
