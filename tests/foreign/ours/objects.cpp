// SPDX-License-Identifier: Apache-2.0
//
// Objects in buckets that are shared with another client's: see node/objects.js.
//
//   foreign_our_objects STEP URL

#include <natsproto/blocking/object_store.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iostream>
#include <span>
#include <string>
#include <string_view>

namespace {

namespace obj = nats::obj;

struct wanted {
    const char* name;
    std::size_t size;
    std::uint32_t chunk;
};
constexpr wanted objects[] = {
    {"empty", 0, 0},
    {"one", 1, 0},
    {"chunk", 128 * 1024, 0},
    {"chunks", 256 * 1024, 0},
    {"more.*.>", 256 * 1024 + 1, 0},
    {"small chunks", 5000, 1000},
    {"größe ☃ 🙂/../", 100, 0},
    {"large", 64 * 1024 * 1024, 0},
};

char content_at(std::size_t i) {
    return static_cast<char>((i * 7 + (i >> 8U)) & 255U);
}

void put(nats::object_bucket& b, const std::string& name, std::size_t size, std::uint32_t chunk) {
    obj::object_meta m(name);
    m.description = std::to_string(size) + " bytes";
    m.metadata["color"] = "größe";
    m.headers["Kind"] = {"test", "second"};
    std::size_t at = 0;
    const auto source = [&at, size](std::span<char> into) {
        const std::size_t n = std::min(into.size(), size - at);
        for (std::size_t i = 0; i < n; ++i) into[i] = content_at(at + i);
        at += n;
        return nats::result<std::size_t>(n);
    };
    b.put(m, source, {.chunk_size = chunk}).value();
}

std::string joined(const obj::header_map& h) {
    std::string text;
    const auto kinds = h.find("Kind");
    if (kinds == h.end()) return text;
    for (const std::string& k : kinds->second) text += (text.empty() ? "" : "+") + k;
    return text;
}

/// All that is seen of an object.
void show(nats::object_bucket& b, const std::string& name) {
    std::cout << "  " << name << ": ";
    const nats::result<obj::object_info> i = b.info(name, {.show_deleted = true});
    if (!i) {
        std::cout << (i.error() == nats::errc::object_not_found ? "none" : i.error().message())
                  << '\n';
        return;
    }
    if (i->deleted) {
        std::cout << "deleted\n";
        return;
    }
    if (i->link() != nullptr) {
        std::cout << "to " << i->link()->bucket << '/' << i->link()->name << '\n';
        return;
    }
    std::size_t at = 0;
    bool right = true;
    const auto sink = [&](nats::bytes piece) {
        for (const char c : piece.text()) right = right && c == content_at(at++);
        return nats::result<void>();
    };
    b.get(name, sink).value();
    right = right && at == i->size;
    const auto color = i->metadata.find("color");
    std::cout << i->size << ' ' << i->chunks << ' ' << i->digest << ' '
              << (right ? "right" : "WRONG") << " \"" << i->description << "\" "
              << joined(i->headers) << ' ' << (color == i->metadata.end() ? "" : color->second)
              << '\n';
}

void make(nats::object_store& store) {
    obj::bucket_config c("ours");
    c.description = "made by ours";
    c.storage = nats::js::storage_type::memory;
    nats::object_bucket b = store.create(c).value();
    for (const wanted& o : objects) put(b, o.name, o.size, o.chunk);
    put(b, "gone", 10, 0);
    b.remove("gone").value();
    b.add_link("link", b.info("one").value()).value();
    b.add_bucket_link("all", "ours").value();
    std::cout << "ours: made\n";
}

void use(nats::object_store& store) {
    nats::object_bucket b = store.bind("node").value();
    const obj::bucket_status s = b.status().value();
    std::cout << "ours: bucket node \"" << s.description << "\" "
              << (s.storage == nats::js::storage_type::memory ? "memory" : "file") << ' '
              << (s.sealed ? "true" : "false") << '\n';
    for (const wanted& o : objects) show(b, o.name);
    for (const char* name : {"gone", "link", "all", "none"}) show(b, name);
    std::cout << "ours: " << b.list().value().size() << " objects\n";
    b.remove("one").value();
    obj::object_meta m("renamed");
    m.description = "by ours";
    b.update_meta("chunk", m).value();
    put(b, "chunks", 7, 0);
    put(b, "new", 20, 0);
}

void check(nats::object_store& store) {
    nats::object_bucket b = store.bind("ours").value();
    std::cout << "ours: what is left\n";
    for (const char* name : {"one", "chunk", "renamed", "chunks", "new"}) show(b, name);
    std::cout << "ours: " << b.status().value().stream.state.messages << " messages\n";
}

} // namespace

int main(int argc, char** argv) try {
    if (argc != 3) return 2;
    const std::string_view step = argv[1];
    nats::client nc = nats::client::connect(argv[2]).value();
    nats::object_store store{nats::jetstream(nc)};
    if (step == "make")
        make(store);
    else if (step == "use")
        use(store);
    else
        check(store);
    return 0;
} catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
