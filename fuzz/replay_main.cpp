// SPDX-License-Identifier: Apache-2.0
//
// Runs a fuzz target once over every file below the given directories (or over single files),
// without libFuzzer: so the corpora and the crashes of the past are ordinary tests under every
// compiler. Fails when it found no file.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

void collect(const fs::path& from, std::vector<fs::path>& files) {
    if (fs::is_directory(from)) {
        for (const fs::directory_entry& entry : fs::recursive_directory_iterator(from)) {
            if (entry.is_regular_file() && entry.path().filename().string().front() != '.')
                files.push_back(entry.path());
        }
    } else if (fs::is_regular_file(from)) {
        files.push_back(from);
    } else {
        throw std::runtime_error(from.string() + ": no such file or directory");
    }
}

void replay(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(in),
                                  std::istreambuf_iterator<char>()};
    if (in.bad() || !in.is_open()) throw std::runtime_error(file.string() + ": cannot be read");

    // An exact copy on the heap, so that AddressSanitizer sees a read past the end.
    const std::vector<std::uint8_t> input(bytes.begin(), bytes.end());
    std::printf("%s (%zu bytes)\n", file.c_str(), input.size());
    std::fflush(stdout); // the name must be visible if the next line does not return
    LLVMFuzzerTestOneInput(input.data(), input.size());
}

} // namespace

int main(int argc, char** argv) {
    try {
        std::vector<fs::path> files;
        for (int i = 1; i < argc; ++i) collect(argv[i], files);
        if (files.empty()) {
            std::fprintf(stderr, "usage: %s DIRECTORY|FILE...: no input found\n",
                         argc > 0 ? argv[0] : "fuzz_replay");
            return 2;
        }
        std::sort(files.begin(), files.end());
        for (const fs::path& file : files) replay(file);
        std::printf("%zu inputs\n", files.size());
        return 0;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 2;
    }
}
