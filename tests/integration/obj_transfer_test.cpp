// SPDX-License-Identifier: Apache-2.0
//
// Proves writing and reading objects against real servers: of any size and name, in any pieces, to
// and from files; that what fails or is given up leaves nothing behind; and that what is damaged,
// missing or replaced is never taken for the object.

#include <natsproto/openssl/provider.hpp> // for the digests

#include "integration/object_test.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <malloc.h>

namespace nats::test {
namespace {

class obj_transfer : public object_test {};
NATSPROTO_ON_NATS_SERVERS(obj_transfer);

TEST_P(obj_transfer, any_size) {
    object_bucket b = bucket();
    constexpr std::size_t chunk = 1000;
    for (const std::size_t size : {0U, 1U, 999U, 1000U, 1001U, 2000U, 12'345U}) {
        const std::string name = "o" + std::to_string(size);
        const std::string data = some_bytes(size);
        const obj::object_info put = b.put_bytes(name, data, {.chunk_size = chunk}).value();
        EXPECT_EQ(put.size, size);
        EXPECT_EQ(put.chunks, (size + chunk - 1) / chunk);
        obj::object_info got = b.info(name).value();
        EXPECT_TRUE(got.mtime);
        got.mtime = put.mtime;
        EXPECT_EQ(got, put);
        EXPECT_EQ(got.options->max_chunk_size, chunk);
        EXPECT_EQ(got.bucket, "b");
        const result<std::string> read = b.get_bytes(name);
        ASSERT_TRUE(read) << size << ": " << read.error().message();
        EXPECT_EQ(*read, data) << size;
    }
    EXPECT_TRUE(b.list().value().size() == 7);
}

TEST_P(obj_transfer, large) {
    object_bucket b = bucket();
    const std::string data = some_bytes(5 * 1024 * 1024 + 17);
    const obj::object_info i = b.put_bytes("large", data).value();
    EXPECT_EQ(i.chunks, 41U);
    EXPECT_EQ(i.options->max_chunk_size, obj::default_chunk_size);
    EXPECT_TRUE(b.get_bytes("large").value() == data);
    EXPECT_TRUE(b.get_bytes("large", {.window = 1}).value() == data);
    EXPECT_TRUE(b.put_bytes("one by one", data, {.window = 0}));
    EXPECT_TRUE(b.get_bytes("one by one").value() == data);
    EXPECT_EQ(b.get_bytes("large", {.max_size = 1000}).error(), errc::payload_too_large);
}

/// Bytes on the heap. A sanitizer has one of its own, of which this knows nothing.
std::size_t heap() {
    const struct mallinfo2 m = ::mallinfo2();
    return m.uordblks + m.hblkhd;
}

TEST_P(obj_transfer, memory_does_not_grow_with_the_object) {
    constexpr std::size_t size = 40 * 1024 * 1024;
    constexpr std::size_t bound = 8 * 1024 * 1024; // four windows of 2 MiB, which are usual
    object_bucket b = bucket();
    const std::string piece = some_bytes(1024 * 1024);
    const std::size_t before = heap();
    std::size_t most = before;
    std::size_t given = 0;
    const auto source = [&](std::span<char> into) {
        most = std::max(most, heap());
        const std::size_t at = given % piece.size();
        const std::size_t n = std::min({into.size(), piece.size() - at, size - given});
        std::copy_n(piece.data() + at, n, into.data());
        given += n;
        return result<std::size_t>(n);
    };
    EXPECT_EQ(b.put("large", source).value().size, size);
    std::size_t got = 0;
    const auto sink = [&](bytes some) {
        most = std::max(most, heap());
        got += some.size();
        return result<void>();
    };
    ASSERT_TRUE(b.get("large", sink));
    EXPECT_EQ(got, size);
    EXPECT_LT(most - before, bound);
}

TEST_P(obj_transfer, chunks_as_large_as_the_server_takes) {
    object_bucket b = bucket();
    const std::string data = some_bytes(3 * 1024 * 1024);
    ASSERT_TRUE(b.put_bytes("o", data, {.chunk_size = 1024 * 1024}));
    EXPECT_TRUE(b.get_bytes("o").value() == data);
    EXPECT_EQ(b.put_bytes("o", data, {.chunk_size = 1024 * 1024 + 1}).error(),
              errc::payload_too_large);
}

TEST_P(obj_transfer, any_name) {
    object_bucket b = bucket();
    const std::string names[] = {"a",          "a.b.c",  "a b",   "*",
                                 ">",          "$O.b.M", "ä☃🙂",  "line\r\nfeed",
                                 "../../etc/", "???",    "\"'\\", std::string(1000, 'x')};
    for (const std::string& name : names) {
        ASSERT_TRUE(b.put_bytes(name, name)) << name;
        EXPECT_EQ(b.get_bytes(name).value(), name);
        EXPECT_EQ(b.info(name).value().name, name);
    }
    EXPECT_EQ(b.list().value().size(), std::size(names));
    EXPECT_EQ(b.put_bytes("", "x").error(), errc::invalid_argument);
    EXPECT_EQ(b.put_bytes("\xff", "x").error(), errc::invalid_argument);
    EXPECT_EQ(b.get_bytes("").error(), errc::invalid_argument);
    EXPECT_EQ(b.info("").error(), errc::invalid_argument);
    EXPECT_EQ(b.put_bytes(std::string(4000, 'x'), "x").error(), errc::control_line_too_long);
}

TEST_P(obj_transfer, what_it_replaces_goes) {
    object_bucket b = bucket();
    for (unsigned seed = 1; seed < 4; ++seed) {
        const std::string data = some_bytes(5000 * seed, seed);
        ASSERT_TRUE(b.put_bytes("o", data, {.chunk_size = 1000}));
        EXPECT_EQ(chunks(), 5 * seed);
        EXPECT_EQ(messages(), 5 * seed + 1);
        EXPECT_EQ(b.get_bytes("o").value(), data);
    }
    ASSERT_TRUE(b.put_bytes("o", ""));
    EXPECT_EQ(messages(), 1U);
}

TEST_P(obj_transfer, two_that_write_the_same_object) {
    client other = connect();
    jetstream other_js(other);
    object_bucket b = bucket();
    object_bucket c = object_store(other_js).bind("b").value();
    ASSERT_TRUE(b.put_bytes("o", some_bytes(3000), {.chunk_size = 1000}));
    auto first = b.open_writer("o", {.chunk_size = 1000}).value();
    auto second = c.open_writer("o", {.chunk_size = 1000}).value();
    for (unsigned i = 0; i < 5; ++i) {
        ASSERT_TRUE(first.write(some_bytes(1000, i)));
        ASSERT_TRUE(second.write(some_bytes(1000, 10 + i)));
    }
    EXPECT_EQ(b.get_bytes("o").value(), some_bytes(3000)) << "until they are whole";
    const obj::object_info one = first.finish().value();
    const obj::object_info two = second.finish().value();
    EXPECT_NE(one.nuid, two.nuid);
    EXPECT_EQ(b.info("o").value().nuid, two.nuid);
    EXPECT_EQ(messages(), 6U) << "of neither of the others anything is left";
}

// --- pieces

TEST_P(obj_transfer, piece_by_piece) {
    object_bucket b = bucket();
    const std::string data = some_bytes(10'000);
    auto w = b.open_writer("o", {.chunk_size = 1000, .window = 3000}).value();
    for (std::size_t at = 0, n = 1; at < data.size(); at += n, n = n * 3 % 1777 + 1)
        ASSERT_TRUE(w.write(std::string_view(data).substr(at, n)));
    EXPECT_EQ(b.info("o").error(), errc::object_not_found) << "not before it is whole";
    EXPECT_GE(w.written(), 9000U);
    EXPECT_EQ(w.finish().value().chunks, 10U);
    EXPECT_EQ(w.stored(), data.size());
    EXPECT_EQ(w.write("x").error(), errc::invalid_argument);
    EXPECT_EQ(w.finish().error(), errc::invalid_argument);
    EXPECT_TRUE(w.abort()) << "there is nothing to give up any more";

    auto r = b.open_reader("o").value();
    EXPECT_EQ(r.info().size, data.size());
    std::string got;
    while (const std::optional<std::string_view> piece = r.next().value()) got += *piece;
    EXPECT_EQ(got, data);
    EXPECT_TRUE(r.at_end());
    EXPECT_EQ(r.next().value(), std::nullopt) << "it stays so";

    auto small = b.open_reader("o").value();
    got.clear();
    char buffer[333];
    while (const std::size_t n = small.read(buffer).value()) got.append(buffer, n);
    EXPECT_EQ(got, data);
    EXPECT_TRUE(wait_until([&] { return js().consumer_names("OBJ_b").value().empty(); }, at_once));
}

TEST_P(obj_transfer, from_a_function_and_into_one) {
    object_bucket b = bucket();
    int calls = 0;
    std::string given;
    const auto ones = [&](std::span<char> into) { // what it is asked for, or less
        const std::size_t n = ++calls > 10 ? 0 : std::min<std::size_t>(into.size(), 777);
        std::fill_n(into.begin(), n, static_cast<char>('0' + calls % 10));
        given.append(into.data(), n);
        return result<std::size_t>(n);
    };
    std::uint64_t told = 0;
    const obj::progress_listener listener{[](void* t, const obj::transfer_progress& p) {
                                              EXPECT_GE(p.bytes, *static_cast<std::uint64_t*>(t));
                                              *static_cast<std::uint64_t*>(t) = p.bytes;
                                          },
                                          &told};
    const obj::object_info i = b.put("o", ones, {.chunk_size = 1000, .progress = listener}).value();
    EXPECT_EQ(i.size, given.size());
    EXPECT_EQ(i.chunks, (given.size() + 999) / 1000) << "whole ones, however little it gives";
    EXPECT_EQ(told, given.size());
    std::string got;
    told = 0;
    const auto keep = [&](bytes piece) {
        got += piece.text();
        return result<void>();
    };
    EXPECT_EQ(b.get("o", keep, {.progress = listener}).value().size, given.size());
    EXPECT_EQ(told, given.size());
    EXPECT_EQ(got, given);
}

TEST_P(obj_transfer, functions_that_fail) {
    object_bucket b = bucket();
    int calls = 0;
    const auto source = [&](std::span<char> into) -> result<std::size_t> {
        if (++calls > 20) return error{errc::io_error, "the disk"};
        std::ranges::fill(into, 'x');
        return into.size();
    };
    EXPECT_EQ(b.put("o", source, {.chunk_size = 1000}).error().detail(), "the disk");
    EXPECT_EQ(messages(), 0U) << "nothing is left behind";
    ASSERT_TRUE(b.put_bytes("o", some_bytes(5000), {.chunk_size = 1000}));
    const auto sink = [&](bytes) -> result<void> { return error{errc::io_error, "full"}; };
    EXPECT_EQ(b.get("o", sink).error().detail(), "full");
    const auto liar = [](std::span<char> into) { return result<std::size_t>(into.size() + 1); };
    EXPECT_EQ(b.put("p", liar).error(), errc::invalid_argument);
}

TEST_P(obj_transfer, what_is_given_up_leaves_nothing) {
    object_bucket b = bucket();
    {
        auto w = b.open_writer("o", {.chunk_size = 1000}).value();
        ASSERT_TRUE(w.write(some_bytes(50'500)));
        EXPECT_TRUE(w.abort());
        EXPECT_EQ(messages(), 0U);
        EXPECT_FALSE(w.write("x"));
        EXPECT_FALSE(w.finish());
        EXPECT_TRUE(w.abort());
    }
    {
        auto w = b.open_writer("o", {.chunk_size = 1000, .window = 0}).value();
        ASSERT_TRUE(w.write(some_bytes(50'500)));
    }
    EXPECT_TRUE(wait_until([&] { return messages() <= 1; }, long_enough));
    {
        auto w = b.open_writer("o").value();
        ASSERT_TRUE(w.write("less than a chunk"));
    }
    EXPECT_LE(messages(), 1U);
}

TEST_P(obj_transfer, a_bucket_that_is_full) {
    obj::bucket_config c("b");
    c.max_bytes = 20'000;
    object_bucket b = store().create(c).value();
    ASSERT_TRUE(b.put_bytes("small", some_bytes(5000), {.chunk_size = 1000}));
    EXPECT_EQ(code_of(b.put_bytes("big", some_bytes(50'000), {.chunk_size = 1000})),
              errc::jetstream_error);
    EXPECT_EQ(messages(), 6U) << "what was written of it is gone";
    EXPECT_EQ(b.get_bytes("small").value(), some_bytes(5000));
}

// --- going on

TEST_P(obj_transfer, a_read_that_goes_on) {
    object_bucket b = bucket();
    const std::string data = some_bytes(10'000);
    ASSERT_TRUE(b.put_bytes("o", data, {.chunk_size = 1000}));
    std::string got;
    obj::read_position at;
    {
        auto r = b.open_reader("o").value();
        while (got.size() < 4000) got += r.next().value().value();
        at = r.position();
    }
    EXPECT_EQ(at.chunks, 4U);
    EXPECT_EQ(at.size, 4000U);
    for (const bool blind : {false, true}) {
        obj::read_position from = at;
        if (blind) from.last_sequence = 0; // whoever kept it has only counted
        auto r = b.open_reader("o", {.from = &from}).value();
        EXPECT_TRUE(r.hash_before(got));
        std::string all = got;
        while (const std::optional<std::string_view> piece = r.next().value()) all += *piece;
        EXPECT_EQ(all, data);
    }
    auto r = b.open_reader("o", {.from = &at}).value();
    EXPECT_TRUE(r.hash_before(some_bytes(4000, 2)));
    result<std::optional<std::string_view>> last = std::optional<std::string_view>("");
    while (last && *last) last = r.next();
    EXPECT_EQ(last.error(), errc::object_digest_mismatch) << "what was kept is another object";
    ASSERT_TRUE(b.put_bytes("o", some_bytes(10'000, 2)));
    EXPECT_EQ(b.open_reader("o", {.from = &at}).error(), errc::object_replaced);
}

TEST_P(obj_transfer, over_a_restart) {
    object_bucket b = bucket();
    const std::string data = some_bytes(4'000'000);
    ASSERT_TRUE(b.put_bytes("o", data, {.chunk_size = 10'000}));
    auto r = b.open_reader("o", {.window = 1}).value();
    std::string got;
    while (got.size() < 1'000'000) got += r.next().value().value();
    server().kill();
    server().restart();
    while (const std::optional<std::string_view> piece = r.next().value()) got += *piece;
    EXPECT_TRUE(got == data);
}

// --- what is not the object

TEST_P(obj_transfer, a_chunk_that_is_damaged) {
    object_bucket b = bucket();
    const obj::object_info i = b.put_bytes("o", some_bytes(3000), {.chunk_size = 1000}).value();
    const js::stored_message last = chunks_of(i).back();
    ASSERT_TRUE(js().delete_message("OBJ_b", last.sequence));
    jetstream_test::store(last.subject, some_bytes(1000, 99));
    EXPECT_EQ(b.get_bytes("o").error(), errc::object_digest_mismatch);
    auto r = b.open_reader("o").value();
    EXPECT_TRUE(r.next().value());
    EXPECT_TRUE(r.next().value());
    EXPECT_EQ(r.next().error(), errc::object_digest_mismatch) << "instead of the last piece";
    EXPECT_EQ(r.next().error(), errc::object_digest_mismatch) << "for good";
}

TEST_P(obj_transfer, a_chunk_that_is_missing) {
    object_bucket b = bucket();
    const obj::object_info i = b.put_bytes("o", some_bytes(5000), {.chunk_size = 1000}).value();
    const stopwatch watch;
    ASSERT_TRUE(js().delete_message("OBJ_b", chunks_of(i).at(2).sequence));
    EXPECT_EQ(b.get_bytes("o").error(), errc::object_incomplete);
    ASSERT_TRUE(js().delete_message("OBJ_b", chunks_of(i).back().sequence));
    EXPECT_EQ(b.get_bytes("o").error(), errc::object_incomplete);
    for (const js::stored_message& m : chunks_of(i))
        ASSERT_TRUE(js().delete_message("OBJ_b", m.sequence));
    EXPECT_EQ(b.get_bytes("o").error(), errc::object_incomplete) << "all of them";
    EXPECT_LT(watch.elapsed(), long_enough) << "without waiting for what cannot come";
}

TEST_P(obj_transfer, a_chunk_too_many) {
    object_bucket b = bucket();
    const obj::object_info i = b.put_bytes("o", some_bytes(3000), {.chunk_size = 1000}).value();
    jetstream_test::store(b.where().chunk_subject(i.nuid), "more");
    EXPECT_EQ(b.get_bytes("o").error(), errc::object_incomplete);
}

TEST_P(obj_transfer, replaced_while_it_is_read) {
    object_bucket b = bucket();
    ASSERT_TRUE(b.put_bytes("o", some_bytes(8'000'000), {.chunk_size = 100'000}));
    auto r = b.open_reader("o", {.window = 1}).value();
    ASSERT_TRUE(r.next().value());
    ASSERT_TRUE(b.put_bytes("o", "new"));
    result<std::optional<std::string_view>> piece = r.next();
    while (piece && *piece) piece = r.next();
    EXPECT_EQ(piece.error(), errc::object_incomplete);
    EXPECT_EQ(b.get_bytes("o").value(), "new");
}

TEST_P(obj_transfer, an_object_of_another_client) {
    object_bucket b = bucket();
    for (const char* piece : {"a", "bcd", "", "ef"}) jetstream_test::store("$O.b.C.n1", piece);
    const std::string meta =
        R"({"name":"o","bucket":"b","nuid":"n1","size":6,"mtime":"0001-01-01T00:00:00Z","chunks":4,)";
    describe(b, "o", meta + R"("digest":"SHA-256=AAAA"})");
    EXPECT_EQ(b.get_bytes("o").error(), errc::object_digest_mismatch);
    describe(b, "o", meta + R"("digest":"SHA-256=vvV-x_U6bUC-tkCngKY5yDvCmsipgW8fxsXG3Nk8RyE="})");
    EXPECT_EQ(b.get_bytes("o").value(), "abcdef") << "chunks of any size, and none";
    describe(b, "none", R"({"name":"none","bucket":"b","nuid":"n2","size":0,"chunks":0})");
    EXPECT_EQ(b.get_bytes("none").value(), "");
    describe(b, "void", R"({"name":"void","bucket":"b","nuid":"n3","size":9,"chunks":0})");
    EXPECT_EQ(b.get_bytes("void").error(), errc::object_incomplete);
}

// --- files

TEST_P(obj_transfer, files) {
    const scratch files;
    object_bucket b = bucket();
    const std::string data = some_bytes(300'000);
    const std::string from = files.path("from.bin");
    const std::string to = files.path("to.bin");
    std::ofstream(from, std::ios::binary) << data;
    EXPECT_EQ(put_file(b, from).value().name, "from.bin");
    EXPECT_EQ(put_file(b, from, "other").value().size, data.size());
    std::ofstream(to) << "before";
    EXPECT_EQ(get_file(b, "other", to).value().name, "other");
    const auto content = [](const std::string& path) {
        std::ifstream in(path, std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(in), {});
    };
    EXPECT_TRUE(content(to) == data);
    const obj::object_info i = b.info("other").value();
    ASSERT_TRUE(js().delete_message("OBJ_b", chunks_of(i).back().sequence));
    std::ofstream(to) << "kept";
    EXPECT_EQ(get_file(b, "other", to).error(), errc::object_incomplete);
    EXPECT_EQ(content(to), "kept");
    EXPECT_EQ(put_file(b, files.path("missing")).error(), errc::file_unreadable);
    EXPECT_EQ(get_file(b, "from.bin", files.path("no/where")).error(), errc::io_error);
    std::size_t there = 0;
    for ([[maybe_unused]] const auto& f :
         std::filesystem::directory_iterator(std::filesystem::path(to).parent_path()))
        ++there;
    EXPECT_EQ(there, 2U) << "nothing beside them";
}

} // namespace
} // namespace nats::test
