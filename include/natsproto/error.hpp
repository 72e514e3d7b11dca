// SPDX-License-Identifier: Apache-2.0
//
// Errors are data: what went wrong is a code, never something to be read out of a text.
//
// `errc` names every outcome that a call or a connection of this library can have. `error` adds
// what a person needs to act on it: the name of the subject, server or option in `detail()`, and
// for replies that carry a status (503, 404,
// ...) that number. No secret (password, token, seed) is ever part of an error.

#pragma once

#include <boost/assert/source_location.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace nats {

/// Every way in which an operation of this library can end other than well.
enum class errc : std::uint16_t {
    // The caller's mistake: reported by the call itself, and nothing has changed.
    invalid_argument = 1, ///< an option or argument is outside its documented range
    invalid_url, ///< a server URL cannot be understood; `detail()` names it without its password
    invalid_subject, ///< empty, an empty token, white space, a control character, or a misplaced
                     ///< wildcard
    invalid_queue_group,    ///< empty, white space or a control character
    invalid_inbox_prefix,   ///< empty, a wildcard, a trailing dot, or otherwise not a subject
    invalid_header,         ///< a header name or value that ADR-4 does not allow
    payload_too_large,      ///< headers and payload exceed the server's max_payload
    control_line_too_long,  ///< the command's arguments exceed `limits::max_control_line`
    headers_not_supported,  ///< the server said `headers:false`
    no_echo_not_supported,  ///< the server's protocol version is 0
    no_reply,               ///< respond() to a message that has no reply subject
    invalid_subscription,   ///< the subscription was removed, or never existed
    not_connected,          ///< the call needs a connection, and there is none now
    already_connected,      ///< the call is only allowed once, before connecting
    too_many_subscriptions, ///< `limits::max_subscriptions` is reached
    too_many_requests,      ///< `limits::max_requests` requests are waiting
    output_full,            ///< `limits::max_output_bytes` wait for the peer to read them
    in_use,                 ///< another operation is already waiting on this object
    draining,               ///< the connection is being drained: nothing new can begin
    reconnect_buffer_full,  ///< not connected, and what may be kept until then is full, or nothing
    invalid_nkey,           ///< a text that is no NKEY, or one of the wrong kind
    invalid_credentials,    ///< a text that does not hold a JWT and a seed as a .creds file does
    tls_configuration,      ///< certificates, keys or ciphers that cannot be used
    tls_unavailable,        ///< TLS is wanted, and there is no crypto provider that can do it
    crypto_unavailable,     ///< a signature is wanted, and there is no crypto provider
    file_unreadable,        ///< a file that an option names cannot be read
    invalid_name,           ///< a stream's or consumer's name: empty, white space, or `. * > / \\`
    not_jetstream,          ///< an acknowledgement of a message that no consumer delivered
    already_acknowledged,   ///< the message was acknowledged before, and that was final

    // The peer broke the protocol: the connection fails and stays failed.
    protocol_error = 100,   ///< bytes that are not the NATS protocol
    unknown_operation,      ///< a control line that starts with no known operation
    unexpected_operation,   ///< a known operation at a time when it is not allowed (such as MSG
                            ///< before INFO)
    line_too_long,          ///< a control line longer than `limits::max_line`
    info_too_large,         ///< INFO longer than `limits::max_info`
    bad_info,               ///< the first INFO is not the JSON that it should be
    message_too_large,      ///< an announced size over `limits::max_message`
    header_block_too_large, ///< an announced header size over `limits::max_header_block`
    bad_number,             ///< a size or sid that is not a plain decimal number, or overflows
    bad_arguments,          ///< too few or too many arguments on a control line
    missing_crlf,           ///< a payload that does not end in CR LF

    // The server refused something by `-ERR`; the text of the server is `detail()`.
    authorization_violation = 200,
    authentication_timeout,
    authentication_expired, ///< of the user or of the account
    authentication_revoked,
    permissions_violation,
    max_connections_exceeded,
    max_subscriptions_exceeded,
    server_max_payload,      ///< "Maximum Payload Violation"
    server_max_control_line, ///< "maximum control line exceeded"
    server_protocol_error,   ///< "Unknown Protocol Operation", "invalid client protocol", ...
    server_invalid_subject,
    stale_connection, ///< said by the server, or found by our own unanswered PINGs
    connection_throttled,
    tls_required, ///< the server demands TLS and this connection cannot do it
    server_error, ///< any other `-ERR`

    // Outcomes.
    timeout = 300,
    no_responders,        ///< nobody is subscribed to the request's subject (status 503)
    interrupted,          ///< `interrupt()` was called
    slow_consumer,        ///< messages were dropped since the last call; the next call goes on
    max_messages_reached, ///< the subscription delivered all that `unsubscribe(max)` asked for
    connection_closed,    ///< closed by the user, or for good
    no_servers,           ///< every server of the list was tried
    drained,              ///< the subscription was drained: all that it got was delivered
    drain_timeout,        ///< the drain was not done in time; the connection is closed
    reconnect_forced,     ///< `force_reconnect` ended the connection
    lame_duck,            ///< the server is about to go, and the connection has moved away from it
    unknown_server,       ///< a callback chose a server that is not in the pool
    publish_dropped,      ///< a kept publish that the new server would not take was dropped
    credentials_exposed,  ///< a file with secrets can be read by others

    // Transport.
    eof = 400,      ///< the peer closed the connection
    io_error,       ///< the socket reported an error; `detail()` says which
    resolve_failed, ///< a host name has no address; `detail()` names it
    connect_failed, ///< no TCP connection could be made; `detail()` names the endpoint
    write_stalled,  ///< the peer has read nothing for `options::write_timeout`

    // TLS.
    tls_failed = 500,         ///< the handshake failed, for another reason than those below
    tls_certificate_expired,  ///< the server's certificate, or not valid yet
    tls_wrong_name,           ///< the server's certificate is not for the name that was wanted
    tls_unknown_authority,    ///< the server's certificate is from nobody that is trusted
    tls_certificate_required, ///< the server demands a certificate of the client
    tls_certificate_refused,  ///< the server does not accept the client's certificate
    tls_protocol,             ///< no TLS version or cipher in common, or not TLS at all
    tls_closed,               ///< the server closed right after the handshake
    tls_truncated,            ///< the transport ended without the end of TLS, or a broken record
    tls_not_offered,          ///< TLS is wanted and the server has none
    tls_plaintext,            ///< plain bytes followed INFO where TLS has to begin: an injection
    tls_rejected_by_verifier, ///< `tls_options::verify` said no

    // Logging in, on our side.
    nkeys_not_supported = 600, ///< the server sent no nonce to sign
    signing_failed,            ///< the user's signer, or the key, failed
    crypto_failed,             ///< the cryptographic library reported an error

    // JetStream.
    jetstream_error = 700, ///< the server refused it: `api_code()` and `detail()` say why
    jetstream_not_enabled, ///< by the server, or for the account
    no_stream_response,    ///< no stream listens to the subject that was published to
    invalid_response,      ///< an answer that is not the JSON, or lacks the headers, that it should
    filters_not_taken,     ///< an old server has left out what the configuration asked for
    message_not_found,     ///< no such message in the stream (404)
    consumer_deleted,      ///< or gone: it delivers nothing any more
    consumer_is_push,      ///< a pull from a consumer that pushes
    pull_refused,          ///< the server ended a pull: `status()` and `detail()` say why
    no_heartbeat,          ///< neither messages nor heartbeats have come from the consumer
    consumption_stopped,   ///< `stop` or `drain` was called, or enough messages have come
    acks_overdue,          ///< too many publishes wait for their acknowledgement
    publish_unconfirmed,   ///< the connection was lost before the acknowledgement came
    batch_failed,          ///< a batch of publishes was not stored
    ingest_incomplete,     ///< fast ingest has ended before all of it was stored

    // Key-value.
    invalid_key = 800, ///< a key or filter of keys: empty tokens, or what may not stand in a key
    key_not_found,     ///< there is no such key, or no such revision of it
    key_exists,        ///< a key that was to be created has a value
    wrong_revision,    ///< the key has another revision than was expected
    bucket_exists,     ///< with another configuration than was asked for
    bucket_not_found,  ///< there is no such bucket
    not_a_bucket,      ///< a stream with the name of a bucket that cannot be one
    ttl_not_supported, ///< by the server or the bucket, of a single key

    // Object store; its buckets have the errors of the others.
    object_not_found = 830, ///< no such object, or a deleted one
    object_exists,          ///< a name that is taken by another object
    object_is_link,         ///< a link where an object has to be
    object_link_loop,       ///< links that lead to each other, or too far
    object_incomplete,      ///< chunks are missing, or there are too many
    object_digest_mismatch, ///< the bytes are not those that were written
    object_replaced,        ///< a read cannot go on: it is another object now
    object_changing,        ///< others change the object all the time

    // Services.
    service_error = 860,  ///< a service's answer is an error: `status()` and `detail()` say which
    service_stopped,      ///< the service has stopped, or is about to
    invalid_service_name, ///< a service's or endpoint's name: not letters, digits, `-` and `_`
};

/// The category of `errc`, named "nats".
[[nodiscard]] const std::error_category& error_category() noexcept;
[[nodiscard]] std::error_code make_error_code(errc) noexcept;

/// A short English sentence for a code, without a full stop. Never empty.
[[nodiscard]] std::string_view describe(errc) noexcept;

/// A code and what a person needs to act on it. Cheap to move; comparing with an `errc` compares
/// the code.
class error {
public:
    error() = default;
    error(errc code) noexcept : code_(code) {}
    error(errc code, std::string detail) noexcept : code_(code), detail_(std::move(detail)) {}
    error(errc code, std::uint16_t status, std::string detail, std::uint16_t api_code = 0) noexcept
        : code_(code), status_(status), api_code_(api_code), detail_(std::move(detail)) {}

    [[nodiscard]] errc code() const noexcept { return code_; }
    /// The status of the reply that caused this (503, 404, ...), or 0.
    [[nodiscard]] std::uint16_t status() const noexcept { return status_; }
    /// For `errc::jetstream_error` and its relatives the server's own number for what went wrong
    /// (js/api_code.hpp names those worth a name); else 0.
    [[nodiscard]] std::uint16_t api_code() const noexcept { return api_code_; }
    /// What the error is about: a subject, an endpoint, the server's text. May be empty.
    [[nodiscard]] const std::string& detail() const noexcept { return detail_; }
    /// One line for people. Control characters of `detail()` are escaped, so it is safe to print
    /// and to log.
    [[nodiscard]] std::string message() const;

    friend bool operator==(const error& e, errc c) noexcept { return e.code_ == c; }
    friend bool operator==(const error& a, const error& b) noexcept {
        return a.code_ == b.code_ && a.status_ == b.status_ && a.api_code_ == b.api_code_ &&
               a.detail_ == b.detail_;
    }

private:
    errc code_ = errc::invalid_argument;
    std::uint16_t status_ = 0;
    std::uint16_t api_code_ = 0;
    std::string detail_;
};

/// The most precise code of an error: JetStream's own number where there is one, else `code()`.
[[nodiscard]] std::error_code code_of(const error& e) noexcept;

/// What `result<T>::value()` throws when there is an error. Nothing else in this library throws,
/// but for lack of memory.
class exception : public std::runtime_error {
public:
    explicit exception(error e);
    [[nodiscard]] const error& why() const noexcept { return error_; }

private:
    error error_;
};

/// Found by `boost::system::result` through argument-dependent look-up.
[[noreturn]] void throw_exception_from_error(const error& e, const boost::source_location& where);

/// `text` with control characters, quotes left alone, as \xNN: safe for a terminal or a log file.
[[nodiscard]] std::string printable(std::string_view text);

} // namespace nats

template <>
struct std::is_error_code_enum<nats::errc> : std::true_type {};
