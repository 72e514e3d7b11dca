// SPDX-License-Identifier: Apache-2.0
//
// Where a bucket of objects is: its stream, and the subjects of what is in it.

#pragma once

#include <natsproto/jetstream/context.hpp>
#include <natsproto/result.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace nats::obj {

class bucket {
public:
    /// `direct`: its stream has `allow_direct`. `name` must have been checked.
    bucket(js::context c, std::string name, bool direct)
        : settings_(std::move(c)), name_(std::move(name)), direct_(direct) {}

    [[nodiscard]] const js::context& settings() const noexcept { return settings_; }
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] bool direct() const noexcept { return direct_; }

    [[nodiscard]] std::string stream() const { return "OBJ_" + name_; }
    /// Of an object's chunks.
    [[nodiscard]] std::string chunk_subject(std::string_view nuid) const {
        return "$O." + name_ + ".C." + std::string(nuid);
    }
    /// Of what describes an object.
    [[nodiscard]] std::string meta_subject(std::string_view object) const;
    /// Of what describes any object.
    [[nodiscard]] std::string all_meta() const { return "$O." + name_ + ".M.>"; }

private:
    js::context settings_;
    std::string name_;
    bool direct_;
};

} // namespace nats::obj
