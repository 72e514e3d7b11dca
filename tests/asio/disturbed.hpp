// SPDX-License-Identifier: Apache-2.0
//
// Tests that run each script.

#pragma once

#include "asio/scripts.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <string>

namespace nats::test {

class asio_disturbed : public testing::TestWithParam<script> {
protected:
    /// With every staging; what was aborted by a cancellation of what had begun.
    static std::set<std::string> everywhere(disturbance what, places p = {}, bool owned = false) {
        std::set<std::string> aborted;
        for (staging how : usual_stagings()) {
            how.owned = owned;
            std::set<std::string> names = disturb_everywhere(GetParam(), how, what, p);
            if (!how.start_outside) aborted.merge(names);
            if (HasFailure()) break;
        }
        return aborted;
    }
};

inline std::string script_name(const testing::TestParamInfo<script>& s) {
    std::string out = s.param.name;
    std::replace_if(
        out.begin(), out.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
    return out;
}

} // namespace nats::test
