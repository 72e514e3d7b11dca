// SPDX-License-Identifier: Apache-2.0
//
// natsproto object put and get: files, and the standard streams, as objects.
//
// Theory of operation: the library moves the bytes, a bounded number at a time; a bar on the
// terminal shows how far it is. A file appears when all of the object is right; what goes to
// standard output cannot be taken back, and only the exit code tells.

#include "js_text.hpp"
#include "object.hpp"
#include "output.hpp"

#include <CLI/App.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

namespace nats::cli {

namespace {

struct put_arguments {
    std::string bucket;
    std::string file;
    std::string name;
    std::string description;
    std::vector<std::string> headers;
    std::vector<std::string> metadata;
    std::uint32_t chunk_size = 0;
    bool no_progress = false;
    bool force = false;
    bool json = false;
};

struct get_arguments {
    std::string bucket;
    std::string object;
    std::string output;
    bool no_progress = false;
    bool force = false;
};

result<std::size_t> read_standard_input(std::span<char> into) {
    while (true) {
        const ssize_t n = ::read(STDIN_FILENO, into.data(), into.size());
        if (n >= 0) return static_cast<std::size_t>(n);
        if (errno != EINTR)
            return error{errc::io_error, std::error_code(errno, std::generic_category()).message()};
    }
}

/// `NAME:VALUE` as in -H of pub, and `KEY=VALUE`.
obj::object_meta meta_of(const put_arguments& o) {
    obj::object_meta m(o.name);
    m.description = o.description;
    for (const std::string& text : o.headers) {
        const std::size_t colon = text.find(':');
        if (colon == std::string::npos || colon == 0)
            throw usage_error("-H wants NAME:VALUE, not \"" + printable(text) + '"');
        const std::size_t value = text.find_first_not_of(' ', colon + 1);
        m.headers[text.substr(0, colon)].push_back(value == std::string::npos ? std::string()
                                                                              : text.substr(value));
    }
    for (const std::string& text : o.metadata) {
        const std::size_t equals = text.find('=');
        if (equals == std::string::npos || equals == 0)
            throw usage_error("--metadata wants KEY=VALUE, not \"" + printable(text) + '"');
        m.metadata.insert_or_assign(text.substr(0, equals), text.substr(equals + 1));
    }
    return m;
}

std::uint64_t size_of_file(const std::string& path) noexcept {
    struct stat s{};
    if (::stat(path.c_str(), &s) != 0 || !S_ISREG(s.st_mode)) return 0;
    return static_cast<std::uint64_t>(s.st_size);
}

bool is_standard(const std::string& file) noexcept {
    return file.empty() || file == "-";
}

int run_put(const global_options& g, const put_arguments& o) {
    check_object_bucket(o.bucket);
    obj::object_meta m = meta_of(o);
    if (is_standard(o.file) && m.name.empty())
        throw usage_error("object put from standard input needs --name");
    if (m.name.empty()) m.name = blocking::file_name(o.file);
    object_connection c(g);
    object_bucket b = c.bind(o.bucket);
    const std::string name = m.name;
    obj::object_info stored;
    {
        progress_bar bar(printable(name), !o.no_progress);
        obj::put_options how{.chunk_size = o.chunk_size, .progress = bar.listener()};
        if (is_standard(o.file)) {
            stored = c.take(b.put(std::move(m), read_standard_input, how));
        } else {
            bar.expect(size_of_file(o.file));
            stored = c.take(put_file(b, o.file, std::move(m), how));
        }
    }
    tell(fmt::format("Stored {} in bucket {}", printable(name), o.bucket));
    print_object(c.take(b.info(name)), o.json);
    return c.nats().outcome();
}

int run_get(const global_options& g, const get_arguments& o) {
    check_object_bucket(o.bucket);
    const bool to_stdout = o.output == "-";
    const std::string file = o.output.empty() ? blocking::file_name(o.object) : o.output;
    if (!to_stdout && (file.empty() || file == "." || file == ".."))
        throw usage_error("object get: the object's name is no name of a file: give --output");
    if (!to_stdout && !o.force && ::access(file.c_str(), F_OK) == 0)
        throw usage_error(printable(file) + " exists: give --force to replace it");
    object_connection c(g);
    object_bucket b = c.bind(o.bucket);
    {
        progress_bar bar(printable(o.object), !o.no_progress && !to_stdout);
        obj::get_options how{.progress = bar.listener()};
        output out;
        const auto write = [&out](bytes piece) {
            out.write(piece.text());
            return result<void>();
        };
        if (to_stdout)
            (void)c.take(b.get(o.object, write, how));
        else
            (void)c.take(get_file(b, o.object, file, how));
        out.flush();
    }
    if (!to_stdout) tell(fmt::format("Wrote {} to {}", printable(o.object), printable(file)));
    return c.nats().outcome();
}

} // namespace

// --- the bar

std::string text_of_progress(std::string_view what, std::uint64_t done, std::uint64_t total,
                             duration since, std::size_t width) {
    const double seconds = std::chrono::duration<double>(since).count();
    const auto rate =
        static_cast<std::uint64_t>(seconds > 0 ? static_cast<double>(done) / seconds : 0);
    const std::string numbers =
        total == 0 ? fmt::format("{} {}/s", text_of_bytes(done), text_of_bytes(rate))
                   : fmt::format("{} / {} {}/s", text_of_bytes(done), text_of_bytes(total),
                                 text_of_bytes(rate));
    std::string bar;
    constexpr std::size_t least = 10;
    constexpr std::size_t for_numbers = 36; // so that it does not change all the time
    const std::size_t used = what.size() + std::max(numbers.size(), for_numbers) + 10;
    if (total != 0 && width > used + least) {
        const std::size_t cells = std::min<std::size_t>(width - used, 50);
        const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
        const auto full = static_cast<std::size_t>(part * static_cast<double>(cells));
        bar = fmt::format(" [{}{}] {:3.0f}%", std::string(full, '='),
                          std::string(cells - full, ' '), part * 100);
    }
    return fmt::format("{}{} {}", what, bar, numbers);
}

progress_bar::progress_bar(std::string what, bool wanted)
    : what_(std::move(what)), shown_(wanted && ::isatty(STDERR_FILENO) == 1), begun_(clock::now()) {
    constexpr std::size_t longest = 30;
    if (what_.size() > longest) what_ = what_.substr(0, longest - 3) + "...";
}

progress_bar::~progress_bar() {
    if (drawn_) tell("");
}

obj::progress_listener progress_bar::listener() noexcept {
    if (!shown_) return {};
    return {[](void* self, const obj::transfer_progress& p) {
                static_cast<progress_bar*>(self)->show(p);
            },
            this};
}

void progress_bar::show(const obj::transfer_progress& p) {
    constexpr std::size_t columns = 80;
    const std::uint64_t total = p.total.value_or(total_);
    const time_point now = clock::now();
    if (now < next_ && p.bytes != total) return;
    next_ = now + std::chrono::milliseconds(100);
    drawn_ = true;
    const std::string line =
        "\r\x1b[K" + text_of_progress(what_, p.bytes, total, now - begun_, columns);
    if (::write(STDERR_FILENO, line.data(), line.size()) < 0) shown_ = false;
}

// --- the commands

command add_object_put(CLI::App& group) {
    const auto o = std::make_shared<put_arguments>();
    CLI::App* const c = group.add_subcommand("put", "Write a file into a bucket");
    add_object_bucket(*c, o->bucket)->required();
    c->add_option("file", o->file, "The file; - or none: standard input")->type_name("");
    c->add_option("--name", o->name, "The object's name; by default that of the file")
        ->type_name("NAME");
    c->add_option("--description", o->description, "What it is")->type_name("TEXT");
    add_headers(*c, o->headers);
    c->add_option("--metadata", o->metadata, "What else there is to say; may be repeated")
        ->take_all()
        ->expected(1)
        ->type_name("KEY=VALUE");
    c->add_option("--chunk-size", o->chunk_size, "Bytes of each of its messages")
        ->transform(CLI::AsSizeValue(false))
        ->type_name("BYTES");
    c->add_flag("--no-progress", o->no_progress, "No bar on the terminal");
    accept_force(*c);
    add_json(*c, o->json);
    return {c, [o](const global_options& g) { return run_put(g, *o); }};
}

command add_object_get(CLI::App& group) {
    const auto o = std::make_shared<get_arguments>();
    CLI::App* const c = group.add_subcommand("get", "Read an object into a file");
    add_object_bucket(*c, o->bucket)->required();
    c->add_option("object", o->object, "The object's name")->type_name("")->required();
    c->add_option("-O,--output", o->output,
                  "The file; - is standard output; by default the object's name")
        ->type_name("FILE");
    c->add_flag("--no-progress", o->no_progress, "No bar on the terminal");
    c->add_flag("-f,--force", o->force, "Replace a file that is there");
    return {c, [o](const global_options& g) { return run_get(g, *o); }};
}

} // namespace nats::cli
