// SPDX-License-Identifier: Apache-2.0
//
// Files of the operating system as objects, for both clients. Reading and writing them blocks the
// thread that the client runs on, for a chunk at a time.

#pragma once

#include <natsproto/object_store/basic_object_bucket.hpp>
#include <natsproto/object_store/object_info.hpp>
#include <natsproto/object_store/transfer_options.hpp>
#include <natsproto/op.hpp>
#include <natsproto/result.hpp>
#include <natsproto/runtime.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace nats {

namespace blocking {

/// Gives what is in a file, which is opened when the first byte is wanted. Errors:
/// `file_unreadable`.
[[nodiscard]] obj::detail::any_source file_source(std::string path);
/// The last part of a path.
[[nodiscard]] std::string file_name(const std::string& path);
/// Reads an object into a file, which appears when all of it is right, and replaces one of that
/// name. Errors: also `io_error` with what cannot be written, and why.
[[nodiscard]] op<result<obj::object_info>> get_object_file(runtime& rt, obj::bucket b,
                                                           std::string name, obj::get_request how,
                                                           std::string path);

} // namespace blocking

/// Writes a file as an object, as `basic_object_bucket::put`: an `object_info`. Without a name it
/// gets that of the file. Errors: also `file_unreadable`.
template <class Handle, class... Token>
auto put_file(basic_object_bucket<Handle>& bucket, const std::string& path, obj::object_meta m = {},
              const obj::put_options& o = {}, Token&&... token) {
    if (m.name.empty()) m.name = blocking::file_name(path);
    return bucket.put(std::move(m), blocking::file_source(path), o, std::forward<Token>(token)...);
}

/// Reads an object into a file, as `basic_object_bucket::get`: an `object_info`. The file appears
/// when all of the object is right; one of that name is replaced then, and until then the bytes are
/// in one beside it. Errors: also `io_error`.
template <class Handle, class... Token>
auto get_file(basic_object_bucket<Handle>& bucket, std::string_view object, std::string path,
              const obj::get_options& o = {}, Token&&... token) {
    return bucket.client().run(
        [b = bucket.where(), n = std::string(object), how = obj::get_request(o),
         p = std::move(path)](runtime& rt) mutable {
            return blocking::get_object_file(rt, std::move(b), std::move(n), std::move(how),
                                             std::move(p));
        },
        std::forward<Token>(token)...);
}

} // namespace nats
