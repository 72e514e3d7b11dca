// SPDX-License-Identifier: Apache-2.0
// Invariant: what describes an object means the same when it is written and read again, and gives
// subjects that are its bucket's own; chunks are only believed if they are as many bytes as that
// says; and what is cut into chunks is what came.

#include <natsproto/object_store/bucket.hpp>
#include <natsproto/object_store/chunk_cutter.hpp>
#include <natsproto/object_store/download.hpp>
#include <natsproto/object_store/object_info.hpp>
#include <natsproto/subject.hpp>

#include "support/fake_crypto.hpp"
#include "support/fuzz_input.hpp"
#include "support/transcript.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace {

using namespace nats;
using test::require;

void check_subjects(const obj::object_info& i) {
    const obj::bucket b(js::context(), "b", true);
    const std::string meta = b.meta_subject(i.name);
    require(is_publish_subject(meta), "a name that is no subject");
    require(std::ranges::count(meta, '.') == 3, "a name of several tokens");
    if (i.nuid.empty()) return;
    const std::string chunks = b.chunk_subject(i.nuid);
    require(is_publish_subject(chunks), "chunks that have no subject");
    require(std::ranges::count(chunks, '.') == 3, "chunks of several tokens");
}

/// The bytes behind the description are its chunks, each as long as the first byte of it says.
void check_chunks(const obj::object_info& i, std::string_view rest) {
    obj::download d(i, {}, std::make_unique<test::fake_hash>());
    if (!d.check_empty()) return;
    std::uint64_t sequence = 0;
    while (!rest.empty() && !d.complete()) {
        const auto n = static_cast<unsigned char>(rest.front());
        const std::string_view chunk = rest.substr(1, n);
        rest.remove_prefix(1 + chunk.size());
        if (!d.handle_chunk(chunk, ++sequence, rest.empty() ? 0 : 1)) return;
        require(d.position().size <= i.size, "more bytes than the object has");
    }
    if (d.complete()) require(d.position().size == i.size || i.chunks == 0, "another size");
}

void check_info(std::string_view bytes) {
    const std::size_t end = bytes.find('\0');
    const test::exact_copy json(bytes.substr(0, end));
    obj::object_info i;
    if (!obj::decode(json.view(), i)) return;
    check_subjects(i);
    (void)obj::same_digest(i.digest, i.digest);
    if (const result<std::string> again = obj::to_json(i)) {
        obj::object_info same;
        require(obj::decode(*again, same).has_value(), "it cannot be read any more");
        require(obj::to_json(same).value() == *again, "it reads as something else");
    }
    if (end != std::string_view::npos) check_chunks(i, bytes.substr(end + 1));
}

/// The first two bytes are the size of a chunk and of the pieces.
void check_cutter(std::string_view bytes) {
    if (bytes.size() < 2) return;
    const std::size_t size = static_cast<unsigned char>(bytes[0]) + std::size_t{1};
    const std::size_t piece = static_cast<unsigned char>(bytes[1]) + std::size_t{1};
    bytes.remove_prefix(2);
    obj::chunk_cutter c(size);
    std::string all;
    for (std::string_view rest = bytes; !rest.empty();) {
        std::string_view some = rest.substr(0, piece);
        rest.remove_prefix(some.size());
        while (const std::optional<std::string_view> chunk = c.cut(some)) {
            require(chunk->size() == size, "a chunk of another size");
            all += *chunk;
        }
    }
    const std::string_view last = c.last();
    require(last.size() < size, "the last one is whole");
    all += last;
    require(all == bytes, "other bytes");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    check_info(bytes);
    check_cutter(bytes);
    return 0;
}
