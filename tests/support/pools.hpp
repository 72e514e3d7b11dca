// SPDX-License-Identifier: Apache-2.0
//
// A pool of servers as text: `a` is a:4222, and what is asked of a pool by name.

#pragma once

#include <natsproto/server_pool.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace nats::test {

inline std::vector<server_url> urls(std::string_view list) {
    return list.empty() ? std::vector<server_url>() : parse_server_list(list).value();
}

inline void assign(server_pool& pool, std::string_view list) {
    pool.assign(urls(list), nullptr);
}

inline void put_first(server_pool& pool, std::string_view url) {
    pool.put_first(parse_server_url(url).value());
}

inline std::string name_of(const endpoint& e) {
    return e.port == 4222 ? e.host : e.text();
}

inline std::string name_of(const pool_server* s) {
    return s == nullptr ? "none" : name_of(s->url.where);
}

inline std::string joined(const std::vector<endpoint>& list) {
    std::string out;
    for (const endpoint& e : list) out += (out.empty() ? "" : " ") + name_of(e);
    return out;
}

/// "a b* c": the order of the pool, with a star behind each discovered server.
inline std::string order(const server_pool& pool) {
    std::string out;
    for (std::size_t i = 0; i < pool.size(); ++i) {
        out += (out.empty() ? "" : " ") + name_of(pool[i].url.where);
        if (pool[i].discovered) out += '*';
    }
    return out;
}

inline std::string discover(server_pool& pool, const std::vector<std::string>& told) {
    return joined(pool.discover(told, nullptr, false));
}

inline const pool_server& server(const server_pool& pool, std::string_view name) {
    for (std::size_t i = 0; i < pool.size(); ++i) {
        if (name_of(pool[i].url.where) == name) return pool[i];
    }
    ADD_FAILURE() << name << " is not in the pool: " << order(pool);
    static const pool_server none;
    return none;
}

inline std::string login_of(const pool_server& s) {
    return s.url.user + '/' + s.url.password + '/' + s.url.token;
}

/// Makes the pool's named server current.
inline pool_server* choose(server_pool& pool, std::string_view name) {
    for (std::size_t i = 0; i < pool.size(); ++i) {
        if (name_of(pool[i].url.where) == name) return pool.choose(i);
    }
    return nullptr;
}

} // namespace nats::test
