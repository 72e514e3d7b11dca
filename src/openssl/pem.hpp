// SPDX-License-Identifier: Apache-2.0
//
// Certificates and keys out of PEM text.

#pragma once

#include <natsproto/result.hpp>

#include "openssl/handles.hpp"

#include <string_view>
#include <vector>

namespace nats::openssl {

/// All certificates of a text, at least one. `option` names the text in errors, which are
/// `tls_configuration`.
[[nodiscard]] result<std::vector<x509_ptr>> certificates_of(std::string_view pem,
                                                            std::string_view option);

/// The private key of a text. Nobody is ever asked for its password. Errors: `tls_configuration`.
[[nodiscard]] result<key_ptr> private_key_of(std::string_view pem, std::string_view password);

} // namespace nats::openssl
