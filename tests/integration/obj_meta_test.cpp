// SPDX-License-Identifier: Apache-2.0
//
// Proves what can be done with objects besides their bytes against real servers: what describes
// them, new names, deleting, and links to objects and buckets; with what another client has
// written, and while others do the same.

#include <natsproto/openssl/provider.hpp> // for the digests

#include "integration/object_test.hpp"

#include <string>
#include <vector>

namespace nats::test {
namespace {

class obj_meta : public object_test {};
NATSPROTO_ON_NATS_SERVERS(obj_meta);

obj::object_meta described(const std::string& name) {
    obj::object_meta m(name);
    m.description = "of " + name;
    m.headers["H"] = {"1", "2"};
    m.metadata["k"] = "v";
    return m;
}

TEST_P(obj_meta, is_kept_and_changed) {
    object_bucket b = bucket();
    ASSERT_TRUE(b.put_bytes(described("o"), "data"));
    const obj::object_info first = b.info("o").value();
    EXPECT_EQ(first.description, "of o");
    EXPECT_EQ(first.headers.at("H"), (std::vector<std::string>{"1", "2"}));
    EXPECT_EQ(first.metadata.at("k"), "v");
    obj::object_meta m("o");
    m.description = "other";
    EXPECT_EQ(b.update_meta("o", m).value().description, "other");
    const obj::object_info second = b.info("o").value();
    EXPECT_EQ(second.description, "other");
    EXPECT_TRUE(second.headers.empty()) << "it is all replaced";
    EXPECT_EQ(second.digest, first.digest);
    EXPECT_EQ(second.nuid, first.nuid);
    EXPECT_EQ(b.get_bytes("o").value(), "data");
    EXPECT_EQ(b.update_meta("p", m).error(), errc::object_not_found);
    m.name.clear();
    EXPECT_EQ(b.update_meta("o", m).value().name, "o") << "no name: as it is";
    EXPECT_EQ(messages(), 2U);
}

TEST_P(obj_meta, a_new_name) {
    object_bucket b = bucket();
    ASSERT_TRUE(b.put_bytes("old", "data"));
    ASSERT_TRUE(b.put_bytes("taken", "x"));
    EXPECT_EQ(b.update_meta("old", described("taken")).error(), errc::object_exists);
    EXPECT_EQ(b.get_bytes("old").value(), "data");
    EXPECT_EQ(b.get_bytes("taken").value(), "x");
    ASSERT_TRUE(b.remove("taken"));
    EXPECT_EQ(b.update_meta("old", described("taken")).value().name, "taken") << "it is free now";
    EXPECT_EQ(b.get_bytes("taken").value(), "data");
    EXPECT_EQ(b.info("taken").value().description, "of taken");
    EXPECT_EQ(b.info("old", {.show_deleted = true}).error(), errc::object_not_found);
    EXPECT_EQ(messages(), 2U) << "of the old name nothing is left";
    EXPECT_EQ(b.update_meta("old", described("new")).error(), errc::object_not_found);
}

TEST_P(obj_meta, what_another_client_has_written_stays) {
    object_bucket b = bucket();
    ASSERT_TRUE(b.put_bytes("o", "data"));
    const obj::object_info i = b.info("o").value();
    describe(b, "o",
             R"({"name":"o","bucket":"b","nuid":")" + i.nuid +
                 R"(","size":4,"chunks":1,"digest":")" + i.digest +
                 R"(","colour":{"r":255},"options":{"max_chunk_size":7,"fast":true}})");
    EXPECT_EQ(b.get_bytes("o").value(), "data");
    ASSERT_TRUE(b.update_meta("o", described("o")));
    const std::string json =
        js().get_last_message("OBJ_b", b.where().meta_subject("o")).value().payload;
    EXPECT_NE(json.find(R"("colour":{"r":255})"), std::string::npos) << json;
    EXPECT_NE(json.find(R"("fast":true)"), std::string::npos) << json;
    ASSERT_TRUE(b.remove("o"));
    EXPECT_EQ(b.info("o", {.show_deleted = true}).value().extra, R"({"colour":{"r":255}})");
}

TEST_P(obj_meta, deleted) {
    object_bucket b = bucket();
    EXPECT_EQ(b.remove("o").error(), errc::object_not_found);
    ASSERT_TRUE(b.put_bytes(described("o"), some_bytes(5000), {.chunk_size = 1000}));
    EXPECT_TRUE(b.remove("o"));
    EXPECT_EQ(messages(), 1U) << "only that it was deleted";
    EXPECT_TRUE(b.remove("o")) << "it is as good";
    EXPECT_EQ(b.info("o").error(), errc::object_not_found);
    EXPECT_EQ(b.get_bytes("o").error(), errc::object_not_found);
    EXPECT_EQ(b.update_meta("o", described("p")).error(), errc::object_not_found);
    const obj::object_info gone = b.info("o", {.show_deleted = true}).value();
    EXPECT_TRUE(gone.deleted);
    EXPECT_EQ(gone.size, 0U);
    EXPECT_EQ(gone.chunks, 0U);
    EXPECT_EQ(gone.digest, "");
    EXPECT_EQ(b.get_bytes("o", {.show_deleted = true}).value(), "");
    ASSERT_TRUE(b.put_bytes("o", "again"));
    EXPECT_EQ(b.get_bytes("o").value(), "again");
}

TEST_P(obj_meta, changed_by_two) {
    client other = connect();
    jetstream other_js(other);
    object_bucket b = bucket();
    object_bucket c = object_store(other_js).bind("b").value();
    ASSERT_TRUE(b.put_bytes("o", "data"));
    for (int i = 0; i < 20; ++i) {
        obj::object_meta m("o");
        m.description = std::to_string(i);
        ASSERT_TRUE((i % 2 == 0 ? b : c).update_meta("o", m));
    }
    EXPECT_EQ(b.info("o").value().description, "19");
    EXPECT_EQ(messages(), 2U);
}

// --- links

TEST_P(obj_meta, links) {
    object_bucket b = bucket();
    object_bucket c = bucket("c");
    const obj::object_info target = c.put_bytes("there", "data").value();
    ASSERT_TRUE(b.put_bytes("o", "mine"));
    const obj::object_info made = b.add_link("l", target).value();
    ASSERT_NE(made.link(), nullptr);
    EXPECT_EQ(made.link()->bucket, "c");
    EXPECT_EQ(made.link()->name, "there");
    EXPECT_EQ(b.info("l").value().link()->name, "there") << "the link itself";
    EXPECT_EQ(b.get_bytes("l").value(), "data");
    EXPECT_EQ(b.open_reader("l").value().info().bucket, "c");
    EXPECT_TRUE(b.add_link("here", b.info("o").value()));
    EXPECT_EQ(b.get_bytes("here").value(), "mine");
    ASSERT_TRUE(c.put_bytes("there", "new"));
    EXPECT_EQ(b.get_bytes("l").value(), "new") << "by name";

    EXPECT_EQ(b.add_link("l2", b.info("l").value()).error(), errc::object_is_link);
    EXPECT_EQ(b.add_link("o", target).error(), errc::object_exists);
    EXPECT_EQ(b.add_link("", target).error(), errc::invalid_argument);
    EXPECT_EQ(b.add_link("l3", obj::object_info()).error(), errc::invalid_argument);
    obj::object_info bad = target;
    bad.bucket = "a.>";
    EXPECT_EQ(b.add_link("l3", bad).error(), errc::invalid_name);
    EXPECT_TRUE(b.add_link("l", b.info("o").value())) << "another link takes its place";
    EXPECT_EQ(b.get_bytes("l").value(), "mine");
    ASSERT_TRUE(b.put_bytes("l", "object")) << "and so does an object";
    EXPECT_EQ(b.get_bytes("l").value(), "object");
    EXPECT_EQ(b.get_bytes("o").value(), "mine");

    ASSERT_TRUE(c.remove("there"));
    EXPECT_EQ(b.add_link("l4", c.info("there", {.show_deleted = true}).value()).error(),
              errc::object_not_found);
    ASSERT_TRUE(b.remove("o"));
    EXPECT_EQ(b.get_bytes("here").error(), errc::object_not_found) << "it leads nowhere";
    EXPECT_TRUE(b.add_link("o", b.info("l").value())) << "in the place of a deleted object";
    EXPECT_TRUE(b.remove("here"));
    EXPECT_EQ(b.info("here").error(), errc::object_not_found);
}

TEST_P(obj_meta, links_to_buckets) {
    object_bucket b = bucket();
    const obj::object_info made = b.add_bucket_link("l", "c").value();
    EXPECT_EQ(made.link()->bucket, "c");
    EXPECT_EQ(made.link()->name, "");
    EXPECT_EQ(b.get_bytes("l").error(), errc::object_is_link);
    EXPECT_EQ(b.add_bucket_link("l", "a.b").error(), errc::invalid_name);
    EXPECT_EQ(b.info("l").value().link()->bucket, "c");
}

TEST_P(obj_meta, links_that_lead_nowhere) {
    object_bucket b = bucket();
    const auto link = [&](const std::string& from, const std::string& to,
                          const std::string& in = "b") {
        describe(b, from,
                 R"({"name":")" + from + R"(","bucket":"b","nuid":"n","size":0,"chunks":0,)" +
                     R"("options":{"link":{"bucket":")" + in + R"(","name":")" + to + R"("}}})");
    };
    link("a", "c");
    link("c", "a");
    EXPECT_EQ(b.get_bytes("a").error(), errc::object_link_loop);
    link("self", "self");
    EXPECT_EQ(b.open_reader("self").error(), errc::object_link_loop);
    ASSERT_TRUE(b.put_bytes("end", "found"));
    link("1", "2");
    link("2", "end");
    EXPECT_EQ(b.get_bytes("1").value(), "found") << "others may make chains";
    link("out", "x", "nowhere");
    EXPECT_EQ(b.get_bytes("out").error(), errc::bucket_not_found);
    link("bad", "x", "*");
    EXPECT_EQ(b.get_bytes("bad").error(), errc::invalid_response);
}

} // namespace
} // namespace nats::test
