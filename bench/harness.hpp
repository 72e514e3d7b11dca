// SPDX-License-Identifier: Apache-2.0
//
// What all benchmarks share. A program adds its contenders to a suite, measure by measure; one call
// of the program measures each of them once, one after the other, and prints a line of JSON for
// every figure. bench/run calls the programs in turn, several times, and makes the table: so rounds
// are interleaved, and a contender never follows itself.
//
//   NAME_bench                      one round of everything
//   NAME_bench --only REGEX         what has a match in "measure | contender"
//   NAME_bench --quick              fewer messages
//   NAME_bench --list               the names
//   NAME_bench --counted            few messages and only what is counted: for callgrind; with
//                                   --quick still fewer

#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace nats::bench {

/// One measured value, such as {"CPU", "ns", 41.5}; less is better unless the unit is a rate.
struct figure {
    std::string name;
    std::string unit;
    double value;
};
using figures = std::vector<figure>;

/// One row of both.
[[nodiscard]] figures joined(figures first, const figures& second);

/// Which contender stands for what: ratios are to these names.
inline constexpr std::string_view raw_limit = "raw"; ///< moves the same bytes and nothing else
/// Formats or parses the protocol as well, with no library around it.
inline constexpr std::string_view protocol_limit = "raw, protocol";
inline constexpr std::string_view libnats_name = "nats.c";

[[noreturn]] void die(const char* what);

/// User and system time of this process, all threads.
[[nodiscard]] double cpu_seconds();

/// Measures from its construction to the call of a figure. Under callgrind, only what is between
/// the two is counted.
class meter {
public:
    meter();
    meter(const meter&) = delete;
    meter& operator=(const meter&) = delete;
    ~meter() = default;

    /// Nanoseconds of CPU for each of `n` messages, {"CPU", "ns"}.
    [[nodiscard]] figures cpu(std::size_t n) const;
    /// That, and how many a second went by the clock, {"rate", "1/s"}.
    [[nodiscard]] figures cpu_and_rate(std::size_t n) const;
    /// That, and microseconds of the clock for each, {"clock", "us"}.
    [[nodiscard]] figures cpu_and_clock(std::size_t n) const;

private:
    struct both {
        double cpu;
        double clock;
    };
    [[nodiscard]] both stop(std::size_t n) const;

    std::chrono::steady_clock::time_point begin_;
    double cpu_;
};

/// Times of many single things.
class lap_times {
public:
    explicit lap_times(std::size_t expected) { us_.reserve(expected); }
    /// What passed since the last lap, or since `begin`.
    void begin() { last_ = std::chrono::steady_clock::now(); }
    void lap() {
        const auto now = std::chrono::steady_clock::now();
        us_.push_back(std::chrono::duration<double, std::micro>(now - last_).count());
        last_ = now;
    }
    void add(std::chrono::nanoseconds t) {
        us_.push_back(std::chrono::duration<double, std::micro>(t).count());
    }
    /// {"p50", "us"}, {"p99", "us"}, {"p99.9", "us"}.
    [[nodiscard]] figures quantiles() const;

private:
    std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
    std::vector<double> us_;
};

class suite {
public:
    /// Reads the command line, and ends the program if it is wrong.
    suite(int argc, char** argv);

    /// `n`, or less of it with --quick, or a few with --counted.
    [[nodiscard]] std::size_t scaled(std::size_t n) const;
    [[nodiscard]] bool counted() const noexcept { return counted_; }

    using contender = std::function<figures()>;
    struct counted_too {};
    /// In the order of the calls. `measure` and `who` have no '|'.
    void add(std::string measure, std::string who, contender run);
    /// The same for one whose instructions, system calls and allocations are counted, too: its
    /// meter stands around `scaled(...)` messages and little else.
    void add(std::string measure, std::string who, contender run, counted_too);

    /// Measures; what `main` returns.
    [[nodiscard]] int run();

private:
    struct entry {
        std::string measure;
        std::string who;
        contender run;
        bool counted;
    };
    std::vector<entry> entries_;
    std::string only_;
    bool quick_ = false;
    bool counted_ = false;
    bool list_ = false;
};

/// What `main` consists of: `fill` adds the contenders.
[[nodiscard]] int run_suite(int argc, char** argv, const std::function<void(suite&)>& fill);

} // namespace nats::bench
