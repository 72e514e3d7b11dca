// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: it is one more client of the cluster, which listens to the stream's
// subjects, the API's and the acknowledgements'. A consumer delivers while it has a pull that wants
// more and a message that is due: redeliveries first. What has to happen later is put into the
// network's list of events, and looks then whether its consumer and pull are still there.

#include <natsproto/headers.hpp>
#include <natsproto/message.hpp>
#include <natsproto/subject.hpp>

#include "support/model_jetstream.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace nats::test {

namespace json = boost::json;

namespace {

constexpr std::string_view api = "$JS.API.";

std::string error_json(int code, int api_code, std::string_view text) {
    return json::serialize(
        json::value{{"error", {{"code", code}, {"err_code", api_code}, {"description", text}}}});
}

std::vector<std::string> tokens_of(std::string_view subject) {
    std::vector<std::string> out(1);
    for (const char c : subject) {
        if (c == '.')
            out.emplace_back();
        else
            out.back() += c;
    }
    return out;
}

template <class T>
T number_or(const json::object& o, std::string_view name, T otherwise) {
    const json::value* const v = o.if_contains(name);
    return v == nullptr ? otherwise : v->to_number<T>();
}

json::object object_of(std::string_view body) {
    if (body.empty()) return {};
    const json::value v = json::parse(body);
    return v.is_object() ? v.as_object() : json::object{{"batch", v}};
}

} // namespace

model_jetstream::model_jetstream(network& net, std::string stream, std::string subjects)
    : net_(&net), stream_(std::move(stream)) {
    listen(std::move(subjects));
    net.cluster().listen("$JS.API.>", [this](const publication& p) { call(p); });
    net.cluster().listen("$JS.ACK.>", [this](const publication& p) { acknowledge(p); });
}

void model_jetstream::listen(std::string subjects) {
    subjects_.push_back(subjects);
    net_->cluster().listen(std::move(subjects), [this](const publication& p) { publish(p); });
}

const model_jetstream::consumer& model_jetstream::find(std::string_view name) const {
    const auto found = consumers_.find(std::string(name));
    if (found == consumers_.end()) throw std::logic_error("no consumer " + std::string(name));
    return found->second;
}

std::size_t model_jetstream::unacknowledged(std::string_view name) const {
    return find(name).pending.size();
}

std::uint64_t model_jetstream::acknowledged(std::string_view name) const {
    return find(name).done.size();
}

std::uint64_t model_jetstream::wanted(std::string_view name) const {
    std::uint64_t sum = 0;
    for (const pull& p : find(name).pulls) sum += p.left;
    return sum;
}

void model_jetstream::answer(const publication& p, std::string_view text) {
    if (p.reply.empty() || (answers && !answers())) return;
    (void)net_->cluster().route({0, p.reply, {}, {}, std::string(text)});
}

// --- publishing

void model_jetstream::publish(const publication& p) {
    const header_view fields(p.header);
    const std::string id(fields.get("Nats-Msg-Id").value_or(std::string_view{}));
    bool duplicate = false;
    std::uint64_t sequence = messages_.size() + 1;
    if (const auto before = ids_.find(id); !id.empty() && before != ids_.end()) {
        duplicate = true;
        sequence = before->second;
    } else {
        if (!expected(p)) return;
        messages_.push_back({sequence, p.subject, p.header, p.payload});
        if (!id.empty()) ids_.emplace(id, sequence);
        make_room(messages_.back(), fields.get("Nats-Rollup").value_or(std::string_view{}));
    }
    json::object ack{{"stream", stream_}, {"seq", sequence}};
    if (duplicate) ack["duplicate"] = true;
    answer(p, json::serialize(ack));
    deliver_all();
}

// --- the API

void model_jetstream::call(const publication& p) {
    const std::vector<std::string> t = tokens_of(p.subject.substr(api.size()));
    if (t.at(0) != "CONSUMER") return call_stream(p, t);
    if (t.at(1) == "CREATE" && t.size() > 3) return create(p, t.at(3));
    const bool next = t.at(1) == "MSG";
    const auto found = consumers_.find(t.at(next ? 4 : 3));
    if (found == consumers_.end()) {
        if (next) { // as servers since 2.10 do
            (void)net_->cluster().route({0, p.reply, {}, "NATS/1.0 503\r\n\r\n", {}});
            return;
        }
        return answer(p, error_json(404, 10014, "consumer not found"));
    }
    if (next) return take_pull(p, found->second);
    if (t.at(1) == "DELETE") {
        delete_consumer(found->first);
        return answer(p, R"({"success":true})");
    }
    answer(p, info(found->second));
}

std::string model_jetstream::info(const consumer& c) const {
    return R"({"stream_name":")" + stream_ + R"(","name":")" + c.name + R"(","config":)" +
           c.config + R"(,"created":"2026-01-01T00:00:00Z","delivered":{"consumer_seq":)" +
           std::to_string(c.sequence) + R"(,"stream_seq":)" + std::to_string(c.next - 1) +
           R"(},"num_pending":)" + std::to_string(pending(c)) + "}";
}

void model_jetstream::create(const publication& p, std::string_view name) {
    const json::object request = object_of(p.payload);
    const json::object& config = request.at("config").as_object();
    auto [at, is_new] = consumers_.try_emplace(std::string(name));
    consumer& c = at->second;
    if (is_new) {
        ++made_;
        c.name = name;
        c.config = json::serialize(config);
        if (const auto* f = config.if_contains("filter_subject"))
            c.filters.emplace_back(f->as_string());
        if (const auto* all = config.if_contains("filter_subjects")) {
            for (const json::value& f : all->as_array()) c.filters.emplace_back(f.as_string());
        }
        c.headers_only = config.contains("headers_only") && config.at("headers_only").as_bool();
        c.acks = config.at("ack_policy").as_string() != "none";
        c.ack_wait = std::chrono::nanoseconds(
            number_or<std::int64_t>(config, "ack_wait", std::int64_t{30'000'000'000}));
        c.next = number_or<std::uint64_t>(config, "opt_start_seq", 1);
        begin_at(c, config.at("deliver_policy").as_string());
    }
    answer(p, info(c));
}

void model_jetstream::begin_at(consumer& c, std::string_view policy) const {
    if (policy == "new") c.next = messages_.size() + 1;
    if (policy != "last" && policy != "last_per_subject") return;
    std::map<std::string_view, std::uint64_t> newest;
    for (const stored& m : messages_) {
        if (wants(c, m)) newest[policy == "last" ? std::string_view() : m.subject] = m.sequence;
    }
    for (const auto& [subject, sequence] : newest) c.newest.insert(sequence);
    c.until = messages_.size();
}

bool model_jetstream::wants(const consumer& c, const stored& m) {
    if (m.removed || (m.sequence <= c.until && !c.newest.contains(m.sequence))) return false;
    return c.filters.empty() || std::ranges::any_of(c.filters, [&](const std::string& f) {
               return subject_matches(f, m.subject);
           });
}

std::uint64_t model_jetstream::pending(const consumer& c) const {
    std::uint64_t n = 0;
    for (std::uint64_t s = c.next; s <= messages_.size(); ++s) {
        if (wants(c, messages_[s - 1])) ++n;
    }
    return n;
}

void model_jetstream::delete_consumer(std::string_view name) {
    const auto found = consumers_.find(std::string(name));
    if (found == consumers_.end()) return;
    const consumer gone = std::move(found->second);
    consumers_.erase(found);
    for (const pull& p : gone.pulls) end_pull(p, "409 Consumer Deleted");
}

void model_jetstream::delete_consumers() {
    while (!consumers_.empty()) delete_consumer(std::string(consumers_.begin()->first));
}

void model_jetstream::change_leader() {
    for (auto& [name, c] : consumers_) {
        const std::deque<pull> all = std::exchange(c.pulls, {});
        for (const pull& p : all) end_pull(p, "409 Leadership Change");
    }
}

// --- pulls

void model_jetstream::end_pull(const pull& p, std::string_view status) {
    std::string block = "NATS/1.0 " + std::string(status) + "\r\n";
    if (!status.starts_with("404"))
        block +=
            "Nats-Pending-Messages: " + std::to_string(p.left) + "\r\nNats-Pending-Bytes: 0\r\n";
    (void)net_->cluster().route({0, p.reply, {}, block + "\r\n", {}});
}

void model_jetstream::take_pull(const publication& p, consumer& c) {
    const json::object o = object_of(p.payload);
    pull made{p.reply, number_or<std::uint64_t>(o, "batch", 1), ++next_pull_,
              o.contains("no_wait") && o.at("no_wait").as_bool()};
    const duration expires =
        std::chrono::nanoseconds(number_or<std::int64_t>(o, "expires", std::int64_t{0}));
    const duration heartbeat =
        std::chrono::nanoseconds(number_or<std::int64_t>(o, "idle_heartbeat", std::int64_t{0}));
    if (heartbeat > expires / 2) {
        return end_pull(made, "400 Bad Request - heartbeat value too large");
    }
    c.pulls.push_back(made);
    most_wanted_ = std::max(most_wanted_, wanted(c.name));
    const std::string name = c.name;
    if (expires > duration::zero()) {
        net_->call_at(net_->now() + expires, [this, name, id = made.id] { expire(name, id); });
        if (heartbeat > duration::zero()) {
            net_->call_at(net_->now() + heartbeat,
                          [this, name, id = made.id, heartbeat] { beat(name, id, heartbeat); });
        }
    }
    deliver_all();
    if (!made.no_wait) return;
    const auto still = consumers_.find(name);
    if (still == consumers_.end()) return;
    auto& pulls = still->second.pulls;
    const auto at = std::ranges::find(pulls, made.id, &pull::id);
    if (at == pulls.end()) return;
    end_pull(*at, "404 No Messages");
    pulls.erase(at);
}

void model_jetstream::beat(const std::string& name, std::uint64_t id, duration every) {
    const auto found = consumers_.find(name);
    if (found == consumers_.end()) return;
    const auto at = std::ranges::find(found->second.pulls, id, &pull::id);
    if (at == found->second.pulls.end()) return;
    (void)net_->cluster().route(
        {0,
         at->reply,
         {},
         "NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: " +
             std::to_string(found->second.sequence) +
             "\r\nNats-Last-Stream: " + std::to_string(found->second.next - 1) + "\r\n\r\n",
         {}});
    net_->call_at(net_->now() + every, [this, name, id, every] { beat(name, id, every); });
}

void model_jetstream::expire(const std::string& name, std::uint64_t id) {
    const auto found = consumers_.find(name);
    if (found == consumers_.end()) return;
    auto& pulls = found->second.pulls;
    const auto at = std::ranges::find(pulls, id, &pull::id);
    if (at == pulls.end()) return;
    const pull ended = *at;
    pulls.erase(at);
    end_pull(ended, "408 Request Timeout");
}

// --- delivery

void model_jetstream::deliver_all() {
    for (auto& [name, c] : consumers_) {
        while (deliver_one(c)) {
        }
    }
}

bool model_jetstream::deliver_one(consumer& c) {
    if (c.pulls.empty()) return false;
    for (auto& [sequence, d] : c.pending) {
        if (d.due > net_->now()) continue;
        deliver(c, messages_.at(sequence - 1), ++d.deliveries);
        return true;
    }
    while (c.next <= messages_.size()) {
        const stored& m = messages_.at(c.next++ - 1);
        if (!wants(c, m)) continue;
        if (c.acks) c.pending[m.sequence] = {1, net_->now()};
        deliver(c, m, 1);
        return true;
    }
    return false;
}

void model_jetstream::deliver(consumer& c, const stored& m, std::uint64_t deliveries) {
    pull& p = c.pulls.front();
    const std::string reply = "$JS.ACK." + stream_ + '.' + c.name + '.' +
                              std::to_string(deliveries) + '.' + std::to_string(m.sequence) + '.' +
                              std::to_string(++c.sequence) + ".1700000000000000000." +
                              std::to_string(pending(c));
    const int times = copies ? copies() : 1;
    const std::string inbox = p.reply;
    if (--p.left == 0) c.pulls.pop_front();
    if (c.acks) redeliver_later(c.name, m.sequence);
    std::string header = m.header;
    if (c.headers_only) {
        header = header.empty() ? "NATS/1.0\r\n" : header.substr(0, header.size() - 2);
        header += "Nats-Msg-Size: " + std::to_string(m.payload.size()) + "\r\n\r\n";
    }
    const std::string payload = c.headers_only ? std::string() : m.payload;
    for (int i = 0; i < times; ++i)
        (void)net_->cluster().route({0, m.subject, reply, header, payload, inbox});
}

void model_jetstream::redeliver_later(const std::string& name, std::uint64_t sequence) {
    consumer& c = consumers_.at(name);
    c.pending.at(sequence).due = net_->now() + c.ack_wait;
    net_->call_at(net_->now() + c.ack_wait, [this] { deliver_all(); });
}

void model_jetstream::acknowledge(const publication& p) {
    const std::vector<std::string> t = tokens_of(p.subject);
    const auto found = t.size() == 9 ? consumers_.find(t.at(3)) : consumers_.end();
    if (found == consumers_.end()) return;
    consumer& c = found->second;
    const std::uint64_t sequence = std::stoull(t.at(5));
    const auto at = c.pending.find(sequence);
    if (at != c.pending.end()) {
        if (p.payload.starts_with("+WPI")) {
            redeliver_later(c.name, sequence);
        } else if (p.payload.starts_with("-NAK")) {
            at->second.due = net_->now();
        } else {
            c.done.insert(sequence);
            c.pending.erase(at);
        }
    }
    answer(p, {});
    deliver_all();
}

} // namespace nats::test
