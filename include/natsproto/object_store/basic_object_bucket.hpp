// SPDX-License-Identifier: Apache-2.0
//
// A bucket of objects (ADR-20) on any client: thin templates, a line for each call. It shares the
// connection of the client that it was made from, and may outlive that. Copyable. Threads: as the
// client.
//
// Errors of every call: what is wrong with its arguments, before anything is sent; `timeout`;
// `bucket_not_found`; what the server refuses, as `jetstream_error` with its number. A call
// that changes something leaves open whether it was done if its error is `timeout` or about the
// connection.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/jetstream/basic_watch.hpp>
#include <natsproto/object_store/basic_object_reader.hpp>
#include <natsproto/object_store/basic_object_writer.hpp>
#include <natsproto/object_store/bucket.hpp>
#include <natsproto/object_store/bucket_ops.hpp>
#include <natsproto/object_store/object_ops.hpp>
#include <natsproto/object_store/reader_state.hpp>
#include <natsproto/object_store/watch.hpp>
#include <natsproto/object_store/writer_state.hpp>
#include <natsproto/result.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace nats {

namespace obj {

struct info_options {
    bool show_deleted = false; ///< also what was deleted is found
};
struct list_options {
    bool show_deleted = false; ///< also what was deleted
};

} // namespace obj

template <class Handle>
class basic_object_bucket {
public:
    using reader_type = basic_object_reader<Handle>;
    using writer_type = basic_object_writer<Handle>;
    using watch_type = basic_watch<Handle, obj::watch_reader>;
    /// Gives bytes for an object: how many, of at most as many as there is room; 0 at the end. What
    /// it throws comes out of the waiting call; out of the context on the Asio client, and then the
    /// operation ends without its handler. The same of a sink.
    using source_type = obj::detail::any_source;
    /// Takes the bytes of an object.
    using sink_type = obj::detail::any_sink;

    basic_object_bucket() noexcept = default; ///< none: only to be assigned to
    basic_object_bucket(Handle client, obj::bucket b)
        : shared_(std::make_shared<shared>(std::move(client), std::move(b))) {}

    [[nodiscard]] const std::string& name() const noexcept { return where().name(); }
    [[nodiscard]] const obj::bucket& where() const noexcept { return shared_->where; }
    [[nodiscard]] Handle client() const { return shared_->client; }

    // --- writing

    /// Writes an object, from a function that is called on the client's thread or executor: an
    /// `object_info`. One of that name is replaced when all of the new one is there, and its chunks
    /// go. After an error, also of the source, and when it is cancelled, nothing is left behind;
    /// but for an error that leaves open whether the object is there, see `obj::finish`.
    template <class... Token>
    auto put(obj::object_meta m, source_type from, const obj::put_options& o = {},
             Token&&... token) {
        return client().run(
            [h = client(), b = where(), m = std::move(m), o,
             f = std::move(from)](runtime& rt) mutable {
                return obj::detail::put_all(rt, std::move(h), std::move(b), std::move(m), o,
                                            std::move(f));
            },
            std::forward<Token>(token)...);
    }
    /// The same from memory, or text, which must stay as it is until it is done.
    template <class... Token>
    auto put_bytes(obj::object_meta m, bytes data, const obj::put_options& o = {},
                   Token&&... token) {
        source_type from = [rest = data.text()](std::span<char> into) mutable {
            const std::size_t n = std::min(into.size(), rest.size());
            std::copy_n(rest.data(), n, into.data());
            rest.remove_prefix(n);
            return result<std::size_t>(n);
        };
        return put(std::move(m), std::move(from), o, std::forward<Token>(token)...);
    }
    /// Writes an object piece by piece: a `basic_object_writer`. Errors: `not_connected` before the
    /// first connection, and those of `obj::open_writer`.
    [[nodiscard]] result<writer_type> open_writer(obj::object_meta m,
                                                  const obj::put_options& o = {}) {
        Handle h = client();
        runtime* const rt = h.rt();
        if (rt == nullptr) return error{errc::not_connected};
        result<std::unique_ptr<obj::writer_state>> s =
            obj::open_writer(*rt, where(), std::move(m), o);
        if (!s) return s.error();
        return writer_type(std::move(h), std::move(*s));
    }

    // --- reading

    /// Reads an object into a function that is called on the client's thread or executor, behind
    /// all links: the `object_info`. Errors: `object_not_found`; `object_incomplete` and
    /// `object_digest_mismatch`, and then what the function got is not the object; those of the
    /// function.
    template <class... Token>
    auto get(std::string_view object, sink_type to, const obj::get_options& o = {},
             Token&&... token) {
        return client().run(
            [b = where(), n = std::string(object), how = obj::get_request(o),
             f = std::move(to)](runtime& rt) mutable {
                return obj::detail::get_all(rt, std::move(b), std::move(n), std::move(how),
                                            std::move(f));
            },
            std::forward<Token>(token)...);
    }
    /// The same into memory: a `std::string`. Errors: also `payload_too_large` for more than
    /// `get_options::max_size`.
    template <class... Token>
    auto get_bytes(std::string_view object, const obj::get_options& o = {}, Token&&... token) {
        return client().run(
            [b = where(), n = std::string(object), how = obj::get_request(o)](runtime& rt) mutable {
                return obj::get_object_bytes(rt, std::move(b), std::move(n), std::move(how));
            },
            std::forward<Token>(token)...);
    }
    /// Reads an object piece by piece: a `basic_object_reader`. Errors: those of
    /// `obj::open_reader`.
    template <class... Token>
    auto open_reader(std::string_view object, const obj::get_options& o = {}, Token&&... token) {
        return client().run(
            [h = client(), b = where(), n = std::string(object),
             how = obj::get_request(o)](runtime& rt) mutable {
                return obj::detail::opened<reader_type>(
                    rt, std::move(h),
                    obj::open_reader(rt, std::move(b), std::move(n), std::move(how)));
            },
            std::forward<Token>(token)...);
    }

    // --- what describes objects

    /// An `object_info`; of a link that itself. Errors: `object_not_found`.
    template <class... Token>
    auto info(std::string_view object, const obj::info_options& o = {}, Token&&... token) {
        return on_object(
            object,
            [deleted = o.show_deleted](runtime& rt, obj::bucket b, std::string n) {
                return obj::get_info(rt, std::move(b), std::move(n), deleted);
            },
            std::forward<Token>(token)...);
    }
    /// Changes name, description, headers and metadata to those of `m`; an empty name stays as it
    /// is: the `object_info`. Errors: `object_not_found`; `object_exists` for a new name that is
    /// taken.
    template <class... Token>
    auto update_meta(std::string_view object, obj::object_meta m, Token&&... token) {
        return on_object(
            object,
            [m = std::move(m)](runtime& rt, obj::bucket b, std::string n) mutable {
                return obj::update_meta(rt, std::move(b), std::move(n), std::move(m));
            },
            std::forward<Token>(token)...);
    }
    /// Deletes it: `void`. One that is deleted already is as good. Errors: `object_not_found`.
    template <class... Token>
    auto remove(std::string_view object, Token&&... token) {
        return on_object(
            object,
            [](runtime& rt, obj::bucket b, std::string n) {
                return obj::remove_object(rt, std::move(b), std::move(n));
            },
            std::forward<Token>(token)...);
    }
    /// Another name for an object of this bucket, or of the one that `target` says: the
    /// `object_info` of the link. Errors: see `obj::add_link`.
    template <class... Token>
    auto add_link(std::string_view link, obj::object_info target, Token&&... token) {
        return on_object(
            link,
            [t = std::move(target)](runtime& rt, obj::bucket b, std::string n) mutable {
                return obj::add_link(rt, std::move(b), std::move(n), std::move(t));
            },
            std::forward<Token>(token)...);
    }
    /// A name for a whole bucket. It can be looked at, and not be read.
    template <class... Token>
    auto add_bucket_link(std::string_view link, std::string_view target_bucket, Token&&... token) {
        return on_object(
            link,
            [t = std::string(target_bucket)](runtime& rt, obj::bucket b, std::string n) mutable {
                return obj::add_bucket_link(rt, std::move(b), std::move(n), std::move(t));
            },
            std::forward<Token>(token)...);
    }
    /// All objects: a `std::vector<object_info>`, in the order in which they were written; empty if
    /// there are none.
    template <class... Token>
    auto list(const obj::list_options& o = {}, Token&&... token) {
        return client().run(
            [b = where(), deleted = o.show_deleted](runtime& rt) mutable {
                return obj::list_objects(rt, std::move(b), deleted);
            },
            std::forward<Token>(token)...);
    }
    /// What is there, its end, and then each change: a `basic_watch`. Errors:
    /// `invalid_argument`; `not_connected` before the first connection.
    [[nodiscard]] result<watch_type> watch(const obj::watch_options& o = {}) {
        return watch_type::begin(client(), obj::encode_watch(where(), o), {});
    }
    /// The same with a handler, called as that of a subscription. It may destroy the watch.
    [[nodiscard]] result<watch_type> watch(typename watch_type::handler_type handler,
                                           const obj::watch_options& o = {}) {
        if (!handler) return error{errc::invalid_argument, "no handler"};
        return watch_type::begin(client(), obj::encode_watch(where(), o), std::move(handler));
    }

    // --- the bucket

    /// A `bucket_status`.
    template <class... Token>
    auto status(Token&&... token) {
        return client().run(
            [b = where()](runtime& rt) { return obj::get_status(rt, b.settings(), b.name()); },
            std::forward<Token>(token)...);
    }
    /// Nothing can be changed any more, for good: a `bucket_status`.
    template <class... Token>
    auto seal(Token&&... token) {
        return client().run(
            [b = where()](runtime& rt) { return obj::seal_bucket(rt, b.settings(), b.name()); },
            std::forward<Token>(token)...);
    }

private:
    struct shared {
        shared(Handle c, obj::bucket b) : client(std::move(c)), where(std::move(b)) {}
        Handle client;
        obj::bucket where;
    };
    template <class Make, class... Token>
    auto on_object(std::string_view object, Make make, Token&&... token) {
        return client().run(
            [b = where(), n = std::string(object), make = std::move(make)](runtime& rt) mutable {
                return make(rt, std::move(b), std::move(n));
            },
            std::forward<Token>(token)...);
    }

    std::shared_ptr<const shared> shared_;
};

} // namespace nats
