// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: a directory of mkdtemp(3), which has mode 0700; files are written beside
// their place and renamed.

#include "integration/scratch.hpp"

#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include <stdlib.h> // NOLINT(modernize-deprecated-headers): mkdtemp

namespace nats::test {

namespace fs = std::filesystem;

scratch::scratch() {
    std::string name = (fs::temp_directory_path() / "natsproto-files-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
        throw std::system_error(errno, std::system_category(), "mkdtemp");
    directory_ = name;
}

scratch::~scratch() {
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
}

std::string scratch::write(std::string_view name, std::string_view content) const {
    const fs::path beside = directory_ / "new";
    std::ofstream out(beside, std::ios::binary);
    out << content;
    out.close();
    if (!out) throw std::runtime_error("cannot write " + beside.string());
    fs::permissions(beside, fs::perms::owner_read | fs::perms::owner_write);
    fs::rename(beside, directory_ / name);
    return path(name);
}

void scratch::expose(std::string_view name) const {
    fs::permissions(directory_ / name, fs::perms::group_read | fs::perms::others_read,
                    fs::perm_options::add);
}

void scratch::remove(std::string_view name) const {
    fs::remove(directory_ / name);
}

} // namespace nats::test
