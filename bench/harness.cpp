// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: nothing is computed here but a round. A line is one figure:
// {"measure":...,"contender":...,"figure":...,"unit":...,"value":...}. Under callgrind a meter has
// the counts of what it surrounds dumped under the name "measure|contender|messages", which
// bench/callgrind.py reads.

#include "harness.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <regex>
#include <utility>

#include <sys/resource.h>
#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#define NATSPROTO_BENCH_CALLGRIND 1
#else
#define NATSPROTO_BENCH_CALLGRIND 0
#endif

namespace nats::bench {

namespace {

/// Of the contender that runs.
std::string running;

void begin_counting() {
#if NATSPROTO_BENCH_CALLGRIND
    CALLGRIND_START_INSTRUMENTATION;
    CALLGRIND_ZERO_STATS;
#endif
}

void end_counting(std::size_t n) {
#if NATSPROTO_BENCH_CALLGRIND
    if (RUNNING_ON_VALGRIND == 0) return;
    const std::string name = running + '|' + std::to_string(n);
    CALLGRIND_DUMP_STATS_AT(name.c_str());
    CALLGRIND_STOP_INSTRUMENTATION;
#else
    (void)n;
#endif
}

[[noreturn]] void usage(const char* program) {
    std::fprintf(stderr, "usage: %s [--only REGEX] [--quick] [--list] [--counted]\n", program);
    std::exit(2);
}

} // namespace

void die(const char* what) {
    std::perror(what);
    std::exit(1);
}

double cpu_seconds() {
    rusage u{};
    ::getrusage(RUSAGE_SELF, &u);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return seconds(u.ru_utime) + seconds(u.ru_stime);
}

figures joined(figures first, const figures& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

// --- meter

meter::meter() : begin_(std::chrono::steady_clock::now()), cpu_(cpu_seconds()) {
    begin_counting();
}

meter::both meter::stop(std::size_t n) const {
    end_counting(n);
    const std::chrono::duration<double> clock = std::chrono::steady_clock::now() - begin_;
    return {cpu_seconds() - cpu_, clock.count()};
}

figures meter::cpu(std::size_t n) const {
    return {{"CPU", "ns", stop(n).cpu / static_cast<double>(n) * 1e9}};
}

figures meter::cpu_and_rate(std::size_t n) const {
    const both t = stop(n);
    return {{"CPU", "ns", t.cpu / static_cast<double>(n) * 1e9},
            {"rate", "1/s", static_cast<double>(n) / t.clock}};
}

figures meter::cpu_and_clock(std::size_t n) const {
    const both t = stop(n);
    return {{"CPU", "ns", t.cpu / static_cast<double>(n) * 1e9},
            {"clock", "us", t.clock / static_cast<double>(n) * 1e6}};
}

figures lap_times::quantiles() const {
    std::vector<double> sorted = us_;
    std::sort(sorted.begin(), sorted.end());
    const auto at = [&](double q) {
        const auto i = static_cast<std::size_t>(q * static_cast<double>(sorted.size()));
        return sorted.empty() ? 0 : sorted[std::min(sorted.size() - 1, i)];
    };
    return {{"p50", "us", at(0.5)}, {"p99", "us", at(0.99)}, {"p99.9", "us", at(0.999)}};
}

// --- suite

suite::suite(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view a = argv[i];
        if (a == "--quick") {
            quick_ = true;
        } else if (a == "--counted") {
            counted_ = true;
        } else if (a == "--list") {
            list_ = true;
        } else if (a == "--only" && i + 1 < argc) {
            only_ = argv[++i];
        } else {
            usage(argv[0]);
        }
    }
}

std::size_t suite::scaled(std::size_t n) const {
    if (counted_) return std::min<std::size_t>(n, quick_ ? 1'000 : 20'000);
    return std::max<std::size_t>(1, quick_ ? n / 8 : n);
}

void suite::add(std::string measure, std::string who, contender run) {
    entries_.push_back({std::move(measure), std::move(who), std::move(run), false});
}

void suite::add(std::string measure, std::string who, contender run, counted_too) {
    entries_.push_back({std::move(measure), std::move(who), std::move(run), true});
}

int suite::run() {
    const std::regex wanted(only_, std::regex::ECMAScript | std::regex::icase);
    for (const entry& e : entries_) {
        const std::string name = e.measure + " | " + e.who;
        if (!std::regex_search(name, wanted) || (counted_ && !e.counted)) continue;
        if (list_) {
            std::puts(name.c_str());
            continue;
        }
        running = e.measure + '|' + e.who;
        for (const figure& f : e.run()) {
            const boost::json::object line{{"measure", e.measure},
                                           {"contender", e.who},
                                           {"figure", f.name},
                                           {"unit", f.unit},
                                           {"value", f.value}};
            std::puts(boost::json::serialize(line).c_str());
        }
        std::fflush(stdout);
    }
    return 0;
}

int run_suite(int argc, char** argv, const std::function<void(suite&)>& fill) try {
    suite s(argc, argv);
    fill(s);
    return s.run();
} catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", argv[0], e.what());
    return 1;
}

} // namespace nats::bench
