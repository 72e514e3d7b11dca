// SPDX-License-Identifier: Apache-2.0
//
// A list whose nodes are members of what it lists: adding allocates nothing, and a node that is
// destroyed leaves its list.

#pragma once

namespace nats::detail {

class list_node {
public:
    list_node() noexcept = default;
    list_node(const list_node&) = delete;
    list_node& operator=(const list_node&) = delete;
    ~list_node() { unlink(); }

    [[nodiscard]] bool linked() const noexcept { return next_ != this; }
    void unlink() noexcept {
        next_->previous_ = previous_;
        previous_->next_ = next_;
        next_ = previous_ = this;
    }

private:
    template <class T>
    friend class intrusive_list;
    list_node* next_ = this;
    list_node* previous_ = this;
};

/// `T` derives from `list_node`. The list does not own its elements; destroying it unlinks them.
template <class T>
class intrusive_list {
public:
    intrusive_list() noexcept = default;
    intrusive_list(const intrusive_list&) = delete;
    intrusive_list& operator=(const intrusive_list&) = delete;
    ~intrusive_list() {
        while (!empty()) front().list_node::unlink();
    }

    [[nodiscard]] bool empty() const noexcept { return !head_.linked(); }
    [[nodiscard]] T& front() noexcept { return static_cast<T&>(*head_.next_); }
    void push_back(T& element) noexcept {
        list_node& node = element;
        node.unlink();
        node.previous_ = head_.previous_;
        node.next_ = &head_;
        head_.previous_->next_ = &node;
        head_.previous_ = &node;
    }
    T& pop_front() noexcept {
        T& element = front();
        static_cast<list_node&>(element).unlink();
        return element;
    }

    class iterator {
    public:
        explicit iterator(list_node* at) noexcept : at_(at) {}
        T& operator*() const noexcept { return static_cast<T&>(*at_); }
        iterator& operator++() noexcept {
            at_ = at_->next_;
            return *this;
        }
        friend bool operator==(const iterator&, const iterator&) = default;

    private:
        list_node* at_;
    };
    /// Only for loops that change neither the list nor, by what they call, anything that could.
    [[nodiscard]] iterator begin() noexcept { return iterator(head_.next_); }
    [[nodiscard]] iterator end() noexcept { return iterator(&head_); }

private:
    list_node head_;
};

} // namespace nats::detail
