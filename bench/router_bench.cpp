// SPDX-License-Identifier: Apache-2.0
//
// Matching a subject of three tokens among 100, 10,000 and 100,000 subscriptions, beside the least
// that any router must do: one look into a hash table with the whole subject as the key, without
// protection from strangers who choose subjects. And one subscription that comes and goes among
// them.

#include <natsproto/random.hpp>
#include <natsproto/routing/subject_router.hpp>

#include "harness.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cerrno>
#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace nats::bench; // NOLINT(google-build-using-namespace): all of it is used
using route = nats::subject_router::route;

/// Texts of `n` subscriptions, and a subject for each that it matches.
struct subscriptions {
    std::vector<std::string> patterns;
    std::vector<std::string> subjects;
};

subscriptions literal(std::size_t n) {
    subscriptions out;
    for (std::size_t i = 0; i < n; ++i)
        out.patterns.push_back("orders." + std::to_string(i % 317) + ".o" + std::to_string(i));
    out.subjects = out.patterns;
    return out;
}

/// Inboxes, as clients subscribe them for their replies.
subscriptions inboxes(std::size_t n) {
    subscriptions out;
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
subscriptions amid(std::size_t n) {
    subscriptions out;
    for (std::size_t i = 0; i < n; ++i) {
        out.patterns.push_back("orders.*.o" + std::to_string(i));
        out.subjects.push_back("orders." + std::to_string(i % 317) + ".o" + std::to_string(i));
    }
    return out;
}

/// Half of the subscriptions literal, the others inboxes; a few that see much of it all.
subscriptions mixed(std::size_t n) {
    subscriptions out = literal(n / 2);
    subscriptions other = inboxes(n - n / 2);
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

/// All of them in a router.
class full_router {
public:
    explicit full_router(const subscriptions& s) {
        for (const std::string& p : s.patterns) {
            if (!router.insert(routes.emplace_back(), p)) die("insert");
        }
    }
    full_router(const full_router&) = delete;
    full_router& operator=(const full_router&) = delete;
    ~full_router() {
        for (route& r : routes) router.erase(r);
    }

private:
    nats::seeded_random random_{1};

public:
    nats::subject_router router{random_};
    std::deque<route> routes;
};

void expect(bool good, const char* what) {
    if (good) return;
    errno = ENOENT;
    die(what);
}

figures match(subscriptions s, std::size_t n) {
    shuffle(s.subjects);
    full_router full(s);
    nats::subject_router::matches found;
    std::size_t at = 0;
    std::size_t matched = 0;
    const meter m;
    for (std::size_t i = 0; i < n; ++i) {
        full.router.match(s.subjects[at], found);
        matched += found.plain.empty() ? 0U : 1U;
        if (++at == s.subjects.size()) at = 0;
    }
    figures out = m.cpu(n);
    expect(matched == n, "match");
    return out;
}

/// The limit.
figures one_lookup(subscriptions s, std::size_t n) {
    boost::unordered_flat_map<std::string, std::size_t> table;
    for (const std::string& p : s.subjects) table.emplace(p, 1);
    shuffle(s.subjects);
    std::size_t at = 0;
    std::size_t matched = 0;
    const meter m;
    for (std::size_t i = 0; i < n; ++i) {
        matched += table.find(s.subjects[at])->second;
        if (++at == s.subjects.size()) at = 0;
    }
    figures out = m.cpu(n);
    expect(matched == n, "find");
    return out;
}

/// One subscription comes and one goes, among many.
figures insert_and_erase(const subscriptions& s, std::size_t n) {
    full_router full(s);
    std::size_t at = 0;
    bool good = true;
    const meter m;
    for (std::size_t i = 0; i < n; ++i) {
        full.router.erase(full.routes[at]);
        good = full.router.insert(full.routes[at], s.patterns[at]).has_value() && good;
        at = (at + 7919) % full.routes.size();
    }
    figures out = m.cpu(n);
    expect(good, "insert");
    return out;
}

} // namespace

int main(int argc, char** argv) {
    return run_suite(argc, argv, [](suite& all) {
        const struct {
            const char* name;
            subscriptions (*make)(std::size_t);
        } kinds[] = {
            {"literals", literal}, {"inboxes", inboxes}, {"wildcards", amid}, {"a mixture", mixed}};
        const std::pair<const char*, std::size_t> sizes[] = {
            {"100", 100}, {"10,000", 10'000}, {"100,000", 100'000}};
        const std::size_t n = all.scaled(400'000);
        for (const auto& [name, make] : kinds) {
            for (const auto& [text, size] : sizes) {
                const std::string among = std::string(text) + ' ' + name;
                const auto patterns = [make = make, size = size] { return make(size); };
                all.add("match among " + among, "raw", [=] { return one_lookup(patterns(), n); });
                all.add("match among " + among, "router", [=] { return match(patterns(), n); });
                all.add("subscribe and unsubscribe among " + among, "router",
                        [=] { return insert_and_erase(patterns(), n); });
            }
        }
    });
}
