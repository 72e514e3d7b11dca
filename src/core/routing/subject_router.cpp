// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation.
//
// A pattern without wildcards is found by its whole text: one look into a hash table. The others
// stand in a trie. A node's label is one or more tokens, so that only branches and patterns cost a
// node, however many tokens a stranger's pattern has: there are at most two nodes for a pattern.
// Each node keeps the text of all tokens up to its end; its label is the last part of it, so that
// nodes are split and joined without copying. The children by a literal token are in the same hash
// table, under (parent, first token of the label); `*` and `>` are pointers.
//
// A match visits a node at most once and keeps the branches still to be visited on a stack of its
// own: never more than the subject has tokens. Nothing here recurses.

#include <natsproto/routing/subject_router.hpp>

#include "core/routing/keyed_set.hpp"
#include "core/routing/pointer_list.hpp"
#include "core/routing/tokens.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <new>
#include <string>

namespace nats {

using routing::keyed_set;
using routing::pointer_list;
using routing::siphash_key;
using routing::token_reader;

namespace {

constexpr std::size_t longest_text = std::size_t{1} << 30U;

/// `T(text.size(), parts...)` with a copy of `text` right behind it.
template <class T, class... Parts>
T* make_with_text(std::string_view text, Parts... parts) {
    void* const memory = ::operator new(sizeof(T) + text.size());
    T* const made = new (memory) T(static_cast<std::uint32_t>(text.size()), parts...);
    if (!text.empty())
        std::memcpy(static_cast<char*>(memory) + sizeof(T), text.data(), text.size());
    return made;
}

template <class T>
void destroy_with_text(T* object) noexcept {
    object->~T();
    ::operator delete(object);
}

template <class T>
std::string_view text_behind(const T* object, std::size_t size) noexcept {
    return {reinterpret_cast<const char*>(object) + sizeof(T), size};
}

std::string_view first_token(std::string_view label) noexcept {
    return label.substr(0, label.find('.'));
}

bool has_wildcard(std::string_view pattern) noexcept {
    token_reader tokens(pattern);
    while (const auto token = tokens.next()) {
        if (*token == "*" || *token == ">") return true;
    }
    return false;
}

/// `text` and `pattern` agree in the token at `begin` and all before it: where the last of the
/// tokens ends that they have in common.
std::size_t common_end(std::string_view text, std::string_view pattern,
                       std::size_t begin) noexcept {
    const std::size_t most = std::min(text.size(), pattern.size());
    std::size_t end = begin;
    while (end != most && text[end] == pattern[end]) ++end;
    const auto token_ends = [end](std::string_view s) { return end == s.size() || s[end] == '.'; };
    return token_ends(text) && token_ends(pattern) ? end : text.rfind('.', end - 1);
}

} // namespace

struct subject_router::group {
    group(std::uint32_t text_size, node* n) noexcept : owner(n), size(text_size) {}
    [[nodiscard]] std::string_view name() const noexcept { return text_behind(this, size); }
    [[nodiscard]] routing::place place() const noexcept { return {owner, name()}; }
    [[nodiscard]] bool is_at(const routing::place& p) const noexcept { return place() == p; }

    node* owner;
    pointer_list<route> members;
    std::uint32_t at = 0; ///< in the list of its owner
    std::uint32_t size;
};

struct subject_router::node {
    node(std::uint32_t text_size, node* p, std::size_t label_begin) noexcept
        : parent(p), begin(static_cast<std::uint32_t>(label_begin)), size(text_size) {}

    [[nodiscard]] std::string_view text() const noexcept { return text_behind(this, size); }
    [[nodiscard]] std::string_view label() const noexcept { return text().substr(begin); }
    [[nodiscard]] routing::place place() const noexcept {
        return {parent, parent != nullptr ? first_token(label()) : text()};
    }
    [[nodiscard]] bool is_at(const routing::place& p) const noexcept {
        if (p.parent != parent) return false;
        const std::string_view from = label();
        const std::size_t n = p.text.size();
        if (from.size() == n) return from == p.text;
        return parent != nullptr && from.size() > n && from[n] == '.' && from.starts_with(p.text);
    }
    [[nodiscard]] std::size_t children() const noexcept {
        return literals + (star != nullptr ? 1U : 0U) + (rest != nullptr ? 1U : 0U);
    }
    [[nodiscard]] bool unused() const noexcept { return plain.empty() && groups.empty(); }
    /// Of a node with one child.
    [[nodiscard]] node* only_child() const noexcept {
        if (star != nullptr) return star;
        if (rest != nullptr) return rest;
        return std::bit_cast<node*>(literals_together);
    }

    // What a look into the table reads stands at the end, together with the text.
    node* star = nullptr;                 ///< the child whose label begins with `*`
    node* rest = nullptr;                 ///< the child whose label is `>`
    std::uintptr_t literals_together = 0; ///< addresses of the other children, added up by XOR
    std::uint32_t literals = 0;           ///< how many those are
    pointer_list<route> plain;
    pointer_list<group> groups;
    node* parent;        ///< null: not in the trie
    std::uint32_t begin; ///< of the label in the text
    std::uint32_t size;  ///< of the text
};

/// Brings what is found into the form that `matches` promises.
struct subject_router::collector {
    void add(const node& n) {
        if (!n.plain.empty()) out.plain.push_back(n.plain.all());
        if (n.groups.empty()) return;
        ++with_groups;
        for (const group* const g : n.groups.all())
            out.queues.push_back({g->name(), g->members.all()});
    }
    /// The groups of one pattern differ from each other; those of several may be the same.
    void finish() {
        if (with_groups < 2 || out.queues.size() < 3) return;
        std::sort(out.queues.begin(), out.queues.end(),
                  [](const queue_match& a, const queue_match& b) { return a.name < b.name; });
    }

    matches& out;
    std::size_t with_groups = 0; ///< patterns
};

struct subject_router::storage {
    /// A node of whose label the first token is matched.
    struct branch {
        const node* at = nullptr;
        std::size_t end = 0;   ///< of that token in the text
        std::size_t depth = 0; ///< tokens of the subject that are matched
    };

    explicit storage(const siphash_key& key) : nodes(key), groups(key) {}

    node* find_or_make(std::string_view pattern);
    node* find_or_make_literal(std::string_view subject);
    node* child_of(const node& parent, std::string_view token) const noexcept;
    node* make_child(node& parent, std::string_view pattern, std::size_t begin);
    node* split(node* child, std::string_view prefix);
    void link(node* child);
    void unlink(node* child) noexcept;
    void put_in_place_of(node* old, node* with) noexcept;
    void prune(node* n) noexcept;
    group* find_or_make_group(node& owner, std::string_view name);
    void prune(group* g) noexcept;

    bool tokenize(std::string_view subject);
    bool match_label(branch& b) const noexcept;
    void walk(collector& out);
    void look_below(const node& n, std::size_t depth, collector& out);

    keyed_set<node> nodes;
    keyed_set<group> groups;
    node root{0, nullptr, 0};
    std::vector<std::string_view> tokens; ///< of the subject that is being matched
    std::vector<branch> branches;         ///< a stack: those still to be visited
    std::size_t waiting = 0;              ///< its size
};

// --- the trie

auto subject_router::storage::child_of(const node& parent, std::string_view token) const noexcept
    -> node* {
    if (token == "*") return parent.star;
    if (token == ">") return parent.rest;
    return parent.literals != 0 ? nodes.find({&parent, token}) : nullptr;
}

void subject_router::storage::link(node* child) {
    node& parent = *child->parent;
    const std::string_view token = child->place().text;
    if (token == "*") {
        parent.star = child;
    } else if (token == ">") {
        parent.rest = child;
    } else {
        nodes.insert(child);
        parent.literals_together ^= reinterpret_cast<std::uintptr_t>(child);
        ++parent.literals;
    }
}

void subject_router::storage::unlink(node* child) noexcept {
    node& parent = *child->parent;
    if (parent.star == child) {
        parent.star = nullptr;
    } else if (parent.rest == child) {
        parent.rest = nullptr;
    } else {
        nodes.erase(child->place());
        parent.literals_together ^= reinterpret_cast<std::uintptr_t>(child);
        --parent.literals;
    }
}

/// Both have the same parent and the same first token.
void subject_router::storage::put_in_place_of(node* old, node* with) noexcept {
    node& parent = *old->parent;
    if (parent.star == old) {
        parent.star = with;
    } else if (parent.rest == old) {
        parent.rest = with;
    } else {
        nodes.replace(old, with);
        parent.literals_together ^= reinterpret_cast<std::uintptr_t>(old);
        parent.literals_together ^= reinterpret_cast<std::uintptr_t>(with);
    }
}

auto subject_router::storage::make_child(node& parent, std::string_view pattern, std::size_t begin)
    -> node* {
    node* child = nullptr;
    try {
        child = make_with_text<node>(pattern, &parent, begin);
        link(child);
    } catch (...) {
        if (child != nullptr) destroy_with_text(child);
        prune(&parent); // it may have been made for this child
        throw;
    }
    return child;
}

/// A node for `prefix`, which ends between two tokens of the label of `child`, above it.
auto subject_router::storage::split(node* child, std::string_view prefix) -> node* {
    const std::uint32_t begin = child->begin;
    auto* const above = make_with_text<node>(prefix, child->parent, begin);
    put_in_place_of(child, above);
    child->parent = above;
    child->begin = static_cast<std::uint32_t>(prefix.size() + 1);
    try {
        link(child);
    } catch (...) {
        child->parent = above->parent;
        child->begin = begin;
        put_in_place_of(above, child);
        destroy_with_text(above);
        throw;
    }
    return above;
}

auto subject_router::storage::find_or_make_literal(std::string_view subject) -> node* {
    if (node* const known = nodes.find({nullptr, subject})) return known;
    auto* const made = make_with_text<node>(subject, static_cast<node*>(nullptr), std::size_t{0});
    try {
        nodes.insert(made);
    } catch (...) {
        destroy_with_text(made);
        throw;
    }
    return made;
}

auto subject_router::storage::find_or_make(std::string_view pattern) -> node* {
    if (!has_wildcard(pattern)) return find_or_make_literal(pattern);
    node* n = &root;
    std::size_t begin = 0; // of the tokens that are below `n`
    for (;;) {
        node* const child = child_of(*n, first_token(pattern.substr(begin)));
        if (child == nullptr) return make_child(*n, pattern, begin);
        const std::size_t end = common_end(child->text(), pattern, begin);
        n = end == child->size ? child : split(child, pattern.substr(0, end));
        if (end == pattern.size()) return n;
        begin = end + 1;
    }
}

/// Frees what nobody needs, from `n` upwards.
void subject_router::storage::prune(node* n) noexcept {
    while (n != &root && n->unused()) {
        node* const parent = n->parent;
        if (parent == nullptr) {
            nodes.erase(n->place());
            destroy_with_text(n);
            return;
        }
        const std::size_t children = n->children();
        if (children > 1) return;
        if (children == 1) { // they become one
            node* const child = n->only_child();
            unlink(child);
            child->parent = parent;
            child->begin = n->begin;
            put_in_place_of(n, child);
            destroy_with_text(n);
            return;
        }
        unlink(n);
        destroy_with_text(n);
        n = parent;
    }
}

// --- queue groups

auto subject_router::storage::find_or_make_group(node& owner, std::string_view name) -> group* {
    if (group* const known = groups.find({&owner, name})) return known;
    auto* const made = make_with_text<group>(name, &owner);
    try {
        groups.insert(made);
        made->at = static_cast<std::uint32_t>(owner.groups.size());
        owner.groups.push_back(made);
    } catch (...) {
        if (groups.find(made->place()) != nullptr) groups.erase(made->place());
        destroy_with_text(made);
        throw;
    }
    return made;
}

void subject_router::storage::prune(group* g) noexcept {
    if (!g->members.empty()) return;
    groups.erase(g->place());
    if (group* const moved = g->owner->groups.erase(g->at)) moved->at = g->at;
    destroy_with_text(g);
}

// --- a match

/// Cuts `subject` into `tokens`; false if one is empty.
bool subject_router::storage::tokenize(std::string_view subject) {
    tokens.clear();
    std::size_t begin = 0;
    for (std::size_t at = 0; at < subject.size(); at += routing::dots_block) {
        std::uint64_t dots = routing::dots_of(subject.substr(at, routing::dots_block));
        for (; dots != 0; dots &= dots - 1) {
            const std::size_t end = at + static_cast<std::size_t>(std::countr_zero(dots));
            if (end == begin) return false;
            tokens.push_back(subject.substr(begin, end - begin));
            begin = end + 1;
        }
    }
    if (begin == subject.size()) return false;
    tokens.push_back(subject.substr(begin));
    return true;
}

/// Takes the rest of the label's tokens. False: they do not match.
bool subject_router::storage::match_label(branch& b) const noexcept {
    const std::string_view text = b.at->text();
    const auto ends = [text](std::size_t at) { return at == text.size() || text[at] == '.'; };
    while (b.end != text.size()) {
        if (b.depth == tokens.size()) return false;
        const std::size_t begin = b.end + 1;
        if (text[begin] == '>' && begin + 1 == text.size()) {
            b.depth = tokens.size();
            return true;
        }
        if (text[begin] == '*' && ends(begin + 1)) {
            b.end = begin + 1;
        } else {
            const std::string_view token = tokens[b.depth];
            b.end = begin + token.size();
            if (!text.substr(begin).starts_with(token) || !ends(b.end)) return false;
        }
        ++b.depth;
    }
    return true;
}

void subject_router::storage::walk(collector& out) {
    // Of each level that was entered, one branch at most still waits, and one more of the last.
    if (branches.size() <= tokens.size()) branches.resize(tokens.size() + 1);
    waiting = 0;
    look_below(root, 0, out);
    while (waiting != 0) {
        branch b = branches[--waiting];
        if (!match_label(b)) continue;
        if (b.depth == tokens.size())
            out.add(*b.at);
        else
            look_below(*b.at, b.depth, out);
    }
}

/// What of the children of `n` matches the token at `depth`.
void subject_router::storage::look_below(const node& n, std::size_t depth, collector& out) {
    if (n.rest != nullptr) out.add(*n.rest);
    if (n.star != nullptr)
        branches[waiting++] = {n.star, n.star->begin + std::size_t{1}, depth + 1};
    if (n.literals == 0) return;
    const std::string_view token = tokens[depth];
    if (const node* const child = nodes.find({&n, token}))
        branches[waiting++] = {child, child->begin + token.size(), depth + 1};
}

// --- the router

subject_router::subject_router(random_source& random) {
    siphash_key key;
    random.fill(std::as_writable_bytes(std::span(&key, 1)));
    storage_ = std::make_unique<storage>(key);
}

subject_router::~subject_router() {
    assert(size_ == 0 && "erase the routes first");
}

result<void> subject_router::insert(route& r, std::string_view pattern, std::string_view queue) {
    if (r.inserted()) return error{errc::in_use, "the route is inserted already"};
    if (!is_server_subject(pattern))
        return error{errc::invalid_subject,
                     "a token is empty or has a blank or line end, or `>` is not the last"};
    if (std::max(pattern.size(), queue.size()) > longest_text)
        return error{errc::invalid_subject, "the subject or the queue group is too long"};
    node* const n = storage_->find_or_make(pattern);
    group* g = nullptr;
    try {
        if (!queue.empty()) g = storage_->find_or_make_group(*n, queue);
        pointer_list<route>& list = g != nullptr ? g->members : n->plain;
        list.push_back(&r);
        r.at_ = list.size() - 1;
    } catch (...) {
        if (g != nullptr) storage_->prune(g);
        storage_->prune(n);
        throw;
    }
    r.node_ = n;
    r.group_ = g;
    ++size_;
    return {};
}

void subject_router::erase(route& r) noexcept {
    if (!r.inserted()) return;
    pointer_list<route>& list = r.group_ != nullptr ? r.group_->members : r.node_->plain;
    if (route* const moved = list.erase(r.at_)) moved->at_ = r.at_;
    if (r.group_ != nullptr) storage_->prune(r.group_);
    storage_->prune(r.node_);
    r.node_ = nullptr;
    r.group_ = nullptr;
    --size_;
}

void subject_router::match(std::string_view subject, matches& out) const {
    out.clear();
    collector found{out};
    if (const node* const literal = storage_->nodes.find({nullptr, subject})) found.add(*literal);
    if (storage_->root.children() != 0 && storage_->tokenize(subject)) storage_->walk(found);
    found.finish();
}

} // namespace nats
