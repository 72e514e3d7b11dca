// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: the server sends its own sentence with each number, which is in the error's
// detail. The category only has to say what the number is.

#include <natsproto/jetstream/api_code.hpp>

#include <string>

namespace nats {

namespace js {

namespace {

class category final : public std::error_category {
public:
    [[nodiscard]] const char* name() const noexcept override { return "nats.jetstream"; }
    [[nodiscard]] std::string message(int code) const override {
        return "JetStream error " + std::to_string(code);
    }
};

} // namespace

const std::error_category& api_category() noexcept {
    static const category instance;
    return instance;
}

std::error_code make_error_code(api_code code) noexcept {
    return {static_cast<int>(code), api_category()};
}

} // namespace js

std::error_code code_of(const error& e) noexcept {
    if (e.api_code() != 0) return {e.api_code(), js::api_category()};
    return make_error_code(e.code());
}

} // namespace nats
