// SPDX-License-Identifier: Apache-2.0
//
// Matching a subject of three tokens among 100, 10,000 and 100,000 subscriptions, beside the least
// that any router must do: one look into a hash table with the whole subject as the key, without
// protection from strangers who choose subjects. Compare the rows of one run as ratios; absolute
// times drift.

#include <natsproto/random.hpp>
#include <natsproto/routing/subject_router.hpp>

#include <benchmark/benchmark.h>
#include <boost/unordered/unordered_flat_map.hpp>

#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace {

using route = nats::subject_router::route;

/// Texts of `n` subscriptions, and a subject for each that it matches.
struct shape {
    std::vector<std::string> patterns;
    std::vector<std::string> subjects;
};

shape literal(std::size_t n) {
    shape out;
    for (std::size_t i = 0; i < n; ++i)
        out.patterns.push_back("orders." + std::to_string(i % 317) + ".o" + std::to_string(i));
    out.subjects = out.patterns;
    return out;
}

/// Inboxes, as clients subscribe them for their replies.
shape inboxes(std::size_t n) {
    shape out;
    nats::seeded_random random(2);
    for (std::size_t i = 0; i < n; ++i) {
        std::string prefix = "_INBOX.";
        for (int c = 0; c < 22; ++c) prefix += static_cast<char>('A' + random.below(26));
        out.patterns.push_back(prefix + ".*");
        out.subjects.push_back(prefix + ".1a2b3c");
    }
    return out;
}

/// A wildcard amid literals, each with a branch of its own behind it.
shape amid(std::size_t n) {
    shape out;
    for (std::size_t i = 0; i < n; ++i) {
        out.patterns.push_back("orders.*.o" + std::to_string(i));
        out.subjects.push_back("orders." + std::to_string(i % 317) + ".o" + std::to_string(i));
    }
    return out;
}

/// Half of the subscriptions literal, the others inboxes; a few that see much of it all.
shape mixed(std::size_t n) {
    shape out = literal(n / 2);
    shape other = inboxes(n - n / 2);
    for (std::size_t i = 0; i < other.patterns.size(); ++i) {
        out.patterns.push_back(std::move(other.patterns[i]));
        out.subjects.push_back(std::move(other.subjects[i]));
    }
    out.patterns.insert(out.patterns.end(), {"orders.*.*", "orders.1.>"});
    return out;
}

void shuffle(std::vector<std::string>& texts) {
    nats::seeded_random random(3);
    for (std::size_t i = texts.size(); i > 1; --i) std::swap(texts[i - 1], texts[random.below(i)]);
}

template <shape (*Shape)(std::size_t)>
void match(benchmark::State& state) {
    shape s = Shape(static_cast<std::size_t>(state.range(0)));
    shuffle(s.subjects);
    nats::seeded_random random(1);
    nats::subject_router router(random);
    std::deque<route> routes;
    for (const std::string& p : s.patterns) {
        if (!router.insert(routes.emplace_back(), p)) std::abort();
    }
    nats::subject_router::matches found;
    std::size_t i = 0;
    for (auto _ : state) {
        router.match(s.subjects[i], found);
        if (found.plain.empty()) state.SkipWithError("it must match");
        if (++i == s.subjects.size()) i = 0;
    }
    for (route& r : routes) router.erase(r);
}

/// The limit.
template <shape (*Shape)(std::size_t)>
void one_lookup(benchmark::State& state) {
    shape s = Shape(static_cast<std::size_t>(state.range(0)));
    boost::unordered_flat_map<std::string, std::size_t> table;
    for (const std::string& p : s.subjects) table.emplace(p, table.size());
    shuffle(s.subjects);
    std::size_t i = 0;
    std::size_t sum = 0;
    for (auto _ : state) {
        sum += table.find(s.subjects[i])->second;
        if (++i == s.subjects.size()) i = 0;
    }
    benchmark::DoNotOptimize(sum);
}

/// One subscription comes and one goes, among many.
template <shape (*Shape)(std::size_t)>
void insert_and_erase(benchmark::State& state) {
    const shape s = Shape(static_cast<std::size_t>(state.range(0)));
    nats::seeded_random random(1);
    nats::subject_router router(random);
    std::deque<route> routes;
    for (const std::string& p : s.patterns) {
        if (!router.insert(routes.emplace_back(), p)) std::abort();
    }
    std::size_t i = 0;
    for (auto _ : state) {
        router.erase(routes[i]);
        if (!router.insert(routes[i], s.patterns[i])) std::abort();
        i = (i + 7919) % routes.size();
    }
    for (route& r : routes) router.erase(r);
}

} // namespace

#define FOR_EACH_SIZE ArgName("subscriptions")->Arg(100)->Arg(10'000)->Arg(100'000)
BENCHMARK(one_lookup<literal>)->FOR_EACH_SIZE;
BENCHMARK(match<literal>)->FOR_EACH_SIZE;
BENCHMARK(one_lookup<inboxes>)->FOR_EACH_SIZE;
BENCHMARK(match<inboxes>)->FOR_EACH_SIZE;
BENCHMARK(one_lookup<amid>)->FOR_EACH_SIZE;
BENCHMARK(match<amid>)->FOR_EACH_SIZE;
BENCHMARK(match<mixed>)->FOR_EACH_SIZE;
BENCHMARK(insert_and_erase<literal>)->FOR_EACH_SIZE;
BENCHMARK(insert_and_erase<inboxes>)->FOR_EACH_SIZE;
BENCHMARK(insert_and_erase<amid>)->FOR_EACH_SIZE;

BENCHMARK_MAIN();
