// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: a step that has completed starts the next one from inside of its handler, or
// from a handler of the context. All that is the user's (completion, message and event handlers)
// goes through `call`, which counts, and disturbs when its number has come. The server, the records
// and the script outlive the context, as they would in a program.

#include <natsproto/log.hpp>

#include "asio/stage.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <utility>

namespace nats::test {

namespace {

using boost::asio::cancellation_type;

bool is_cancelling(disturbance d) {
    return d == disturbance::cancel_terminal || d == disturbance::cancel_partial ||
           d == disturbance::cancel_total;
}

const char* name_of(disturbance d) {
    switch (d) {
    case disturbance::none: return "nothing";
    case disturbance::cancel_terminal: return "terminal cancellation";
    case disturbance::cancel_partial: return "partial cancellation";
    case disturbance::cancel_total: return "total cancellation";
    case disturbance::destroy_client: return "end of the client";
    case disturbance::destroy_subscriptions: return "end of the subscriptions";
    case disturbance::destroy_context: return "end of the context";
    case disturbance::throw_something: return "exception";
    }
    return "";
}

} // namespace

std::vector<staging> usual_stagings() {
    return {
        {.serial = true, .handlers = handler_place::client, .start_outside = false},
        {.serial = true, .handlers = handler_place::other_strand, .start_outside = true},
        {.serial = false, .handlers = handler_place::client, .start_outside = true},
        {.serial = false, .handlers = handler_place::other_strand, .start_outside = false},
        {.serial = false, .handlers = handler_place::context, .start_outside = false},
    };
}

std::string name_of(const staging& s) {
    std::string out = s.serial ? "serial" : "strand";
    out += s.handlers == handler_place::client         ? ", client's executor"
           : s.handlers == handler_place::other_strand ? ", another strand"
                                                       : ", the bare context";
    if (s.start_outside) out += ", started outside";
    if (s.owned) out += ", owned by its operations";
    return out;
}

stage::stage(const script& s, const staging& how)
    : server(s.manners, s.rules),
      script_(&s),
      how_(how),
      context_(std::make_unique<boost::asio::io_context>(1)) {
    server.make_layer = s.make_layer;
    aio::client_options o;
    o.serial = how.serial;
    o.via = &server;
    o.log = {
        [](void* self, log_level, std::string_view line) { static_cast<stage*>(self)->logs(line); },
        this, log_level::trace};
    o.on_event = [](void* self, const event& e) {
        const bool pong = std::holds_alternative<ev::pong>(e); // its line has a time
        static_cast<stage*>(self)->happens("event: " + (pong ? "PONG" : describe(e)));
    };
    o.on_event_context = this;
    nc_ = std::make_shared<aio::client>(*context_, o);
    borrowed_ = nc_;
    handlers_ =
        how.handlers == handler_place::client ? nc_->get_executor()
        : how.handlers == handler_place::other_strand
            ? boost::asio::any_io_executor(boost::asio::make_strand(context_->get_executor()))
            : boost::asio::any_io_executor(context_->get_executor());
}

stage::~stage() {
    replies = {};
    subscriptions_.clear();
    nc_.reset();
    handlers_ = {};
}

std::string stage::where() const {
    std::string out = script_->name + " (" + nats::test::name_of(how_) + "), " + name_of(cut_.what);
    if (cut_.after_handlers != cut::never)
        out += " after handler " + std::to_string(cut_.after_handlers);
    if (cut_.in_call != cut::never) out += " inside of call " + std::to_string(cut_.in_call);
    if (current_ != nullptr) out += ", in " + current_->name;
    return out;
}

// --- the run

outcome stage::run(const cut& c) {
    cut_ = c;
    begin();
    std::size_t n = 0;
    if (n == cut_.after_handlers) disturb();
    while (context_) {
        std::size_t ran = 1; // one that throws has run
        try {
            ran = context_->run_one_for(std::chrono::seconds(20));
        } catch (const thrown&) {
            EXPECT_EQ(cut_.what, disturbance::throw_something) << where();
        }
        if (ran == 0) {
            EXPECT_TRUE(context_->stopped()) << "it hangs: " << where();
            break;
        }
        if (++n == cut_.after_handlers) disturb();
        if (context_ && context_->stopped()) context_->restart();
        if (n > 100'000) {
            ADD_FAILURE() << "no end: " << where();
            break;
        }
    }
    result_.handlers = n;
    check_end();
    return std::move(result_);
}

void stage::begin() {
    if (script_->prepare) script_->prepare(*this);
    start_step();
}

bool stage::over() const {
    return ended_ || !context_ || client_closed_ || !client();
}

void stage::start_step() {
    // In a loop: most steps that are done at once follow each other.
    while (!over()) {
        if (at_ == script_->steps.size()) return finish();
        const record* const before = current_;
        script_->steps[at_].start(*this);
        if (current_ != before) { // it has begun
            current_->inside = false;
            if (how_.owned) nc_.reset();
            return;
        }
        ++at_;
    }
}

void stage::finish() {
    ended_ = true;
}

void stage::next() {
    ++at_;
    if (!how_.start_outside) return start_step();
    if (context_) boost::asio::post(*context_, [this, keep = client()] { start_step(); });
}

counted stage::handler(const std::string& name, checker check) {
    return make(name, true, std::move(check));
}

counted stage::aside(const std::string& name, checker check) {
    return make(name, false, std::move(check));
}

counted stage::make(const std::string& name, bool of_step, checker check) {
    record& r = records_.emplace_back(name);
    if (of_step) {
        current_ = &r;
        r.inside = true;
    }
    return counted(
        r, handlers_,
        [this, of_step, check = std::move(check)](record& ended) {
            completed(ended, of_step, check);
        },
        how_.owned && of_step ? client() : nullptr);
}

/// Whether it may end with what the disturbance makes of it.
bool stage::may_fail(const record& r) const {
    if (client_destroyed_ || client_closed_) return r.ec.failed() || r.value == "none";
    return subscriptions_destroyed_ && (r.ec == errc::invalid_subscription || r.value == "none");
}

void stage::completed(record& r, bool of_step, const checker& check) {
    const bool aborted = r.ec == boost::asio::error::operation_aborted;
    EXPECT_TRUE(context_) << r.name << " after the context's end: " << where();
    EXPECT_EQ(r.called, 1) << r.name << ": " << where();
    EXPECT_FALSE(r.called_inside) << r.name << " inside of its start: " << where();
    EXPECT_EQ(r.blocks, 0U) << r.name << " holds memory when it is called: " << where();
    EXPECT_NE(r.allocated, 0U) << r.name << " has not used its allocator: " << where();
    if (of_step) result_.completed.push_back(r.name + ": " + (r.ec ? r.ec.message() : r.value));
    bool repeat = false;
    if (aborted) {
        EXPECT_TRUE(r.cancelled || client_destroyed_) << r.name << ": " << where();
        result_.aborted.insert(r.name);
        if (r.name == "connect" || r.name == "close") client_closed_ = true;
    } else if (may_fail(r)) {
        EXPECT_TRUE(r.ec || r.value == "none") << where();
    } else if (check) {
        repeat = check(r);
    } else {
        EXPECT_FALSE(r.ec) << r.name << ": " << r.ec.message() << ": " << where();
    }
    if (!of_step) return call();
    if ((r.name == "close" || r.name == "drain") && !aborted) {
        silent_ = true; // nothing may come any more
    }
    if (repeat) --at_;
    next();
    call();
}

// --- what scripts use

void stage::later(int hops, std::function<void()> f) {
    if (!context_) return; // its end is what the server answers to
    boost::asio::post(*context_, [this, hops, f = std::move(f)]() mutable {
        if (hops > 0) return later(hops - 1, std::move(f));
        f();
    });
}

void stage::send_numbers(const std::string& subject, int count) {
    for (int i = 0; i < count; ++i)
        server.script().publish(subject, std::to_string(++sent_[subject]));
    server.pump();
}

void stage::got(const std::string& subject, const std::string& number) {
    EXPECT_EQ(number, std::to_string(++got_[subject]))
        << subject << " lost one, or has one twice: " << where();
}

bool stage::all_got(const std::string& subject) const {
    const auto number = [&subject](const std::map<std::string, int>& of) {
        const auto found = of.find(subject);
        return found == of.end() ? 0 : found->second;
    };
    return number(got_) == number(sent_);
}

aio::subscription& stage::keep(const std::string& name, aio::subscription s) {
    return subscriptions_[name] = std::move(s);
}

aio::subscription& stage::kept(const std::string& name) {
    return subscriptions_[name];
}

bool stage::is_silent() const {
    return silent_ || (client_destroyed_ && !client());
}

void stage::logs(std::string_view line) const {
    if (is_silent()) ADD_FAILURE() << "a late line: " << line << ": " << where();
}

void stage::happens(const std::string& what) {
    if (is_silent()) ADD_FAILURE() << "late: " << what << ": " << where();
    result_.happened.push_back(what);
    call();
}

// --- disturbances

void stage::call() {
    if (result_.calls++ == cut_.in_call) disturb();
}

void stage::disturb() {
    result_.disturbed = true;
    switch (cut_.what) {
    case disturbance::none: return;
    case disturbance::cancel_terminal: return cancel_current(cancellation_type::terminal);
    case disturbance::cancel_partial: return cancel_current(cancellation_type::partial);
    case disturbance::cancel_total: return cancel_current(cancellation_type::total);
    case disturbance::destroy_client: client_destroyed_ = true; return nc_.reset();
    case disturbance::destroy_subscriptions:
        subscriptions_destroyed_ = true;
        subscriptions_.clear();
        replies = {};
        return;
    case disturbance::destroy_context: return destroy_context();
    case disturbance::throw_something: throw thrown();
    }
}

/// Twice: the second one must find nothing.
void stage::cancel_current(cancellation_type type) {
    if (current_ == nullptr) return;
    record& r = *current_;
    if (r.waits()) r.cancelled = true;
    r.signal.emit(type);
    r.signal.emit(type);
}

void stage::destroy_context() {
    silent_ = true;
    handlers_ = {};
    context_.reset();
    for (const record& r : records_) {
        EXPECT_EQ(r.alive, 0) << r.name << " has outlived its context: " << where();
        EXPECT_EQ(r.blocks, 0U) << r.name << " has leaked memory: " << where();
    }
    if (how_.owned) {
        EXPECT_TRUE(borrowed_.expired()) << "the client is left: " << where();
    } else {
        use_after_context();
    }
}

/// A client that outlives its context can be asked, and does nothing.
void stage::use_after_context() {
    aio::client& nc = *nc_;
    const aio::publisher elsewhere = nc.get_publisher();
    (void)nc.publish("a", "b");
    EXPECT_FALSE(elsewhere.publish("a", "b")) << where();
    (void)nc.subscribe("a");
    (void)nc.status();
    (void)nc.servers();
    (void)nc.local_address();
    for (auto& [name, s] : subscriptions_) {
        (void)s.valid();
        (void)s.unsubscribe();
    }
    std::future<duration> flushed = nc.flush({}, boost::asio::use_future);
    EXPECT_THROW((void)flushed.get(), boost::system::system_error) << where();
    replies = {};
    subscriptions_.clear();
    nc_.reset();
}

// --- the end

void stage::check_end() {
    for (record& r : records_) {
        EXPECT_EQ(r.alive, 0) << r.name << " is left: " << where();
        EXPECT_EQ(r.blocks, 0U) << r.name << " has leaked memory: " << where();
        const int calls = cut_.what == disturbance::destroy_context ? r.called : 1;
        EXPECT_EQ(r.called, calls) << r.name << ": " << where();
        r.signal.emit(cancellation_type::terminal); // too late
    }
    const bool undisturbed = cut_.what == disturbance::none || is_cancelling(cut_.what) ||
                             cut_.what == disturbance::throw_something;
    if (undisturbed && !client_closed_) {
        EXPECT_TRUE(ended_) << "the script has stopped: " << where();
        for (const auto& [subject, count] : sent_)
            EXPECT_TRUE(all_got(subject)) << subject << " has lost messages: " << where();
    }
    for (const std::string& line : server.script().lines()) {
        EXPECT_FALSE(line.starts_with("not the protocol")) << line << ": " << where();
        if (!line.starts_with("PUB")) continue;
        const std::size_t inbox = std::min(line.find("_INBOX"), line.size()); // a random name
        result_.published.push_back(line.substr(0, inbox) + line.substr(line.rfind(' ')));
    }
}

std::set<std::string> disturb_everywhere(const script& s, const staging& how, disturbance what,
                                         places p) {
    std::set<std::string> aborted;
    const outcome whole = stage(s, how).run({});
    EXPECT_TRUE(whole.aborted.empty());
    const auto disturbed = [&](const cut& c) {
        outcome o = stage(s, how).run(c);
        aborted.merge(o.aborted);
        if (what == disturbance::throw_something) {
            EXPECT_EQ(o.completed, whole.completed) << "call " << c.in_call;
            EXPECT_EQ(o.happened, whole.happened) << "call " << c.in_call;
            EXPECT_EQ(o.published, whole.published) << "call " << c.in_call;
        }
        return o.disturbed && !testing::Test::HasFailure();
    };
    for (std::size_t n = 0; p.between_handlers && disturbed({what, n, cut::never}); ++n) {
    }
    for (std::size_t n = 0; p.inside_of_calls && disturbed({what, cut::never, n}); ++n) {
    }
    return aborted;
}

} // namespace nats::test
