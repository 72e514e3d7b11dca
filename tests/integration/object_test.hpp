// SPDX-License-Identifier: Apache-2.0
//
// The fixture of tests with buckets of objects, on the client that client_under_test.hpp means.

#pragma once

#include <natsproto/blocking/object_files.hpp>
#include <natsproto/object_store/basic_object_store.hpp>

#include "integration/jetstream_test.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nats::test {

using object_store = basic_object_store<jetstream>;
using object_bucket = object_store::bucket_type;

/// So many bytes, and others for another seed.
[[nodiscard]] inline std::string some_bytes(std::size_t n, unsigned seed = 1) {
    std::string s(n, '\0');
    std::uint32_t x = seed * 2654435761U + 1;
    for (char& c : s) {
        x = x * 1664525U + 1013904223U;
        c = static_cast<char>(x >> 24U);
    }
    return s;
}

class object_test : public jetstream_test {
protected:
    [[nodiscard]] object_store store() { return object_store(js()); }
    /// A new one.
    [[nodiscard]] object_bucket bucket(const std::string& name = "b") {
        return store().create(obj::bucket_config(name)).value();
    }
    /// Messages in the bucket's stream.
    [[nodiscard]] std::uint64_t messages(const std::string& name = "b") {
        return js().stream_info("OBJ_" + name).value().state.messages;
    }
    /// How many chunks it has of all objects.
    [[nodiscard]] std::uint64_t chunks(const std::string& name = "b") {
        const std::string filter = "$O." + name + ".C.>";
        std::uint64_t sum = 0;
        const js::stream_info i =
            js().stream_info("OBJ_" + name, {.subjects_filter = filter}).value();
        for (const auto& [subject, count] : i.state.subjects) sum += count;
        return sum;
    }
    /// Nothing is in it, soon.
    [[nodiscard]] bool becomes_empty(const std::string& name = "b") {
        return wait_until([&] { return messages(name) == 0; }, long_enough);
    }
    /// The messages of an object's chunks.
    [[nodiscard]] std::vector<js::stored_message> chunks_of(const obj::object_info& i) {
        std::vector<js::stored_message> all;
        std::uint64_t from = 1;
        const std::string subject = "$O." + i.bucket + ".C." + i.nuid;
        while (result<js::stored_message> m =
                   js().get_next_message("OBJ_" + i.bucket, subject, from)) {
            from = m->sequence + 1;
            all.push_back(std::move(*m));
        }
        return all;
    }
    /// Stores what describes an object, as another client might.
    void describe(const object_bucket& b, std::string_view object, std::string_view json) {
        headers h;
        (void)h.set("Nats-Rollup", "sub");
        jetstream_test::store(b.where().meta_subject(object), json, h);
    }
};

} // namespace nats::test
