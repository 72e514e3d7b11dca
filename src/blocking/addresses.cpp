// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: getaddrinfo gives a list; it is copied, shuffled, and then sorted stably by
// what the user prefers.

#include "blocking/addresses.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

namespace nats::blocking {

namespace {

struct free_addresses {
    void operator()(addrinfo* a) const noexcept { ::freeaddrinfo(a); }
};
using address_list = std::unique_ptr<addrinfo, free_addresses>;

int family_of(address_order order) noexcept {
    if (order == address_order::v4_only) return AF_INET;
    if (order == address_order::v6_only) return AF_INET6;
    return AF_UNSPEC;
}

result<address_list> ask(const endpoint& to, address_order order) {
    addrinfo hints{};
    hints.ai_family = family_of(order);
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    int failed = ::getaddrinfo(to.host.c_str(), std::to_string(to.port).c_str(), &hints, &found);
    if (failed == EAI_NONAME || failed == EAI_ADDRFAMILY) {
        hints.ai_flags =
            AI_NUMERICSERV; // a machine with only loopback addresses has none "configured"
        failed = ::getaddrinfo(to.host.c_str(), std::to_string(to.port).c_str(), &hints, &found);
    }
    if (failed != 0) {
        return error{
            errc::resolve_failed,
            to.text() + ": " +
                (failed == EAI_SYSTEM ? std::error_code(errno, std::system_category()).message()
                                      : ::gai_strerror(failed))};
    }
    return address_list(found);
}

address copy_of(const sockaddr* from, socklen_t size) noexcept {
    address a;
    std::memcpy(&a.where, from, size);
    a.size = size;
    return a;
}

} // namespace

result<std::vector<address>> resolve(const endpoint& to, address_order order,
                                     random_source* shuffle) {
    result<address_list> found = ask(to, order);
    if (!found) return found.error();
    std::vector<address> out;
    for (const addrinfo* a = found->get(); a != nullptr; a = a->ai_next) {
        if (a->ai_addrlen <= sizeof(sockaddr_storage))
            out.push_back(copy_of(a->ai_addr, a->ai_addrlen));
    }
    if (out.empty()) return error{errc::resolve_failed, to.text() + ": no address"};
    for (std::size_t i = out.size(); shuffle != nullptr && i > 1; --i)
        std::swap(out[i - 1], out[static_cast<std::size_t>(shuffle->below(i))]);
    if (order == address_order::v4_first || order == address_order::v6_first) {
        const int first = order == address_order::v4_first ? AF_INET : AF_INET6;
        // Not std::stable_partition: clang warns of what libstdc++ does in it.
        std::vector<address> ordered;
        for (const bool wanted : {true, false}) {
            for (const address& a : out) {
                if ((a.family() == first) == wanted) ordered.push_back(a);
            }
        }
        return ordered;
    }
    return out;
}

result<local_end> parse_local_end(std::string_view text) {
    local_end out;
    if (text.empty()) return out;
    const std::string host(text);
    sockaddr_in v4{};
    sockaddr_in6 v6{};
    if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        out.v4 = copy_of(reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
    } else if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        out.v6 = copy_of(reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
    } else {
        return error{errc::invalid_argument,
                     "local_address: \"" + printable(text) + "\" is no IP address"};
    }
    return out;
}

std::string text_of(const address& a) {
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> port{};
    if (::getnameinfo(a.get(), a.size, host.data(), host.size(), port.data(), port.size(),
                      NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return {};
    const std::string name = host.data();
    return (a.family() == AF_INET6 ? '[' + name + ']' : name) + ':' + port.data();
}

} // namespace nats::blocking
