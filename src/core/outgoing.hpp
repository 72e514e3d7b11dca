// SPDX-License-Identifier: Apache-2.0
//
// What a publish or a request sends: views of the caller's, or a copy that outlives a wait.

#pragma once

#include <natsproto/bytes.hpp>
#include <natsproto/headers.hpp>

#include <string>
#include <string_view>

namespace nats {

struct outgoing {
    std::string_view subject;
    bytes payload;
    std::string_view reply;
    header_view headers;
};

class kept_outgoing {
public:
    explicit kept_outgoing(const outgoing& o)
        : subject_(o.subject),
          payload_(o.payload.text()),
          reply_(o.reply),
          headers_(o.headers.raw()) {}
    [[nodiscard]] outgoing view() const noexcept {
        return {subject_, bytes(payload_), reply_, header_view(headers_)};
    }

private:
    std::string subject_, payload_, reply_, headers_;
};

} // namespace nats
