// SPDX-License-Identifier: Apache-2.0
//
// Makes the files of a server that wants a login, and of a user who may: for run_example --setup.
// Usage: make_login credentials|nkey DIRECTORY. Prints what the example is to be given, a line
// each: file names.

#include "support/certificates.hpp"
#include "support/operator_mode.hpp"

#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace nats::test {
namespace {

std::string write(const std::filesystem::path& file, std::string_view content) {
    std::ofstream(file) << content;
    std::filesystem::permissions(
        file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    return file.string();
}

/// TLS, and a user with a JWT.
void make_credentials(const std::filesystem::path& directory) {
    const certificate_authority authority;
    const identity server = authority.issue({.ips = {"127.0.0.1"}});
    const operator_mode world;
    write(directory / "server.conf", world.config() + "tls { cert_file: \"" +
                                         write(directory / "server.pem", server.certificate) +
                                         "\", key_file: \"" +
                                         write(directory / "server.key", server.key) + "\" }\n");
    std::cout << write(directory / "ca.pem", authority.root()) << '\n'
              << write(directory / "user.creds", world.credentials()) << '\n';
}

/// A user with a key.
void make_nkey(const std::filesystem::path& directory) {
    const key_pair user(nkey_kind::user);
    write(directory / "server.conf", "authorization { users = [ { nkey: " + user.id() + " } ] }\n");
    std::cout << write(directory / "user.nk", user.seed() + '\n') << '\n';
}

} // namespace
} // namespace nats::test

int main(int argc, char** argv) {
    try {
        const std::string_view what = argc == 3 ? argv[1] : "";
        if (what == "credentials")
            nats::test::make_credentials(argv[2]);
        else if (what == "nkey")
            nats::test::make_nkey(argv[2]);
        else
            throw std::runtime_error("usage: make_login credentials|nkey DIRECTORY");
    } catch (const std::exception& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
    return 0;
}
