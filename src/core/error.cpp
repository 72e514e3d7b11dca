// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: one table of sentences, used by the category, by error::message() and by the
// documentation.

#include <natsproto/error.hpp>

#include <utility>

namespace nats {

std::string_view describe(errc code) noexcept {
    switch (code) {
    case errc::invalid_argument: return "invalid argument";
    case errc::invalid_url: return "invalid server URL";
    case errc::invalid_subject: return "invalid subject";
    case errc::invalid_queue_group: return "invalid queue group";
    case errc::invalid_inbox_prefix: return "invalid inbox prefix";
    case errc::invalid_header: return "invalid header";
    case errc::payload_too_large: return "payload larger than the server accepts";
    case errc::control_line_too_long:
        return "subject, reply or queue group too long for one command";
    case errc::headers_not_supported: return "the server does not support headers";
    case errc::no_echo_not_supported: return "the server does not support no-echo";
    case errc::no_reply: return "the message has no reply subject";
    case errc::invalid_subscription: return "the subscription is not valid any more";
    case errc::not_connected: return "not connected";
    case errc::already_connected: return "already connected or connecting";
    case errc::too_many_subscriptions: return "too many subscriptions";
    case errc::too_many_requests: return "too many requests are waiting";
    case errc::output_full: return "too much output waits to be sent";
    case errc::in_use: return "another operation is waiting on this object";
    case errc::draining: return "the connection is being drained";
    case errc::reconnect_buffer_full: return "not connected, and no more can be kept until then";
    case errc::invalid_nkey: return "invalid NKEY";
    case errc::invalid_credentials: return "invalid credentials";
    case errc::tls_configuration: return "unusable TLS settings";
    case errc::tls_unavailable: return "TLS is not available in this build";
    case errc::crypto_unavailable: return "signatures are not available in this build";
    case errc::file_unreadable: return "a file cannot be read";
    case errc::invalid_name: return "invalid name of a stream or consumer";
    case errc::not_jetstream: return "the message is not from a consumer";
    case errc::already_acknowledged: return "the message was acknowledged before";
    case errc::protocol_error: return "the peer broke the protocol";
    case errc::unknown_operation:
        return "the peer does not speak the NATS protocol: unknown operation";
    case errc::unexpected_operation: return "the peer sent an operation that is not allowed now";
    case errc::line_too_long: return "the peer sent a control line that is too long";
    case errc::info_too_large: return "the server sent an INFO that is too large";
    case errc::bad_info: return "the server sent an INFO that cannot be read";
    case errc::message_too_large: return "the peer announced a message that is too large";
    case errc::header_block_too_large: return "the peer announced headers that are too large";
    case errc::bad_number: return "the peer sent a number that cannot be read";
    case errc::bad_arguments: return "the peer sent a command with wrong arguments";
    case errc::missing_crlf: return "the peer sent a payload that does not end as announced";
    case errc::authorization_violation: return "the server refused the login";
    case errc::authentication_timeout: return "the login took too long for the server";
    case errc::authentication_expired: return "the credentials have expired";
    case errc::authentication_revoked: return "the credentials were revoked";
    case errc::permissions_violation: return "no permission";
    case errc::max_connections_exceeded: return "the server has too many connections";
    case errc::max_subscriptions_exceeded: return "the server allows no more subscriptions";
    case errc::server_max_payload: return "the server refused a payload as too large";
    case errc::server_max_control_line: return "the server refused a command as too long";
    case errc::server_protocol_error: return "the server does not accept our protocol";
    case errc::server_invalid_subject: return "the server refused a subject";
    case errc::stale_connection: return "the connection went stale";
    case errc::connection_throttled: return "the server throttles connections";
    case errc::tls_required: return "TLS is required";
    case errc::server_error: return "the server reported an error";
    case errc::timeout: return "timeout";
    case errc::no_responders: return "no responders";
    case errc::interrupted: return "interrupted";
    case errc::slow_consumer: return "slow consumer: messages were dropped";
    case errc::max_messages_reached: return "the subscription has delivered all its messages";
    case errc::connection_closed: return "connection closed";
    case errc::no_servers: return "no server could be reached";
    case errc::drained: return "the subscription was drained";
    case errc::drain_timeout: return "the drain took too long";
    case errc::reconnect_forced: return "a reconnect was asked for";
    case errc::lame_duck: return "the server is about to shut down";
    case errc::unknown_server: return "the chosen server is not in the pool";
    case errc::publish_dropped: return "a kept publish had to be dropped";
    case errc::credentials_exposed: return "a file with secrets can be read by others";
    case errc::eof: return "the peer closed the connection";
    case errc::io_error: return "I/O error";
    case errc::resolve_failed: return "unknown host";
    case errc::connect_failed: return "cannot connect";
    case errc::write_stalled: return "the peer reads nothing";
    case errc::tls_failed: return "the TLS handshake failed";
    case errc::tls_certificate_expired:
        return "the server's certificate has expired or is not valid yet";
    case errc::tls_wrong_name: return "the server's certificate is for another name";
    case errc::tls_unknown_authority:
        return "the server's certificate is from an unknown authority";
    case errc::tls_certificate_required: return "the server demands a client certificate";
    case errc::tls_certificate_refused: return "the server does not accept the client certificate";
    case errc::tls_protocol: return "no TLS version or cipher in common";
    case errc::tls_closed: return "the server closed right after the TLS handshake";
    case errc::tls_truncated: return "the TLS stream was cut off";
    case errc::tls_not_offered: return "the server offers no TLS";
    case errc::tls_plaintext: return "plain bytes where TLS has to begin";
    case errc::tls_rejected_by_verifier: return "the certificate was rejected by the verifier";
    case errc::nkeys_not_supported: return "the server asks for no signature";
    case errc::signing_failed: return "signing failed";
    case errc::crypto_failed: return "the cryptographic library failed";
    case errc::jetstream_error: return "JetStream refused it";
    case errc::jetstream_not_enabled: return "JetStream is not enabled";
    case errc::no_stream_response: return "no stream listens to the subject";
    case errc::invalid_response: return "the answer cannot be understood";
    case errc::filters_not_taken: return "the server has not taken the whole configuration";
    case errc::message_not_found: return "no such message";
    case errc::consumer_deleted: return "the consumer is gone";
    case errc::consumer_is_push: return "the consumer pushes";
    case errc::pull_refused: return "the server ended the pull";
    case errc::no_heartbeat: return "no heartbeat from the consumer";
    case errc::consumption_stopped: return "the consumption has ended";
    case errc::acks_overdue: return "too many publishes wait for their acknowledgement";
    case errc::publish_unconfirmed: return "the connection was lost before the acknowledgement";
    case errc::batch_failed: return "the batch was not stored";
    case errc::ingest_incomplete: return "not all messages were stored";
    case errc::invalid_key: return "invalid key";
    case errc::key_not_found: return "no such key";
    case errc::key_exists: return "the key exists";
    case errc::wrong_revision: return "the key has another revision";
    case errc::bucket_exists: return "the bucket exists";
    case errc::bucket_not_found: return "no such bucket";
    case errc::not_a_bucket: return "the stream is no bucket";
    case errc::ttl_not_supported: return "single keys cannot expire there";
    case errc::object_not_found: return "no such object";
    case errc::object_exists: return "there is an object of that name";
    case errc::object_is_link: return "a link where an object has to be";
    case errc::object_link_loop: return "links that lead nowhere";
    case errc::object_incomplete: return "the object is not complete";
    case errc::object_digest_mismatch:
        return "the bytes of the object are not those that were written";
    case errc::object_replaced: return "it is another object now";
    case errc::object_changing: return "others change the object all the time";
    case errc::service_error: return "the service reported an error";
    case errc::service_stopped: return "the service has stopped";
    case errc::invalid_service_name: return "invalid name of a service or endpoint";
    }
    return "unknown error";
}

namespace {

class category final : public std::error_category {
public:
    [[nodiscard]] const char* name() const noexcept override { return "nats"; }
    [[nodiscard]] std::string message(int code) const override {
        return std::string(describe(static_cast<errc>(code)));
    }
};

} // namespace

const std::error_category& error_category() noexcept {
    static const category instance;
    return instance;
}

std::error_code make_error_code(errc code) noexcept {
    return {static_cast<int>(code), error_category()};
}

std::string printable(std::string_view text) {
    constexpr std::string_view hex = "0123456789abcdef";
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : '\0');
        // U+0080 to U+009F in UTF-8: terminals obey these too.
        const bool c1 = byte == 0xc2 && next >= 0x80 && next <= 0x9f;
        const bool c1_end = i != 0 && text[i - 1] == '\xc2' && byte >= 0x80 && byte <= 0x9f;
        if (byte >= 0x20 && byte != 0x7f && !c1 && !c1_end) {
            out += text[i];
            continue;
        }
        out += "\\x";
        out += hex[byte >> 4U];
        out += hex[byte & 15U];
    }
    return out;
}

std::string error::message() const {
    std::string out(describe(code_));
    if (status_ != 0) out += " (status " + std::to_string(status_) + ')';
    if (api_code_ != 0) out += " (" + std::to_string(api_code_) + ')';
    if (!detail_.empty()) out += ": " + printable(detail_);
    return out;
}

exception::exception(error e) : std::runtime_error(e.message()), error_(std::move(e)) {}

void throw_exception_from_error(const error& e, const boost::source_location& /*where*/) {
    throw exception(e);
}

} // namespace nats
