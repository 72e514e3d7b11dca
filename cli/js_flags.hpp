// SPDX-License-Identifier: Apache-2.0
//
// Flags that change a configuration: each one that is given is a change, which is made to whatever
// the command begins with: the defaults, a file, or what the server has.

#pragma once

#include <natsproto/jetstream/stream_config.hpp>

#include "common.hpp"

#include <CLI/App.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace nats::cli {

// Values of flags; all throw CLI::ValidationError, which names the flag.

[[nodiscard]] std::int64_t parse_number(const std::string& flag, const std::string& text,
                                        std::int64_t lowest, std::int64_t highest);
/// A number, perhaps with one of the units B, K, M, G and T, KB, KiB and so on, each 1024 of the
/// one before; -1 is none.
[[nodiscard]] std::int64_t parse_bytes(const std::string& flag, const std::string& text,
                                       std::int64_t highest);
/// A duration; -1 is none, which is 0.
[[nodiscard]] std::chrono::nanoseconds parse_limit(const std::string& flag,
                                                   const std::string& text);
/// `KEY=VALUE`
[[nodiscard]] std::pair<std::string, std::string> parse_pair(const std::string& flag,
                                                             const std::string& text);
/// What commas separate, without the blanks around.
[[nodiscard]] std::vector<std::string> parse_list(const std::string& flag,
                                                  const std::vector<std::string>& texts);

/// A flag that may be given several times, with one value each.
CLI::Option* add_texts(CLI::App& app, const std::string& names,
                       std::function<void(const std::vector<std::string>&)> set,
                       const std::string& help);

template <class Config>
class config_flags {
public:
    using change = std::function<void(Config&)>;

    explicit config_flags(CLI::App& app) : app_(app) {}
    config_flags(const config_flags&) = delete;
    config_flags& operator=(const config_flags&) = delete;
    ~config_flags() = default;

    [[nodiscard]] bool empty() const noexcept { return changes_.empty(); }
    void apply(Config& c) const {
        for (const change& f : changes_) f(c);
    }

    /// `make` turns the text behind the flag into a change.
    void add(const std::string& flag, const char* type, const std::string& help,
             std::function<change(const std::string&)> make) {
        app_.add_option_function<std::string>(
                flag,
                [this, make = std::move(make)](const std::string& text) {
                    changes_.push_back(make(text));
                },
                help)
            ->type_name(type);
    }
    /// The same for one that may be given several times, or have several values.
    void add_list(const std::string& flag, const char* type, const std::string& help,
                  std::function<change(std::vector<std::string>)> make) {
        const auto set = [this, flag, make = std::move(make)](const std::vector<std::string>& t) {
            changes_.push_back(make(parse_list(flag, t)));
        };
        add_texts(app_, flag, set, help)->type_name(type);
    }
    /// One without a value; `!--no-x` in its names is the opposite.
    void add_switch(const std::string& names, const std::string& help,
                    std::function<void(Config&, bool)> set) {
        const auto note = [this, set = std::move(set)](std::int64_t n) {
            changes_.push_back([set, on = n > 0](Config& c) { set(c, on); });
        };
        app_.add_flag_function(names, note, help);
    }

    // For members.
    void text(const std::string& flag, const char* type, const std::string& help,
              std::string Config::* member) {
        add(flag, type, help, [member](const std::string& text) {
            return [member, text](Config& c) { c.*member = text; };
        });
    }
    void toggle(const std::string& names, const std::string& help, bool Config::* member) {
        add_switch(names, help, [member](Config& c, bool on) { c.*member = on; });
    }
    template <class T>
    void number(const std::string& flag, const char* type, const std::string& help,
                T Config::* member, std::int64_t lowest = -1,
                std::int64_t highest = std::numeric_limits<std::int64_t>::max()) {
        add(flag, type, help, [=](const std::string& text) {
            const auto n = static_cast<T>(parse_number(flag, text, lowest, highest));
            return [member, n](Config& c) { c.*member = n; };
        });
    }
    template <class T>
    void bytes(const std::string& flag, const std::string& help, T Config::* member) {
        add(flag, "BYTES", help, [=](const std::string& text) {
            const auto n = static_cast<T>(parse_bytes(flag, text, std::numeric_limits<T>::max()));
            return [member, n](Config& c) { c.*member = n; };
        });
    }
    void time(const std::string& flag, const std::string& help,
              std::chrono::nanoseconds Config::* member) {
        add(flag, "DURATION", help, [=](const std::string& text) {
            return [member, d = parse_limit(flag, text)](Config& c) { c.*member = d; };
        });
    }
    template <class E>
    using words = std::vector<std::pair<const char*, E>>;
    template <class E>
    void choice(const std::string& flag, const std::string& help, E Config::* member,
                words<E> all) {
        add(flag, "WORD", help, [=](const std::string& text) {
            for (const auto& [word, value] : all) {
                if (text == word) return change([member, v = value](Config& c) { c.*member = v; });
            }
            throw CLI::ValidationError(wrong_word(flag, text, help));
        });
    }
    void metadata(const std::string& flag, const std::string& help,
                  std::map<std::string, std::string, std::less<>> Config::* member) {
        const auto set = [this, flag, member](const std::vector<std::string>& texts) {
            for (const std::string& t : texts) {
                changes_.push_back([member, p = parse_pair(flag, t)](Config& c) {
                    (c.*member).insert_or_assign(p.first, p.second);
                });
            }
        };
        add_texts(app_, flag, set, help)->type_name("KEY=VALUE");
    }

private:
    static std::string wrong_word(const std::string& flag, const std::string& text,
                                  const std::string& help) {
        return flag + ": \"" + printable(text) + "\" is none of these: " + help;
    }

    CLI::App& app_;
    std::vector<change> changes_;
};

// Flags that streams and buckets have.

/// `replicas`, and the `placement` of a configuration; `tags` is that flag's name.
template <class Config, class N>
void add_placement(config_flags<Config>& f, N Config::* replicas, const char* tags) {
    f.number("--replicas", "N", "How many servers keep it", replicas, 1, 5);
    f.add("--cluster", "NAME", "The cluster that keeps it", [](const std::string& name) {
        return [name](Config& c) {
            if (!c.placement) c.placement.emplace();
            c.placement->cluster = name;
        };
    });
    f.add_list(tags, "TAGS", "Only servers with these tags keep it: a comma list",
               [](std::vector<std::string> given) {
                   return [given](Config& c) {
                       if (!c.placement) c.placement.emplace();
                       c.placement->tags = given;
                   };
               });
}

/// The `republish` of a configuration; `done` is what was done with a message.
template <class Config>
void add_republish(config_flags<Config>& f, const std::string& done) {
    const auto text = [&f](const char* flag, const std::string& help,
                           std::string js::republish::* member) {
        f.add(flag, "SUBJECT", help, [member](const std::string& subject) {
            return [member, subject](Config& c) {
                if (!c.republish) c.republish.emplace();
                (*c.republish).*member = subject;
            };
        });
    };
    text("--republish-source", "Which subjects --republish-destination is for",
         &js::republish::src);
    text("--republish-destination", "Publish what was " + done + " once more, to here",
         &js::republish::dest);
    f.add_switch("--republish-headers,!--no-republish-headers", "Publish only the headers there",
                 [](Config& c, bool on) {
                     if (!c.republish) c.republish.emplace();
                     c.republish->headers_only = on;
                 });
}

} // namespace nats::cli
