// SPDX-License-Identifier: Apache-2.0
// Invariant: any block can be asked anything, any cut of its message brings the same bytes, and
// what is built is well formed.

#include <natsproto/headers.hpp>

#include "support/fuzz_input.hpp"
#include "support/transcript.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace nats;
using test::require;

void check_block(std::string_view bytes) {
    const test::exact_copy exact(bytes);
    const header_view h(exact.view());
    require(h.status() <= 999, "status");
    require(h.status() != 0 || h.description().empty(), "a description without a status");
    const headers copy = headers::copy_of(h);
    require(copy.empty() || copy.view().well_formed(), "a copy is well formed");
    require(headers::copy_of(copy).view().raw() == copy.view().raw(),
            "a copy of a copy is the same");
    auto copied = copy.view().begin();
    for (const header_field& f : h) {
        require(!f.name.empty(), "a field has a name");
        require(h.get(f.name).has_value() && h.last(f.name).has_value(), "a field can be found");
        const std::vector<std::string_view> values = h.values(f.name);
        require(values.front().data() == h.get(f.name)->data(), "the first value");
        require(values.back().data() == h.last(f.name)->data(), "the last value");
        const std::string value = unfold(f.value);
        if (!is_header_name(f.name) || !is_header_value(value)) {
            require(!h.well_formed() || f.value.find('\0') != std::string_view::npos,
                    "not well formed");
            continue;
        }
        require(copied != copy.view().end() && copied->name == f.name, "a field is copied");
        ++copied;
    }
    require(copied == copy.view().end(), "nothing else is copied");
}

/// The block as a part of a message, in pieces.
void check_delivery(std::string_view block) {
    const std::string size = std::to_string(block.size());
    const std::string message =
        "HMSG a 1 " + size + ' ' + size + "\r\n" + std::string(block) + "\r\n";
    const test::parsed whole = test::parse(wire::sender::server, {message});
    const test::parsed cut =
        test::parse(wire::sender::server, test::pieces_by_seed(message, test::hash_of(block)));
    require(!whole.failed && whole.rest == 0, "a block is delivered whatever it holds");
    test::require_same(whole.text, cut.text, "in pieces");
}

/// The builder against a list of pairs.
void check_builder(std::string_view bytes) {
    test::fuzz_input in(bytes);
    headers h;
    std::vector<std::pair<std::string, std::string>> model;
    while (!in.empty()) {
        const std::uint8_t what = in.byte();
        const std::string name(in.text());
        const std::string value(what % 3 == 2 ? std::string_view() : in.text());
        const auto named = [&name](const auto& field) { return field.first == name; };
        if (what % 3 == 2) {
            require(h.erase(name) == std::erase_if(model, named), "how many were erased");
            continue;
        }
        const bool valid = is_header_name(name) && is_header_value(value);
        const result<void> r = what % 3 == 0 ? h.add(name, value) : h.set(name, value);
        require(r.has_value() == valid, "what is refused");
        if (!valid) continue;
        if (what % 3 == 1) std::erase_if(model, named);
        model.emplace_back(name, value);
    }
    require(h.empty() == model.empty(), "empty");
    require(h.empty() || h.view().well_formed(), "well formed");
    auto it = h.view().begin();
    for (const auto& [name, value] : model) {
        require(it != h.view().end() && it->name == name, "a name");
        const std::size_t blanks = value.find_first_not_of(" \t");
        require(it->value == (blanks == std::string::npos ? "" : value.substr(blanks)), "a value");
        ++it;
    }
    require(it == h.view().end(), "the end");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { // NOLINT
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    check_block(bytes);
    check_delivery(bytes);
    check_builder(bytes);
    return 0;
}
