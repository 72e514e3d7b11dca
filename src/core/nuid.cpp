// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: a random prefix says whose identifiers they are, a sequence that starts
// anywhere and grows by a random step makes each one new. When the sequence overflows, both are
// drawn again.

#include <natsproto/nuid.hpp>

namespace nats {

namespace {

constexpr std::string_view digits =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::uint64_t base = 62;
constexpr std::uint64_t max_sequence = 839'299'365'868'340'224; // 62^10
constexpr std::uint64_t min_step = 33;
constexpr std::uint64_t max_step = 333;

} // namespace

void write_base62(char* out, std::size_t width, std::uint64_t value) noexcept {
    for (std::size_t i = width; i-- > 0;) {
        out[i] = digits[value % base];
        value /= base;
    }
}

bool read_base62(const char* in, std::size_t width, std::uint64_t& value) noexcept {
    value = 0;
    for (std::size_t i = 0; i < width; ++i) {
        const char c = in[i];
        std::uint64_t digit = 0;
        if (c >= '0' && c <= '9')
            digit = static_cast<std::uint64_t>(c - '0');
        else if (c >= 'A' && c <= 'Z')
            digit = static_cast<std::uint64_t>(c - 'A') + 10;
        else if (c >= 'a' && c <= 'z')
            digit = static_cast<std::uint64_t>(c - 'a') + 36;
        else
            return false;
        value = value * base + digit;
    }
    return true;
}

void nuid::reseed() noexcept {
    for (char& c : prefix_) c = digits[random_->below(base)];
    sequence_ = random_->below(max_sequence);
    step_ = min_step + random_->below(max_step - min_step);
}

nuid::text nuid::next() noexcept {
    sequence_ += step_;
    if (sequence_ >= max_sequence) reseed();
    text out{};
    for (std::size_t i = 0; i < prefix_.size(); ++i) out[i] = prefix_[i];
    write_base62(out.data() + prefix_.size(), out.size() - prefix_.size(), sequence_);
    return out;
}

} // namespace nats
