// SPDX-License-Identifier: Apache-2.0
//
// Proves that there is an end to changing an object that somebody else changes each time: nothing
// is written over theirs, and the error says so.

#include <natsproto/object_store/object_ops.hpp>

#include "core/text/base64.hpp"
#include "support/sim.hpp"

#include <gtest/gtest.h>

#include <string>

namespace nats::test {
namespace {

/// A bucket where whatever is to be changed has just been changed by others.
struct busy_bucket : connected_sim {
    busy_bucket() {
        const std::string meta = R"({"name":"o","bucket":"b","nuid":"N","size":0,"chunks":0})";
        const std::string stored = R"({"message":{"subject":"$O.b.M.bw==","seq":7,"data":")" +
                                   text::encode_base64(meta) +
                                   R"(","time":"2026-11-28T07:31:57Z"}})";
        server().serve(
            "$JS.API.STREAM.MSG.GET.OBJ_b",
            [stored](scripted_server& s, const wire::frame& f) { s.publish(f.reply, stored); });
        server().serve("$O.b.M.*", [this](scripted_server& s, const wire::frame& f) {
            ++attempts;
            const header_view h = f.headers;
            EXPECT_EQ(h.get("Nats-Expected-Last-Subject-Sequence").value_or(""), "7");
            s.publish(f.reply, R"({"error":{"code":400,"err_code":10071,"description":"no"}})");
        });
    }
    [[nodiscard]] static obj::bucket where() { return obj::bucket(js::context(), "b", true); }
    int attempts = 0;
};

TEST(obj_changing, ends) {
    busy_bucket removing;
    EXPECT_EQ(removing.run(obj::remove_object(removing.runtime(), removing.where(), "o")).error(),
              errc::object_changing);
    EXPECT_EQ(removing.attempts, 100);
    busy_bucket updating;
    EXPECT_EQ(
        updating
            .run(obj::update_meta(updating.runtime(), updating.where(), "o", obj::object_meta("o")))
            .error(),
        errc::object_changing);
    EXPECT_EQ(updating.attempts, 100);
}

} // namespace
} // namespace nats::test
