// SPDX-License-Identifier: Apache-2.0
//
// Key-value buckets and the object store on nats-server 2.10, in memory. A get and a put of a key
// are a request each; the limit is that request on a raw socket. Objects are 16 MiB in chunks of
// 128 KiB; the limit is a raw socket that moves the same chunks into a stream or out of it, and a
// second one that computes the SHA-256, too, which the object store's protocol asks for. nats.c 3.4
// has no object store.

#include <natsproto/asio/key_value.hpp>
#include <natsproto/asio/object_store.hpp>
#include <natsproto/blocking/key_value.hpp>
#include <natsproto/blocking/object_store.hpp>

#include "asio_contender.hpp"
#include "harness.hpp"
#include "jetstream_raw.hpp"
#include "jetstream_server.hpp"
#include "libnats_jetstream.hpp"
#include "object_raw.hpp"

#include <boost/asio/awaitable.hpp>

#include <algorithm>
#include <functional>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace {

namespace asio = boost::asio;
namespace js = nats::js;
using namespace nats::bench; // NOLINT(google-build-using-namespace): all of it is used

const std::string value(128, 'x');

std::string random_bytes() {
    std::mt19937 random; // the same each time
    std::string out(object_size, 0);
    std::generate(out.begin(), out.end(), [&] { return static_cast<char>(random()); });
    return out;
}

/// The server, and what contenders find in it.
class target {
public:
    [[nodiscard]] const std::string& url() const noexcept { return server_.url(); }
    [[nodiscard]] std::uint16_t port() const { return server_.port(); }

    // --- the bucket `bench`, with the key `key`
    void make_keys() {
        nats::key_value buckets{jetstream_};
        (void)buckets.remove("bench");
        nats::kv::bucket_config c("bench");
        c.storage = js::storage_type::memory;
        keys_ = buckets.create(c).value();
        keys_.put("key", value).value();
    }
    void check_key(std::uint64_t revision) {
        const nats::kv::entry e = keys_.get("key").value();
        if (e.value != value || e.revision != revision) throw std::runtime_error("wrong puts");
    }

    // --- the bucket `read`, with the object `object`
    void make_object() {
        nats::object_store store{jetstream_};
        if (store.status("read")) return;
        nats::object_bucket bucket = make_bucket("read");
        (void)bucket.put_bytes("object", bytes()).value();
    }
    /// For what is pulled without a client.
    void make_chunk_readers(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            js::consumer_config c("reader" + std::to_string(i));
            (void)jetstream_.delete_consumer("OBJ_read", c.durable_name);
            c.filter_subject = "$O.read.C.>";
            c.ack_policy = js::ack_policy::none;
            c.mem_storage = true;
            jetstream_.create_consumer("OBJ_read", c).value();
        }
    }

    // --- the bucket `write`, for objects whose names are numbers
    void make_place() { (void)make_bucket("write"); }
    void check_objects(std::size_t count) {
        nats::object_store store{jetstream_};
        nats::object_bucket bucket = store.bind("write").value();
        for (std::size_t i = 0; i < count; ++i) {
            if (bucket.info(std::to_string(i)).value().size != object_size)
                throw std::runtime_error("an object is not whole");
        }
        store.remove("write").value();
    }

    // --- the stream `RAW`, for what is no object
    void make_stream() {
        js::stream_config c("RAW");
        c.subjects = {"raw"};
        c.storage = js::storage_type::memory;
        jetstream_.create_stream(c).value();
    }
    void check_chunks(std::size_t count) {
        const js::stream_state now = jetstream_.stream_info("RAW").value().state;
        if (now.messages != count || now.bytes < count * chunk_size)
            throw std::runtime_error("not every chunk was stored");
        jetstream_.delete_stream("RAW").value();
    }

    [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }

private:
    nats::object_bucket make_bucket(const char* name) {
        nats::object_store store{jetstream_};
        nats::obj::bucket_config c(name);
        c.storage = js::storage_type::memory;
        return store.create(c).value();
    }

    jetstream_server server_;
    nats::client nc_ = nats::client::connect(server_.url()).value();
    nats::jetstream jetstream_{nc_};
    nats::kv_bucket keys_;
    std::string bytes_ = random_bytes();
};
using shared_target = on_demand<target>;

// --- keys

figures raw_get(std::uint16_t port, std::size_t n) {
    raw_asker to(port);
    const std::string request = raw_request("$JS.API.DIRECT.GET.KV_bench.$KV.bench.key", {});
    const std::string end = value + "\r\n";
    const meter m;
    for (std::size_t i = 0; i < n; ++i) (void)to.ask(request, end);
    return m.cpu_and_clock(n);
}

template <class Work>
figures on_blocking_keys(const std::string& url, std::size_t n, Work work) {
    nats::client nc = nats::client::connect(url).value();
    nats::key_value buckets{nats::jetstream(nc)};
    nats::kv_bucket keys = buckets.bind("bench").value();
    const meter m;
    for (std::size_t i = 0; i < n; ++i) work(keys);
    return m.cpu_and_clock(n);
}

void get_key(nats::kv_bucket& keys) {
    if (keys.get("key").value().value.size() != value.size()) die("wrong value");
}
void put_key(nats::kv_bucket& keys) {
    keys.put("key", value).value();
}

asio::awaitable<void> get_key_later(nats::aio::kv_bucket& keys) {
    const nats::kv::entry e = co_await keys.get("key");
    if (e.value.size() != value.size()) die("wrong value");
}
asio::awaitable<void> put_key_later(nats::aio::kv_bucket& keys) {
    co_await keys.put("key", value);
}

template <class Work>
figures on_asio_keys(const std::string& url, std::size_t n, Work work) {
    return on_asio({}, [&](auto& nc, figures& out) -> asio::awaitable<void> {
        co_await nc.connect(url);
        nats::aio::key_value buckets{nats::aio::jetstream(nc)};
        nats::aio::kv_bucket keys = co_await buckets.bind("bench");
        const meter m;
        for (std::size_t i = 0; i < n; ++i) co_await work(keys);
        out = m.cpu_and_clock(n);
        co_await nc.close();
    });
}

template <class Work>
figures on_libnats_keys(const std::string& url, std::size_t n, bool at_once, Work work) {
    const libnats_jetstream jetstream(url, at_once);
    kvStore* keys = nullptr;
    check(js_KeyValue(&keys, jetstream.get(), "bench"), "bucket");
    const meter m;
    for (std::size_t i = 0; i < n; ++i) work(keys);
    figures out = m.cpu_and_clock(n);
    kvStore_Destroy(keys);
    return out;
}

void libnats_get(kvStore* keys) {
    kvEntry* e = nullptr;
    check(kvStore_Get(&e, keys, "key"), "get");
    if (static_cast<std::size_t>(kvEntry_ValueLen(e)) != value.size()) die("wrong value");
    kvEntry_Destroy(e);
}
void libnats_put(kvStore* keys) {
    std::uint64_t revision = 0;
    check(kvStore_PutString(&revision, keys, "key", value.c_str()), "put");
}

void add_keys(suite& all, const shared_target& at) {
    const std::size_t n = all.scaled(5'000);
    const auto each = [&](bool puts, const char* who, const std::function<figures()>& run) {
        const auto checked = [=] {
            at->make_keys();
            figures out = run();
            at->check_key(puts ? n + 1 : 1);
            return out;
        };
        all.add(puts ? "key-value put, 128 B" : "key-value get, 128 B", who, checked,
                suite::counted_too());
    };
    each(false, "raw", [=] { return raw_get(at->port(), n); });
    each(false, "blocking", [=] { return on_blocking_keys(at->url(), n, get_key); });
    each(false, "Asio", [=] { return on_asio_keys(at->url(), n, get_key_later); });
    each(false, "nats.c", [=] { return on_libnats_keys(at->url(), n, false, libnats_get); });
    each(false, "nats.c, SendAsap",
         [=] { return on_libnats_keys(at->url(), n, true, libnats_get); });
    each(true, "raw", [=] { return raw_one_by_one(at->port(), "$KV.bench.key", value, n); });
    each(true, "blocking", [=] { return on_blocking_keys(at->url(), n, put_key); });
    each(true, "Asio", [=] { return on_asio_keys(at->url(), n, put_key_later); });
    each(true, "nats.c", [=] { return on_libnats_keys(at->url(), n, false, libnats_put); });
    each(true, "nats.c, SendAsap",
         [=] { return on_libnats_keys(at->url(), n, true, libnats_put); });
}

// --- objects

figures blocking_put(const std::string& url, const std::string& bytes, std::size_t count) {
    nats::client nc = nats::client::connect(url).value();
    nats::object_store store{nats::jetstream(nc)};
    nats::object_bucket bucket = store.bind("write").value();
    const meter m;
    for (std::size_t n = 0; n < count; ++n)
        (void)bucket.put_bytes(nats::obj::object_meta(std::to_string(n)), bytes).value();
    return of_objects(m, count);
}

figures asio_put(const std::string& url, const std::string& bytes, std::size_t count) {
    return on_asio({}, [&](auto& nc, figures& out) -> asio::awaitable<void> {
        co_await nc.connect(url);
        nats::aio::object_store store{nats::aio::jetstream(nc)};
        nats::aio::object_bucket bucket = co_await store.bind("write");
        const meter m;
        for (std::size_t n = 0; n < count; ++n) {
            nats::obj::object_meta meta(std::to_string(n));
            co_await bucket.put_bytes(std::move(meta), bytes);
        }
        out = of_objects(m, count);
        co_await nc.close();
    });
}

figures blocking_get(const std::string& url, std::size_t count) {
    nats::client nc = nats::client::connect(url).value();
    nats::object_store store{nats::jetstream(nc)};
    nats::object_bucket bucket = store.bind("read").value();
    std::size_t size = 0;
    const meter m;
    for (std::size_t n = 0; n < count; ++n) {
        auto reader = bucket.open_reader("object").value();
        while (std::optional<std::string_view> piece = reader.next().value()) size += piece->size();
    }
    figures out = of_objects(m, count);
    if (size != count * object_size) die("wrong bytes");
    return out;
}

figures asio_get(const std::string& url, std::size_t count) {
    return on_asio({}, [&](auto& nc, figures& out) -> asio::awaitable<void> {
        co_await nc.connect(url);
        nats::aio::object_store store{nats::aio::jetstream(nc)};
        nats::aio::object_bucket bucket = co_await store.bind("read");
        std::size_t size = 0;
        const meter m;
        for (std::size_t n = 0; n < count; ++n) {
            nats::aio::object_reader reader = co_await bucket.open_reader("object");
            while (std::optional<std::string_view> piece = co_await reader.next())
                size += piece->size();
        }
        out = of_objects(m, count);
        if (size != count * object_size) die("wrong bytes");
        co_await nc.close();
    });
}

void add_objects(suite& all, const shared_target& at) {
    const std::size_t n = all.scaled(8);
    const char* const raw_hashed = "raw, and SHA-256";
    for (const bool hashed : {false, true}) {
        all.add("object put, 16 MiB", hashed ? raw_hashed : "raw", [=] {
            at->make_stream();
            figures out = raw_object_put(at->port(), at->bytes(), n, hashed);
            at->check_chunks(n * chunks);
            return out;
        });
    }
    const auto put = [&](const char* who, auto run) {
        all.add("object put, 16 MiB", who, [=] {
            at->make_place();
            figures out = run(at->url(), at->bytes(), n);
            at->check_objects(n);
            return out;
        });
    };
    put("blocking", blocking_put);
    put("Asio", asio_put);
    const auto get = [&](const char* who, const std::function<figures()>& run) {
        all.add("object get, 16 MiB", who, [=] {
            at->make_object();
            return run();
        });
    };
    for (const bool hashed : {false, true}) {
        get(hashed ? raw_hashed : "raw", [=] {
            at->make_chunk_readers(n);
            return raw_object_get(at->port(), at->bytes(), n, hashed);
        });
    }
    get("blocking", [=] { return blocking_get(at->url(), n); });
    get("Asio", [=] { return asio_get(at->url(), n); });
}

} // namespace

int main(int argc, char** argv) {
    return run_suite(argc, argv, [](suite& all) {
        const shared_target server;
        add_keys(all, server);
        add_objects(all, server);
    });
}
