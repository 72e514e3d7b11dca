// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: a list in the order of the next attempts. Reconnecting takes the front and
// puts what it has left to the end, so the list is a queue; the first pass walks along it instead
// and marks what it has tried, so that a list that changes meanwhile makes it neither miss nor
// repeat one. The records are allocated one by one, since the session holds on to the current one
// while the list is shuffled and replaced around it; when it leaves the list it is kept aside until
// another becomes current. What a peer tells is compared by sorted look-ups: an INFO of a thousand
// servers must not cost a million comparisons.

#include <natsproto/server_pool.hpp>

#include <boost/url/ipv4_address.hpp>
#include <boost/url/ipv6_address.hpp>

#include <algorithm>
#include <set>
#include <utility>

namespace nats {

namespace {

/// Fisher-Yates on what stands at `from` and behind.
template <class T>
void shuffle_behind(std::vector<T>& v, std::size_t from, random_source& random) {
    for (std::size_t left = v.size(); left > from + 1; --left) {
        const std::size_t i = from + static_cast<std::size_t>(random.below(left - from));
        std::swap(v[left - 1], v[i]);
    }
}

bool same_login(const server_url& a, const server_url& b) noexcept {
    return a.user == b.user && a.password == b.password && a.token == b.token;
}

/// The endpoints that INFO names, in order and each once, and their texts.
struct told_servers {
    std::vector<endpoint> in_order;
    std::set<std::string> texts;

    explicit told_servers(std::span<const std::string> connect_urls) {
        for (const std::string& text : connect_urls) {
            if (text.find('@') != std::string::npos || text.find("://") != std::string::npos)
                continue;
            result<server_url> url = parse_server_url(text);
            if (url && texts.insert(url->where.text()).second)
                in_order.push_back(std::move(url->where));
        }
    }
};

} // namespace

bool is_ip_address(std::string_view host) noexcept {
    if (boost::urls::parse_ipv4_address({host.data(), host.size()})) return true;
    const std::size_t zone = host.find('%');
    if (zone != std::string_view::npos && zone + 1 == host.size()) return false;
    const std::string_view address = host.substr(0, zone);
    return boost::urls::parse_ipv6_address({address.data(), address.size()}).has_value();
}

// --- what the user names

/// The record of an endpoint, out of `from` or from aside; null when there is none.
std::unique_ptr<pool_server> server_pool::take(list& from, const endpoint& where) {
    if (removed_ && removed_->url.where == where) return std::move(removed_);
    const auto found = std::find_if(from.begin(), from.end(),
                                    [&where](const auto& s) { return s->url.where == where; });
    if (found == from.end()) return nullptr;
    std::unique_ptr<pool_server> out = std::move(*found);
    from.erase(found);
    return out;
}

/// The record of a server that the user names: the one that it has already, or a new one.
std::unique_ptr<pool_server> server_pool::named_by_user(list& from, server_url url) {
    tls_ = tls_ || url.tls;
    std::unique_ptr<pool_server> out = take(from, url.where);
    if (!out) {
        out = std::make_unique<pool_server>();
        out->url = std::move(url);
    } else if (!same_login(out->url, url)) {
        out->url.set_login(url);
        out->refusal.reset();
    }
    out->tls_name = out->url.where.host;
    out->discovered = false;
    return out;
}

/// Puts the current server aside if it is in a list that it is about to leave; null is left in its
/// place.
void server_pool::keep_current(list& from) noexcept {
    const auto found = std::find_if(from.begin(), from.end(),
                                    [this](const auto& s) { return s.get() == current_; });
    if (found != from.end()) removed_ = std::move(*found);
}

void server_pool::spread_tls() noexcept {
    for (const auto& s : servers_) s->url.tls = tls_;
}

void server_pool::assign(std::vector<server_url> servers, random_source* shuffle) {
    list old = std::exchange(servers_, {});
    for (server_url& url : servers) {
        const auto known = std::find_if(servers_.begin(), servers_.end(), [&url](const auto& s) {
            return s->url.where == url.where;
        });
        if (known == servers_.end())
            servers_.push_back(named_by_user(old, std::move(url)));
        else
            tls_ = tls_ || url.tls;
    }
    keep_current(old);
    spread_tls();
    if (shuffle != nullptr) shuffle_behind(servers_, 0, *shuffle);
}

void server_pool::put_first(server_url server) {
    std::unique_ptr<pool_server> s = named_by_user(servers_, std::move(server));
    servers_.insert(servers_.begin(), std::move(s));
    spread_tls();
}

// --- walks

pool_server* server_pool::make_current(std::size_t i) noexcept {
    removed_.reset();
    current_ = i < servers_.size() ? servers_[i].get() : nullptr;
    return current_;
}

pool_server* server_pool::first() noexcept {
    for (const auto& s : servers_) s->tried = false;
    if (make_current(0) != nullptr) current_->tried = true;
    return current_;
}

pool_server* server_pool::next_of_pass() noexcept {
    const auto found =
        std::find_if(servers_.begin(), servers_.end(), [](const auto& s) { return !s->tried; });
    if (found == servers_.end()) return nullptr;
    make_current(static_cast<std::size_t>(found - servers_.begin()))->tried = true;
    return current_;
}

bool server_pool::has_failed(const pool_server& s, int max_failures) noexcept {
    return max_failures >= 0 && s.failures >= static_cast<std::uint32_t>(max_failures);
}

pool_server* server_pool::next(int max_failures) noexcept {
    const auto it = std::find_if(servers_.begin(), servers_.end(),
                                 [this](const auto& s) { return s.get() == current_; });
    if (it != servers_.end()) {
        if (has_failed(*current_, max_failures))
            servers_.erase(it);
        else
            std::rotate(it, it + 1, servers_.end());
    }
    return make_current(0);
}

pool_server* server_pool::choose(std::size_t i) noexcept {
    return i < servers_.size() ? make_current(i) : nullptr;
}

void server_pool::drop_failed(int max_failures) noexcept {
    if (current_ != nullptr && has_failed(*current_, max_failures)) keep_current(servers_);
    std::erase_if(servers_, [max_failures](const auto& s) {
        return s == nullptr || has_failed(*s, max_failures); // null: the current one was here
    });
}

// --- what a server tells

/// The record of a server that is new to the list; null when it is not to be trusted.
std::unique_ptr<pool_server> server_pool::told_by_server(endpoint where, bool only_addresses) {
    const bool inherits = current_ != nullptr && is_ip_address(where.host) &&
                          !current_->tls_name.empty() && !is_ip_address(current_->tls_name);
    if (only_addresses && !inherits) return nullptr;
    // The connected one, which the user has taken out of the list, comes back with its record.
    if (removed_ && removed_->url.where == where) {
        removed_->discovered = true;
        return std::move(removed_);
    }
    auto out = std::make_unique<pool_server>();
    out->discovered = true;
    out->tls_name = inherits ? current_->tls_name : where.host;
    out->url.where = std::move(where);
    if (current_ != nullptr) out->url.set_login(current_->url);
    return out;
}

std::vector<endpoint> server_pool::discover(std::span<const std::string> connect_urls,
                                            random_source* shuffle, bool only_addresses) {
    const told_servers told(connect_urls);
    if (told.in_order.empty()) return {};
    std::erase_if(servers_, [&](const auto& s) {
        return s->discovered && s.get() != current_ && !told.texts.contains(s->url.where.text());
    });
    std::set<std::string> known;
    for (const auto& s : servers_) known.insert(s->url.where.text());
    std::vector<endpoint> added;
    for (const endpoint& where : told.in_order) {
        if (known.contains(where.text())) continue;
        std::unique_ptr<pool_server> s = told_by_server(where, only_addresses);
        if (!s) continue;
        servers_.push_back(std::move(s));
        added.push_back(where);
    }
    spread_tls();
    if (!added.empty() && shuffle != nullptr) shuffle_behind(servers_, 1, *shuffle);
    return added;
}

} // namespace nats
