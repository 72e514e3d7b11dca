// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// OpenSSL calls these functions from C, so nothing may be thrown out of them: lack of memory
// becomes a flag, which the link looks at after each call. The end of the transport is no business
// of the BIO either. OpenSSL only ever learns that there is nothing to read now, and the link knows
// whether more can come.

#include "openssl/wire_bio.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace nats::openssl {

namespace {

wire_buffers& buffers_of(BIO* bio) noexcept {
    return *static_cast<wire_buffers*>(BIO_get_data(bio));
}

int read_wire(BIO* bio, char* out, std::size_t size, std::size_t* n) noexcept {
    wire::input_buffer& input = buffers_of(bio).input;
    BIO_clear_retry_flags(bio);
    *n = std::min(size, input.size());
    if (*n == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    std::memcpy(out, input.data().data(), *n);
    input.consume(*n);
    return 1;
}

int write_wire(BIO* bio, const char* in, std::size_t size, std::size_t* n) noexcept {
    wire_buffers& buffers = buffers_of(bio);
    BIO_clear_retry_flags(bio);
    *n = 0;
    try {
        buffers.output.append({in, size});
    } catch (const std::bad_alloc&) {
        buffers.out_of_memory = true;
        return 0;
    }
    buffers.written += size;
    *n = size;
    return 1;
}

long control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) noexcept {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

/// Made once for the process and never freed: OpenSSL may outlive our static objects.
const BIO_METHOD* wire_method() noexcept {
    static const BIO_METHOD* const method = []() noexcept -> const BIO_METHOD* {
        BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "natsproto wire");
        if (m == nullptr) return nullptr;
        BIO_meth_set_read_ex(m, read_wire);
        BIO_meth_set_write_ex(m, write_wire);
        BIO_meth_set_ctrl(m, control);
        return m;
    }();
    return method;
}

} // namespace

bio_ptr make_wire_bio(wire_buffers& buffers) {
    const BIO_METHOD* const method = wire_method();
    bio_ptr bio(method != nullptr ? BIO_new(method) : nullptr);
    if (bio == nullptr) return nullptr;
    BIO_set_data(bio.get(), &buffers);
    BIO_set_init(bio.get(), 1);
    return bio;
}

} // namespace nats::openssl
