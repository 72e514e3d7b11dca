// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// commit() puts wire bytes into the input buffer. While handshaking it also lets OpenSSL go on;
// later it is read() that takes records out, so that what is not read yet stays as it came.
// OpenSSL reads no further than the record that it needs, and copies each one once. When it has
// taken all there is, it is not asked again before more comes (`dry_`).
//
// write() gives OpenSSL records that are full, or at least half full, straight from a large piece;
// small pieces come together in `staging_` first. Between the records of one call OpenSSL keeps its
// buffer, and gives it back after the last. Each record that went out is remembered with the number
// of the wire byte after its last one; when the transport has sent that many, its NATS bytes are
// sent. What OpenSSL writes on its own (handshake, alerts, KeyUpdate) lies between the records and
// counts for nothing.
//
// A failure in OpenSSL leaves an alert for the peer in the output. It remains there to be sent,
// behind what was written before.

#include <natsproto/openssl/provider.hpp>

#include "openssl/tls_context.hpp"
#include "openssl/tls_errors.hpp"
#include "openssl/tls_link.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <new>
#include <utility>

namespace nats::openssl {

namespace {

/// Walks over pieces, record by record.
class piece_reader {
public:
    explicit piece_reader(std::span<const const_buffer> pieces) noexcept : pieces_(pieces) {
        skip_empty();
    }

    [[nodiscard]] bool empty() const noexcept { return pieces_.empty(); }

    /// The next `limit` bytes, or what is left of them. A view of the piece if it has half of them
    /// (a copy would cost more than the record that it saves), otherwise copied together into
    /// `staging`, which is made when it is needed.
    const_buffer next(std::size_t limit, std::unique_ptr<char[]>& staging) {
        if (pieces_.empty()) return {};
        const bool last = pieces_.size() == 1;
        if (const std::size_t here = pieces_.front().size - at_; here >= limit / 2 || last)
            return take(std::min(here, limit));
        if (staging == nullptr) staging = std::make_unique_for_overwrite<char[]>(limit);
        std::size_t n = 0;
        while (n != limit && !pieces_.empty()) {
            const const_buffer part = take(std::min(limit - n, pieces_.front().size - at_));
            std::memcpy(staging.get() + n, part.data, part.size);
            n += part.size;
        }
        return {staging.get(), n};
    }

private:
    const_buffer take(std::size_t n) noexcept {
        const const_buffer part{pieces_.front().data + at_, n};
        at_ += n;
        skip_empty();
        return part;
    }
    void skip_empty() noexcept {
        while (!pieces_.empty() && at_ == pieces_.front().size) {
            pieces_ = pieces_.subspan(1);
            at_ = 0;
        }
    }

    std::span<const const_buffer> pieces_;
    std::size_t at_ = 0; ///< in the first piece
};

} // namespace

result<std::unique_ptr<link>> tls_link::make(const tls_parameters& p) {
    auto made = std::make_unique<tls_link>(p);
    if (const result<void> started = made->start(p); !started) return started.error();
    return std::unique_ptr<link>(std::move(made));
}

result<void> tls_link::start(const tls_parameters& p) {
    const result<ssl_ctx_ptr> context = make_client_context(p);
    if (!context) return context.error();
    const clean_error_queue clean;
    make_ssl(context->get());
    if (const result<void> named = set_server_name(ssl_.get(), p); !named) return named.error();
    certificate_given_ = !p.certificate.empty();
    SSL_set_cert_cb(ssl_.get(), on_certificate_wanted, this);
    SSL_set_connect_state(ssl_.get());
    shake_hands();
    if (state_ == link_state::failed) return error{errc::tls_configuration, failure_.detail()};
    return {};
}

std::unique_ptr<link> tls_link::accept(SSL_CTX* context) {
    auto made = std::make_unique<tls_link>();
    const clean_error_queue clean;
    made->make_ssl(context);
    SSL_set_accept_state(made->ssl_.get());
    return made;
}

void tls_link::make_ssl(SSL_CTX* context) {
    ssl_.reset(SSL_new(context));
    bio_ptr bio = make_wire_bio(wire_);
    if (ssl_ == nullptr || bio == nullptr) throw std::bad_alloc();
    check_.attach(ssl_.get());
    SSL_set0_rbio(ssl_.get(), bio.get());
    BIO_up_ref(bio.get());
    SSL_set0_wbio(ssl_.get(), bio.release());
}

tls_link::~tls_link() {
    // Passwords have passed through it.
    if (staging_ != nullptr) OPENSSL_cleanse(staging_.get(), record_size);
}

int tls_link::on_certificate_wanted(SSL* /*ssl*/, void* self) noexcept {
    static_cast<tls_link*>(self)->certificate_wanted_ = true;
    return 1;
}

// --- from the wire

std::span<char> tls_link::prepare(std::size_t at_least) {
    return wire_.input.prepare(at_least);
}

void tls_link::commit(std::size_t n) {
    wire_.input.commit(n);
    dry_ = false;
    if (state_ == link_state::handshaking) shake_hands();
    if (state_ == link_state::ended || state_ == link_state::failed) wire_.input.clear();
}

void tls_link::handle_eof() {
    eof_ = true;
    dry_ = false;
    if (state_ == link_state::handshaking) shake_hands();
    if (state_ != link_state::open) return;
    // Is there anything left to be read? If not, this is the end now.
    const clean_error_queue clean;
    char first = 0;
    if (const int outcome = SSL_peek(ssl_.get(), &first, 1); outcome <= 0) settle(outcome);
    require_memory();
}

void tls_link::shake_hands() {
    const clean_error_queue clean;
    const int outcome = SSL_do_handshake(ssl_.get());
    if (outcome == 1)
        state_ = link_state::open;
    else
        settle(outcome);
    require_memory();
}

std::size_t tls_link::read(std::span<char> into) {
    if (state_ != link_state::open || dry_) return 0;
    const clean_error_queue clean;
    std::size_t total = 0;
    while (total != into.size() && state_ == link_state::open && !dry_) {
        std::size_t n = 0;
        const int outcome = SSL_read_ex(ssl_.get(), into.data() + total, into.size() - total, &n);
        total += n;
        if (outcome != 1) settle(outcome);
        // OpenSSL would allocate a buffer only to find out that there is nothing.
        dry_ = !eof_ && (outcome != 1 || (wire_.input.size() == 0 && SSL_pending(ssl_.get()) == 0));
    }
    require_memory();
    if (state_ == link_state::open && wire_.output.size() > answer_limit)
        fail({errc::tls_failed, "the peer demands answers and does not read them"});
    return total;
}

/// What an unsuccessful call of OpenSSL means.
void tls_link::settle(int outcome) {
    switch (SSL_get_error(ssl_.get(), outcome)) {
    case SSL_ERROR_WANT_READ:
        if (eof_)
            fail({errc::tls_truncated, state_ == link_state::handshaking
                                           ? "the transport ended in the TLS handshake"
                                           : "the transport ended before TLS did"});
        return;
    case SSL_ERROR_ZERO_RETURN:
        if (state_ == link_state::handshaking) {
            fail({errc::tls_failed, "the peer ended TLS in the handshake"});
            return;
        }
        state_ = link_state::ended;
        wire_.input.clear();
        return;
    default: fail(why_it_failed());
    }
}

error tls_link::why_it_failed() const {
    if (check_.refusal() && state_ == link_state::handshaking) {
        if (!server_) return *check_.refusal();
        return {errc::tls_certificate_refused, check_.refusal()->detail()};
    }
    const OSSL_HANDSHAKE_STATE last = SSL_get_state(ssl_.get());
    const failure_context at{
        .server = server_,
        .open = state_ == link_state::open,
        .answered =
            last != TLS_ST_BEFORE && last != TLS_ST_CW_CLNT_HELLO && last != TLS_ST_SR_CLNT_HELLO,
        .certificate_wanted = certificate_wanted_,
        .certificate_given = certificate_given_,
    };
    return tls_failure(ERR_peek_last_error(), at);
}

void tls_link::fail(error why) {
    failure_ = std::move(why);
    state_ = link_state::failed;
    wire_.input.clear();
}

void tls_link::require_memory() const {
    if (wire_.out_of_memory) throw std::bad_alloc();
}

// --- to the wire

std::size_t tls_link::write(std::span<const const_buffer> pieces) {
    if (state_ != link_state::open || finished_) return 0;
    const clean_error_queue clean;
    piece_reader reader(pieces);
    std::size_t taken = 0;
    while (!reader.empty() && wire_.output.size() < write_limit) {
        const const_buffer next = reader.next(record_size, staging_);
        const bool last = reader.empty() || wire_.output.size() + next.size >= write_limit;
        keep_buffer(!last);
        if (!write_record(next.data, next.size)) break;
        taken += next.size;
    }
    keep_buffer(false);
    return taken;
}

/// Whether OpenSSL keeps the buffer of a record for the next one.
void tls_link::keep_buffer(bool yes) noexcept {
    if (yes == buffer_kept_) return;
    buffer_kept_ = yes;
    if (yes)
        SSL_clear_mode(ssl_.get(), SSL_MODE_RELEASE_BUFFERS);
    else
        SSL_set_mode(ssl_.get(), SSL_MODE_RELEASE_BUFFERS);
}

bool tls_link::write_record(const char* data, std::size_t size) {
    std::size_t written = 0;
    const int outcome = SSL_write_ex(ssl_.get(), data, size, &written);
    require_memory();
    if (outcome != 1) {
        // Nothing is written before the rest of a message of the peer has come (KeyUpdate).
        settle(outcome);
        return false;
    }
    assert(written == size);
    records_.push_back({wire_.written, size});
    return true;
}

void tls_link::end() {
    if (finished_) return;
    finished_ = true;
    if (state_ != link_state::open && state_ != link_state::ended) return;
    const clean_error_queue clean;
    SSL_shutdown(ssl_.get());
    require_memory();
}

std::size_t tls_link::poll_transmit(std::span<const_buffer> out) const noexcept {
    return wire_.output.gather(out);
}

std::size_t tls_link::transmitted(std::size_t n) {
    wire_.output.transmitted(n);
    sent_ += n;
    std::size_t complete = 0;
    while (!records_.empty() && records_.front().wire_end <= sent_)
        complete += records_.pop_front().size;
    return complete;
}

std::size_t tls_link::untransmitted() const noexcept {
    return wire_.output.size();
}

result<std::unique_ptr<link>> provider::tls_client(const tls_parameters& p) const {
    return tls_link::make(p);
}

} // namespace nats::openssl
