// SPDX-License-Identifier: Apache-2.0
// Invariant: a key or filter that is accepted makes a subject that can be used, an entry is made of
// the message's own bytes, and a stream that is taken for a bucket can be addressed and sent back.

#include <natsproto/key_value/bucket_config.hpp>
#include <natsproto/key_value/entry.hpp>
#include <natsproto/key_value/location.hpp>
#include <natsproto/key_value/names.hpp>
#include <natsproto/key_value/requests.hpp>
#include <natsproto/subject.hpp>

#include "support/fuzz_input.hpp"
#include "support/transcript.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace {

using namespace nats;
using test::require;

void check_names(std::string_view text) {
    const std::string subject = "$KV.b." + std::string(text);
    if (kv::check_key(text)) require(is_publish_subject(subject), "a key that cannot be written");
    if (kv::check_filter(text)) require(is_subscribe_subject(subject), "a filter that is none");
    if (kv::check_key(text)) require(kv::check_filter(text).has_value(), "a key is no filter");
    if (kv::check_bucket(text)) {
        const std::string stream = kv::stream_name(text);
        require(js::check_name("stream", stream).has_value(), "a bucket that is no stream");
        require(kv::bucket_name(stream) == text, "another bucket");
    }
}

void check_entry(test::fuzz_input in) {
    const test::exact_copy subject(in.text());
    const test::exact_copy reply(in.text());
    const test::exact_copy header(in.text());
    const test::exact_copy payload(in.text());
    nats::message_view m;
    m.subject = subject.view();
    m.reply = reply.view();
    m.headers = header_view(header.view());
    m.payload = payload.view();
    for (const bool sizes : {false, true}) {
        const auto e = kv::read_entry(m, "b", "$KV.b.", sizes);
        if (!e) continue;
        require("$KV.b." + std::string(e->key) == m.subject, "another key");
        require(e->value == m.payload, "another value");
        require(sizes || e->size == m.payload.size(), "another size");
        const kv::entry owned(*e);
        require(owned.revision == e->revision && owned.value == m.payload, "another entry");
    }
}

void check_bucket(std::string_view json) {
    const test::exact_copy exact(json);
    js::stream_info info;
    if (!js::decode(exact.view(), info)) return;
    const js::stream_config before = info.config;
    result<kv::bucket_status> s = kv::bucket_status::make(std::move(info));
    if (!s) return;
    require(s->history() >= 1 && kv::check_bucket(s->bucket()).has_value(), "no bucket");
    js::stream_config changed = before;
    if (kv::apply(s->config(), changed)) {
        require(changed.name == before.name, "another stream");
        require(changed.extra == before.extra, "what is not known was lost");
        require(kv::to_bucket_config(changed).has_value(), "an update makes it none");
    }
    const result<kv::location> at = kv::locate({}, *s);
    if (!at) return;
    require(is_publish_subject(at->write_prefix + "k"), "nowhere to write");
    (void)kv::encode_get(*at, "k");
    (void)kv::create_request::make(*at, "k", "v", {});
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    check_names(bytes);
    check_entry(test::fuzz_input(bytes));
    check_bucket(bytes);
    return 0;
}
