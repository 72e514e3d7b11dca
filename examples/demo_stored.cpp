// SPDX-License-Identifier: Apache-2.0
//
// A tour of what is built on JetStream: a bucket of keys and values, and an object, on a
// nats-server with JetStream. It checks what arrives, and fails when something is not as it should
// be. `scripts/demo --nats-server` starts a server and runs it behind the demo. Usage: demo_stored
// nats://host:port
//
// Theory of operation: the steps are functions, which print what the program sees. Buckets are in
// the server's memory, and are deleted in the end.

#include <natsproto/blocking/client.hpp>
#include <natsproto/blocking/jetstream.hpp>
#include <natsproto/blocking/key_value.hpp>
#include <natsproto/blocking/object_store.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

void heading(std::string_view title) {
    static int step = 0;
    std::cout << '\n' << ++step << ". " << title << '\n';
}

void say(const std::string& line) {
    std::cout << "   " << line << '\n';
}

void expect(bool holds, const std::string& what) {
    if (!holds) throw std::runtime_error("expected " + what);
}

// --- key-value

nats::kv_bucket make_bucket(nats::key_value& buckets) {
    heading("A bucket: each key has a value, and a history of three");
    nats::kv::bucket_config c("demo_settings");
    c.history = 3;
    c.storage = nats::js::storage_type::memory;
    nats::kv_bucket settings = buckets.create(c).value();
    settings.put("colour", "red").value();
    const std::uint64_t second = settings.put("colour", "green").value();
    const nats::kv::entry now = settings.get("colour").value();
    say("colour is " + now.value + ", its revision " + std::to_string(now.revision));
    expect(now.value == "green" && now.revision == second, "the newest value");
    expect(settings.history({"colour"}).value().size() == 2, "two revisions");
    return settings;
}

void compare_and_set(nats::kv_bucket& settings) {
    heading("Nobody's change is lost: an update names the revision that it is about");
    const nats::kv::entry seen = settings.get("colour").value();
    settings.put("colour", "blue").value(); // somebody is faster
    const auto late = settings.update("colour", "black", seen.revision);
    expect(!late && late.error() == nats::errc::wrong_revision, "the error wrong_revision");
    say("an update of what is not there any more is refused: " + late.error().message());
    const auto again = settings.create("colour", "white");
    expect(!again && again.error() == nats::errc::key_exists, "the error key_exists");
}

/// The next thing that a watch brings; "|" for the end of what was there.
std::string next_of(nats::kv_watch& changes) {
    const nats::kv::watch_event e = changes.next(5s).value().value();
    if (e.initial_end()) {
        say("that was all that was there");
        return "| ";
    }
    say(e.entry->key + (e.entry->is_marker() ? " was deleted" : " = " + e.entry->value));
    return e.entry->key + ' ';
}

void watch(nats::kv_bucket& settings) {
    heading("A watch: what is there, then its end, then each change");
    nats::kv_watch changes = settings.watch().value();
    std::string seen = next_of(changes);
    seen += next_of(changes);
    settings.put("size", "large").value();
    seen += next_of(changes);
    settings.remove("colour").value();
    seen += next_of(changes);
    expect(seen == "colour | size colour ", "the value, its end, and two changes, not " + seen);
}

// --- objects

void object(nats::object_store& stores) {
    heading("An object: any size, in chunks, with a digest");
    nats::obj::bucket_config c("demo_files");
    c.storage = nats::js::storage_type::memory;
    nats::object_bucket files = stores.create(c).value();
    std::string all(300'000, ' ');
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<char>('a' + i % 26);
    const nats::obj::object_info written = files.put_bytes("alphabet", all).value();
    say(written.name + ": " + std::to_string(written.size) + " bytes in " +
        std::to_string(written.chunks) + " chunks, " + written.digest);
    expect(written.size == all.size() && written.chunks == 3, "three chunks");
    expect(files.get_bytes("alphabet").value() == all, "the same bytes");
    files.remove("alphabet").value();
    const auto gone = files.get_bytes("alphabet");
    expect(!gone && gone.error() == nats::errc::object_not_found, "the error object_not_found");
    say("and when it is deleted: " + gone.error().message());
    stores.remove("demo_files").value();
}

} // namespace

int main(int argc, char** argv) {
    try {
        if (argc != 2) throw std::runtime_error("usage: demo_stored nats://host:port");
        nats::client nc = nats::client::connect(argv[1]).value();
        nats::jetstream js(nc);
        nats::key_value buckets(js);
        nats::object_store stores(js);
        nats::kv_bucket settings = make_bucket(buckets);
        compare_and_set(settings);
        watch(settings);
        buckets.remove("demo_settings").value();
        object(stores);
    } catch (const std::exception& e) {
        std::cout << std::flush;
        std::cerr << "demo_stored: " << e.what() << '\n';
        return 1;
    }
    std::cout << "\nEverything was kept as it should.\n";
    return 0;
}
