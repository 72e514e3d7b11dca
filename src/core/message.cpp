// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: one allocation holds the views and, behind them, all the bytes that they
// point to.

#include <natsproto/message.hpp>

#include <cstdlib>
#include <cstring>
#include <new>

namespace nats {

message::block* message::make(const message_view& view) {
    const std::string_view header = view.headers.raw();
    const std::size_t size =
        view.subject.size() + view.reply.size() + header.size() + view.payload.size();
    void* memory = std::malloc(sizeof(block) + size);
    if (memory == nullptr) throw std::bad_alloc();
    char* at = static_cast<char*>(memory) + sizeof(block);
    const auto copy = [&at](std::string_view s) noexcept {
        if (!s.empty()) std::memcpy(at, s.data(), s.size());
        const std::string_view copied(at, s.size());
        at += s.size();
        return copied;
    };
    message_view owned;
    owned.subject = copy(view.subject);
    owned.reply = copy(view.reply);
    owned.headers = header_view(copy(header));
    owned.payload = copy(view.payload);
    return ::new (memory) block{nullptr, owned};
}

message::message(const message_view& view) : block_(make(view)) {}

void message::release::operator()(block* b) const noexcept {
    std::free(b);
}

} // namespace nats
