// SPDX-License-Identifier: Apache-2.0
//
// Carries bytes between two streams, both ways, until one of them ends.

#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <tuple>
#include <utility>

namespace nats::test {

template <class From, class To>
boost::asio::awaitable<void> relay_one_way(std::shared_ptr<From> from, std::shared_ptr<To> to) {
    constexpr auto token = boost::asio::as_tuple(boost::asio::use_awaitable);
    std::array<char, 16 * 1024> space{};
    while (true) {
        const std::tuple<boost::system::error_code, std::size_t> got =
            co_await from->async_read_some(boost::asio::buffer(space), token);
        if (std::get<0>(got)) break;
        const std::tuple<boost::system::error_code, std::size_t> put =
            co_await boost::asio::async_write(
                *to, boost::asio::buffer(space.data(), std::get<1>(got)), token);
        if (std::get<0>(put)) break;
    }
    from->close();
    to->close();
}

template <class A, class B>
void relay(A a, B b) {
    const auto ex = a.get_executor();
    auto first = std::make_shared<A>(std::move(a));
    auto second = std::make_shared<B>(std::move(b));
    boost::asio::co_spawn(ex, relay_one_way(first, second), boost::asio::detached);
    boost::asio::co_spawn(ex, relay_one_way(second, first), boost::asio::detached);
}

} // namespace nats::test
