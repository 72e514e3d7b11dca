// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: one allocation holds the views and, behind them, all the bytes that they
// point to.

#include <natsproto/message.hpp>

#include <cstdlib>
#include <cstring>
#include <new>

namespace nats {

namespace {

std::size_t bytes_of(const message_view& view) noexcept {
    return view.subject.size() + view.reply.size() + view.headers.raw().size() +
           view.payload.size();
}

/// Copies all that `view` points to; the views of the copy.
message_view copy_to(char* at, const message_view& view) noexcept {
    const auto copy = [&at](std::string_view s) noexcept {
        if (!s.empty()) std::memcpy(at, s.data(), s.size());
        const std::string_view copied(at, s.size());
        at += s.size();
        return copied;
    };
    message_view owned;
    owned.subject = copy(view.subject);
    owned.reply = copy(view.reply);
    owned.headers = header_view(copy(view.headers.raw()));
    owned.payload = copy(view.payload);
    return owned;
}

} // namespace

message::block* message::make(const message_view& view) {
    const std::size_t size = bytes_of(view);
    void* memory = std::malloc(sizeof(block) + size);
    if (memory == nullptr) throw std::bad_alloc();
    const message_view owned = copy_to(static_cast<char*>(memory) + sizeof(block), view);
    return ::new (memory) block{nullptr, owned, size};
}

void message::assign(const message_view& view) {
    if (block_ == nullptr || block_->room < bytes_of(view)) {
        block_.reset(make(view));
        return;
    }
    block_->view = copy_to(reinterpret_cast<char*>(block_.get()) + sizeof(block), view);
}

message::message(const message_view& view) : block_(make(view)) {}

void message::release::operator()(block* b) const noexcept {
    std::free(b);
}

} // namespace nats
