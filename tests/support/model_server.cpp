// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: a peer parses what its client sends with the parser in the server's role,
// and keeps a table of subscriptions. What is published goes to the cluster, which looks through
// the tables of all peers of all servers. Nothing here knows of time: the network moves the bytes.

#include <natsproto/subject.hpp>
#include <natsproto/wire/encoder.hpp>

#include "support/model_server.hpp"
#include "support/scripted_server.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace nats::test {

std::string model_info::line() const {
    const auto flag = [](bool b) { return b ? "true" : "false"; };
    std::string out = "INFO {\"server_id\":\"" + server_id +
                      "\",\"version\":\"2.10.27\",\"proto\":" + std::to_string(proto) +
                      ",\"headers\":" + flag(headers) +
                      ",\"max_payload\":" + std::to_string(max_payload);
    if (auth_required) out += ",\"auth_required\":true";
    if (tls_required) out += ",\"tls_required\":true";
    if (tls_available) out += ",\"tls_available\":true";
    if (lame_duck) out += ",\"ldm\":true";
    if (!nonce.empty()) out += ",\"nonce\":\"" + nonce + '"';
    if (!connect_urls.empty()) {
        out += ",\"connect_urls\":[";
        for (const std::string& url : connect_urls) out += '"' + url + "\",";
        out.back() = ']';
    }
    return out + "} \r\n";
}

// --- one connection

model_peer::model_peer(model_server& owner, int number) : owner_(&owner), number_(number) {
    if (owner.make_layer && owner.tls_first) layer_ = owner.make_layer();
    if (owner.rules.say_info && !layer_) output_ = owner.rules.info.line();
    if (!layer_) start_layer();
}

/// Where TLS is required, what follows INFO is TLS.
void model_peer::start_layer() {
    if (owner_->make_layer && owner_->rules.info.tls_required) layer_ = owner_->make_layer();
}

void model_peer::send(std::string_view bytes) {
    if (layer_)
        layer_->send(bytes);
    else
        output_ += bytes;
}

/// A server that is slow to answer answers all of them in the end.
void model_peer::pay_pongs() {
    for (; owner_->rules.answer_ping && owed_pongs_ != 0; --owed_pongs_) send("PONG\r\n");
}

std::string model_peer::take_output() {
    pay_pongs();
    std::string out = std::exchange(output_, {});
    if (layer_) out += layer_->take_output();
    return out;
}

void model_peer::refuse(std::string_view text, bool then_close) {
    send("-ERR '" + std::string(text) + "'\r\n");
    if (then_close) hang_up();
}

void model_peer::receive(std::string_view bytes) {
    if (hung_up_) return;
    if (!layer_) return parse(bytes);
    const bool said = told_again_;
    layer_->receive(bytes);
    if (layer_->failed()) return hang_up();
    if (owner_->tls_first && owner_->rules.say_info && !said) {
        told_again_ = true; // kept by the layer until its handshake is done
        layer_->send(owner_->rules.info.line());
    }
    parse(layer_->take_plain());
}

void model_peer::parse(std::string_view plain) {
    input_ += plain;
    wire::frame f;
    std::size_t used = 0;
    auto status = wire::parser::status::frame;
    while (!hung_up_ && (status = parser_.next(std::string_view(input_).substr(used), f)) ==
                            wire::parser::status::frame) {
        lines_.push_back(line_of(f));
        owner_->lines_.push_back(lines_.back());
        answer(f);
        used += f.size;
    }
    input_.erase(0, used);
    if (status == wire::parser::status::failed) {
        owner_->broken_.push_back(std::string(describe(parser_.failure())) + ": " +
                                  printable(input_.substr(0, 80)));
        refuse("Unknown Protocol Operation", true);
    }
}

void model_peer::answer(const wire::frame& f) {
    switch (f.kind) {
    case wire::op::ping:
        ++owed_pongs_;
        pay_pongs();
        if (!owner_->rules.answer_ping) return;
        if (owner_->rules.info_after_pong && !std::exchange(told_again_, true))
            send(owner_->rules.info.line());
        return;
    case wire::op::connect: return connect(f.text);
    case wire::op::sub:
        table_.push_back({std::string(f.sid_text), std::string(f.subject), std::string(f.queue)});
        break;
    case wire::op::unsub: unsubscribe(f); break;
    case wire::op::pub: {
        publication p{number_, std::string(f.subject), std::string(f.reply),
                      std::string(f.headers.raw()), std::string(f.payload)};
        owner_->published_.push_back(p);
        if (verbose_) send("+OK\r\n");
        if (owner_->cluster_->route(p, this) == 0 && no_responders_ && !p.reply.empty())
            (void)owner_->cluster_->route({0, p.reply, {}, "NATS/1.0 503\r\n\r\n", {}});
        return;
    }
    default: return;
    }
    if (verbose_) send("+OK\r\n");
}

void model_peer::connect(std::string_view json) {
    const auto says = [json](std::string_view member) {
        return json.find(member) != std::string_view::npos;
    };
    connect_json_ = json;
    if (owner_->rules.refuse) {
        const std::string why = owner_->rules.refuse(json);
        if (!why.empty()) return refuse(why, true);
    }
    logged_in_ = true;
    verbose_ = says(R"("verbose":true)");
    echo_ = !says(R"("echo":false)");
    no_responders_ = says(R"("no_responders":true)");
    if (verbose_) send("+OK\r\n");
}

void model_peer::unsubscribe(const wire::frame& f) {
    const auto s = std::find_if(table_.begin(), table_.end(),
                                [&f](const auto& x) { return x.sid == f.sid_text; });
    if (s == table_.end()) return;
    s->max = f.has_max ? f.max : 0;
    if (s->max <= s->delivered) table_.erase(s);
}

void model_peer::send_message(const model_subscription& s, const publication& p) {
    wire::output_queue out;
    wire::encode_msg(out, p.subject, s.sid, p.reply, p.header, p.payload);
    const_buffer piece[1];
    while (out.gather(piece) != 0) {
        send({piece[0].data, piece[0].size});
        out.transmitted(piece[0].size);
    }
}

// --- routing

void model_cluster::serve(std::string pattern,
                          std::function<std::string(const publication&)> answer) {
    listen(std::move(pattern), [this, answer = std::move(answer)](const publication& p) {
        if (!p.reply.empty()) (void)route({0, p.reply, {}, {}, answer(p)});
    });
}

void model_cluster::listen(std::string pattern, std::function<void(const publication&)> f) {
    services_.push_back({std::move(pattern), std::move(f)});
}

std::size_t model_cluster::route(const publication& p, const model_peer* from) {
    ++routed_;
    std::size_t delivered = 0;
    struct target {
        model_peer* peer;
        std::string sid;
    };
    std::map<std::string, std::vector<target>> groups;
    const auto give = [&p, &delivered](model_peer& to, std::string_view sid) {
        auto& table = to.table();
        const auto s =
            std::find_if(table.begin(), table.end(), [sid](const auto& x) { return x.sid == sid; });
        if (s == table.end()) return;
        ++s->delivered;
        ++delivered;
        to.send_message(*s, p);
        if (s->max != 0 && s->delivered >= s->max) table.erase(s);
    };
    for (model_server* server : servers_) {
        for (const auto& peer : server->peers()) {
            if (peer->hung_up() || (peer.get() == from && !peer->echo())) continue;
            std::vector<std::string> plain;
            for (const model_subscription& s : peer->table()) {
                if (!subject_matches(s.subject, p.via.empty() ? p.subject : p.via)) continue;
                if (s.queue.empty())
                    plain.push_back(s.sid);
                else
                    groups[s.queue].push_back({peer.get(), s.sid});
            }
            for (const std::string& sid : plain) give(*peer, sid);
        }
    }
    for (auto& [name, members] : groups) {
        const target& chosen = members[routed_ % members.size()];
        give(*chosen.peer, chosen.sid);
    }
    if (!p.via.empty()) return delivered; // what a service delivers is not published to another one
    for (std::size_t i = 0; i < services_.size(); ++i) { // a call may add some
        if (!subject_matches(services_[i].pattern, p.subject)) continue;
        ++delivered;
        const auto call = services_[i].call;
        call(p);
    }
    return delivered;
}

// --- the server

model_server::model_server(model_cluster& c, model_rules r) : rules(std::move(r)), cluster_(&c) {
    c.servers_.push_back(this);
}

model_server::~model_server() {
    std::erase(cluster_->servers_, this);
}

std::shared_ptr<model_peer> model_server::accept() {
    auto peer = std::make_shared<model_peer>(*this, ++connections_);
    peers_.push_back(peer);
    return peer;
}

std::vector<std::shared_ptr<model_peer>> model_server::peers() const {
    std::vector<std::shared_ptr<model_peer>> out;
    for (const auto& p : peers_) {
        if (auto alive = p.lock()) out.push_back(std::move(alive));
    }
    return out;
}

model_peer& model_server::peer() const {
    const auto all = peers();
    if (all.empty()) throw std::logic_error("nobody is connected to this server");
    return *all.back();
}

void model_server::tell_info() {
    for (const auto& p : peers()) p->send(rules.info.line());
}

std::vector<std::string> model_server::published_lines() const {
    std::vector<std::string> out;
    for (const publication& p : published_) out.push_back(p.subject + ' ' + p.payload);
    return out;
}

std::size_t model_server::count(std::string_view line_start) const {
    return static_cast<std::size_t>(
        std::count_if(lines_.begin(), lines_.end(),
                      [&](const std::string& l) { return l.starts_with(line_start); }));
}

} // namespace nats::test
