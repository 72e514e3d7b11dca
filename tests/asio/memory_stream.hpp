// SPDX-License-Identifier: Apache-2.0
//
// A stream that a user could have written: two queues of bytes in memory. It reads and writes no
// more than a few bytes at a time, and takes no more than it has room for. Both ends are used in
// one thread.

#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace nats::test {

class memory_stream {
public:
    using executor_type = boost::asio::any_io_executor;
    static constexpr std::size_t room = 4096;
    static constexpr std::size_t most_at_once = 1000;

    static std::pair<memory_stream, memory_stream> make_pair(const executor_type& ex) {
        auto there = std::make_shared<direction>();
        auto back = std::make_shared<direction>();
        return {memory_stream(ex, there, back), memory_stream(ex, back, there)};
    }
    memory_stream(memory_stream&&) = default;
    memory_stream& operator=(memory_stream&&) = delete;
    memory_stream(const memory_stream&) = delete;
    memory_stream& operator=(const memory_stream&) = delete;
    ~memory_stream() {
        if (in_) close();
    }

    [[nodiscard]] executor_type get_executor() const { return ex_; }

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& into, Token&& token) {
        return boost::asio::async_initiate<Token, signature>(
            [](auto handler, std::shared_ptr<direction> d, executor_type ex, Buffers b) {
                auto kept = std::make_shared<decltype(handler)>(std::move(handler));
                d->read = [kept, ex, b, self = d.get()] { return try_read(*self, kept, ex, b); };
                d->go_on();
            },
            token, in_, ex_, into);
    }

    template <class Buffers, class Token>
    auto async_write_some(const Buffers& from, Token&& token) {
        return boost::asio::async_initiate<Token, signature>(
            [](auto handler, std::shared_ptr<direction> d, executor_type ex, Buffers b) {
                auto kept = std::make_shared<decltype(handler)>(std::move(handler));
                d->write = [kept, ex, b, self = d.get()] { return try_write(*self, kept, ex, b); };
                d->go_on();
            },
            token, out_, ex_, from);
    }

    /// What this end waits for ends with `operation_aborted`; the other one reads to the end.
    void close() {
        in_->reader_gone = out_->writer_gone = true;
        in_->go_on();
        out_->go_on();
    }

private:
    using signature = void(boost::system::error_code, std::size_t);

    /// One way. `read` and `write` are what waits: true when it has ended.
    struct direction {
        std::string bytes;
        bool reader_gone = false;
        bool writer_gone = false;
        std::function<bool()> read, write;

        void go_on() {
            bool moved = true;
            while (std::exchange(moved, false)) {
                for (auto* waits : {&write, &read}) {
                    if (*waits && (*waits)()) {
                        *waits = nullptr;
                        moved = true;
                    }
                }
            }
        }
    };

    memory_stream(executor_type ex, std::shared_ptr<direction> in, std::shared_ptr<direction> out)
        : ex_(std::move(ex)), in_(std::move(in)), out_(std::move(out)) {}

    template <class Handler>
    static bool complete(const std::shared_ptr<Handler>& h, const executor_type& ex,
                         boost::system::error_code ec, std::size_t n) {
        boost::asio::post(boost::asio::get_associated_executor(*h, ex),
                          [h, ec, n] { std::move (*h)(ec, n); });
        return true;
    }
    template <class Handler, class Buffers>
    static bool try_read(direction& d, const std::shared_ptr<Handler>& h, const executor_type& ex,
                         const Buffers& into) {
        namespace asio = boost::asio;
        if (d.reader_gone) return complete(h, ex, asio::error::operation_aborted, 0);
        const std::size_t n = asio::buffer_copy(
            into, asio::buffer(d.bytes.data(), std::min(d.bytes.size(), most_at_once)));
        d.bytes.erase(0, n);
        if (n != 0) return complete(h, ex, {}, n);
        return d.writer_gone && complete(h, ex, asio::error::eof, 0);
    }
    template <class Handler, class Buffers>
    static bool try_write(direction& d, const std::shared_ptr<Handler>& h, const executor_type& ex,
                          const Buffers& from) {
        namespace asio = boost::asio;
        if (d.writer_gone) return complete(h, ex, asio::error::operation_aborted, 0);
        if (d.reader_gone) return complete(h, ex, asio::error::broken_pipe, 0);
        const std::size_t before = d.bytes.size();
        const std::size_t n =
            std::min({asio::buffer_size(from), room - std::min(room, before), most_at_once});
        if (n == 0) return false;
        d.bytes.resize(before + n);
        asio::buffer_copy(asio::buffer(d.bytes.data() + before, n), from);
        return complete(h, ex, {}, n);
    }

    executor_type ex_;
    std::shared_ptr<direction> in_;
    std::shared_ptr<direction> out_;
};

} // namespace nats::test
