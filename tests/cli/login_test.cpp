// SPDX-License-Identifier: Apache-2.0
//
// Each way to log in that natsproto has flags and variables for, against real servers; and that no
// secret is ever printed.

#include "cli/cli_fixture.hpp"
#include "support/operator_mode.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace nats::test {
namespace {

class login_options : public cli_test {
protected:
    /// `pub a b`, with these flags and variables.
    finished pub(const arguments& flags, const arguments& more = {}) {
        arguments line{"pub", "a", "b", "--trace"};
        line.insert(line.end(), flags.begin(), flags.end());
        arguments all = variables();
        all.insert(all.end(), more.begin(), more.end());
        finished f = run_cli(std::move(line), "", std::move(all));
        for (const std::string& secret : secrets_) {
            EXPECT_FALSE(contains(f.out + f.err, secret)) << f.err;
        }
        return f;
    }
    void keep_secret(std::string text) { secrets_.push_back(std::move(text)); }
    /// Also what is sent instead of it.
    void keep_secret(const operator_mode& o) {
        keep_secret(o.user.seed());
        keep_secret(o.user_jwt);
        keep_secret(R"("sig":"e)"); // shown as ***
    }

    temporary_directory files;

private:
    std::vector<std::string> secrets_;
};
NATSPROTO_ON_EVERY_SERVER(login_options);

TEST_P(login_options, a_user_without_a_password_is_a_token) {
    start("authorization { token: \"hush-hush\" }");
    keep_secret("hush-hush");
    EXPECT_EQ(pub({"--user", "hush-hush"}).code, 0);
    EXPECT_EQ(pub({}, {"NATS_USER=hush-hush"}).code, 0);
    EXPECT_EQ(pub({}, {"NATS_TOKEN=hush-hush"}).code, 0);
    EXPECT_EQ(pub({"--user", "ann", "--password", "x"}).code, 1);
}

TEST_P(login_options, nkey) {
    const key_pair user(nkey_kind::user);
    keep_secret(user.seed());
    start("authorization { users = [ { nkey: " + user.id() + " } ] }");
    const std::string file = files.file("user.nk", user.seed() + '\n');
    EXPECT_EQ(pub({"--nkey", file}).code, 0);
    EXPECT_EQ(pub({}, {"NATS_NKEY=" + file}).code, 0);
    const key_pair stranger(nkey_kind::user);
    const finished refused = pub({"--nkey", files.file("other.nk", stranger.seed())});
    EXPECT_EQ(refused.code, 1);
    EXPECT_TRUE(contains(refused.err, "Authorization Violation")) << refused.err;
}

TEST_P(login_options, credentials) {
    const operator_mode world;
    keep_secret(world);
    start(world.config());
    const std::string file = files.file("user.creds", world.credentials());
    const finished f = pub({"--creds", file});
    EXPECT_EQ(f.code, 0) << f.err;
    EXPECT_FALSE(contains(f.err, "warning")) << f.err;
    EXPECT_EQ(pub({}, {"NATS_CREDS=" + file}).code, 0);
    EXPECT_EQ(pub({}).code, 1);
}

TEST_P(login_options, an_exposed_credentials_file_is_told) {
    const operator_mode world;
    keep_secret(world);
    start(world.config());
    const std::string file = files.file("user.creds", world.credentials());
    std::filesystem::permissions(file, std::filesystem::perms::others_read,
                                 std::filesystem::perm_options::add);
    const finished f = pub({"--creds", file});
    EXPECT_EQ(f.code, 0);
    EXPECT_TRUE(contains(
        f.err, "natsproto: warning: a file with secrets can be read by others: " + file + '\n'))
        << f.err;
}

TEST_P(login_options, the_command_line_beats_variables_for_another_login) {
    start("authorization { user: u, password: \"hush-hush\" }");
    keep_secret("hush-hush");
    const arguments other{"NATS_CREDS=/no/such/file", "NATS_TOKEN=nonsense",
                          "NATS_PASSWORD=hush-hush"};
    EXPECT_EQ(pub({"--user", "u"}, other).code, 0); // with the password of the environment
    EXPECT_EQ(pub({"--user", "u", "--password", "hush-hush"}, other).code, 0);
    const finished several = pub({}, other);
    EXPECT_EQ(several.code, 2);
    EXPECT_TRUE(contains(several.err, "--user, --token, --creds")) << several.err;
}

TEST_P(login_options, files_that_cannot_be_used_are_wrong_usage) {
    const operator_mode world;
    keep_secret(world);
    start(world.config()); // it wants a signature: without a nonce no file would be read
    keep_secret("hush-hush");
    for (const arguments& flags : std::vector<arguments>{
             {"--creds", "/no/such/file"},
             {"--nkey", "/no/such/file"},
             {"--creds", files.file("a", "hush-hush")},
             {"--nkey", files.file("b", "hush-hush")},
             {"--creds", world.credentials()},
             {"--nkey", world.user.seed()},
         }) {
        const finished f = pub(flags);
        EXPECT_EQ(f.code, 2) << f.err;
    }
}

} // namespace
} // namespace nats::test
