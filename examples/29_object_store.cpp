// SPDX-License-Identifier: Apache-2.0
//
// The object store: a bucket, objects from memory and piece by piece, what describes them, a read
// that goes on where another one ended, and a watch.
// Usage: 29_object_store [nats://host:port]

#include <natsproto/blocking/object_store.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

using namespace std::chrono_literals;
namespace obj = nats::obj;

namespace {

nats::object_bucket make_bucket(nats::client& nc) {
    // [bucket]
    nats::object_store store{nats::jetstream(nc)};
    obj::bucket_config config("photos");
    config.description = "of the last summer";
    config.storage = nats::js::storage_type::memory;
    nats::object_bucket photos = store.create_or_update(config).value();
    // [bucket]
    return photos;
}

void put_and_get(nats::object_bucket& photos) {
    // [bytes]
    obj::object_info beach = photos.put_bytes("beach.jpg", "many bytes").value();
    std::cout << beach.name << " has " << beach.size << " bytes\n";
    std::string bytes = photos.get_bytes("beach.jpg").value();
    // [bytes]
    std::cout << bytes << '\n';
}

void write_pieces(nats::object_bucket& photos) {
    // [writer]
    auto writer = photos.open_writer("panorama.jpg", {.chunk_size = 64 * 1024}).value();
    for (int i = 0; i < 100; ++i) writer.write(std::string(10'000, 'x')).value();
    writer.finish().value(); // now it is there
    // [writer]
}

std::size_t read_pieces(nats::object_bucket& photos) {
    std::size_t size = 0;
    // [reader]
    auto reader = photos.open_reader("panorama.jpg").value();
    while (std::optional<std::string_view> piece = reader.next().value())
        size += piece->size(); // it lives until the next call
    // [reader]
    return size;
}

std::size_t go_on(nats::object_bucket& photos) {
    std::string read;
    obj::read_position where;
    {
        auto first = photos.open_reader("panorama.jpg").value();
        read += *first.next().value();
        where = first.position(); // to be kept
    }
    // [resume]
    auto second = photos.open_reader("panorama.jpg", {.from = &where}).value();
    second.hash_before(read).value(); // what was read before
    while (std::optional<std::string_view> piece = second.next().value()) read += *piece;
    // [resume]
    return read.size();
}

std::string change(nats::object_bucket& photos) {
    // [meta]
    obj::object_meta meta("sea.jpg"); // a new name
    meta.description = "no clouds";
    meta.headers["Content-Type"] = {"image/jpeg"};
    photos.update_meta("beach.jpg", meta).value();
    photos.add_link("favourite", photos.info("sea.jpg").value()).value();
    std::string bytes = photos.get_bytes("favourite").value();
    // [meta]
    return bytes;
}

int watch(nats::object_bucket& photos) {
    int there = 0;
    // [watch]
    auto watch = photos.watch({.ignore_deletes = true}).value();
    while (std::optional<obj::watch_update> update = watch.next(5s).value()) {
        if (update->initial_end()) break; // from here on there are changes
        std::cout << update->object->name << '\n';
        ++there;
    }
    // [watch]
    return there;
}

} // namespace

int main(int argc, char** argv) try {
    nats::client nc = nats::client::connect(argc > 1 ? argv[1] : "nats://127.0.0.1:4222").value();
    nats::object_bucket photos = make_bucket(nc);
    put_and_get(photos);
    write_pieces(photos);
    const std::size_t size = read_pieces(photos);
    const std::size_t again = go_on(photos);
    const bool linked = change(photos) == "many bytes";
    const int there = watch(photos);
    std::cout << size << " bytes in pieces, " << there << " objects\n";
    nats::object_store(nats::jetstream(nc)).remove("photos").value();
    return size == 1'000'000 && again == size && linked && there == 3 ? 0 : 1;
} catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
