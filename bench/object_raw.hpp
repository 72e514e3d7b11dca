// SPDX-License-Identifier: Apache-2.0
//
// The limits of the object store: raw sockets that move an object's chunks into a stream and out of
// one. The store's protocol also asks for the SHA-256 of an object, which costs more than moving
// it.

#pragma once

#include <natsproto/object_store/transfer_options.hpp>

#include "harness.hpp"
#include "jetstream_raw.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/evp.h>

namespace nats::bench {

inline constexpr std::size_t object_size = 16 * 1024 * 1024;
inline constexpr std::size_t chunk_size = obj::default_chunk_size;
inline constexpr std::size_t chunks = object_size / chunk_size;

inline figures of_objects(const meter& m, std::size_t count) {
    const figures kib = m.cpu_and_rate(count * object_size / 1024);
    return {{"CPU a KiB", "ns", kib[0].value}, {"rate", "MB/s", kib[1].value * 1024 / 1e6}};
}

/// What nobody has to compute who only moves bytes.
class sha256 {
public:
    explicit sha256(bool wanted) {
        if (wanted) context_.reset(EVP_MD_CTX_new());
        begin();
    }
    void add(std::string_view piece) {
        if (context_) EVP_DigestUpdate(context_.get(), piece.data(), piece.size());
    }
    /// Empty if it was not wanted.
    std::string end() {
        std::string out(context_ ? EVP_MAX_MD_SIZE : 0, 0);
        unsigned size = 0;
        if (context_)
            EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(out.data()), &size);
        out.resize(size);
        begin();
        return out;
    }

private:
    void begin() {
        if (context_) EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
    }
    struct destroy {
        void operator()(EVP_MD_CTX* c) const { EVP_MD_CTX_free(c); }
    };
    std::unique_ptr<EVP_MD_CTX, destroy> context_;
};

inline std::string digest_of(std::string_view bytes) {
    sha256 all(true);
    all.add(bytes);
    return all.end();
}

/// The last chunk asks whether it is stored.
inline figures raw_object_put(std::uint16_t port, const std::string& bytes, std::size_t count,
                              bool hashed) {
    raw_asker to(port);
    std::vector<std::string> frames;
    for (std::size_t i = 0; i < chunks; ++i) {
        const std::string_view piece = std::string_view(bytes).substr(i * chunk_size, chunk_size);
        frames.push_back(raw_request("raw", piece));
        if (i + 1 == chunks) continue;
        const std::string_view reply = "_INBOX.raw ";
        frames.back().erase(frames.back().find(reply), reply.size());
    }
    sha256 digest(hashed);
    const std::string right = hashed ? digest_of(bytes) : std::string();
    const meter m;
    for (std::size_t n = 0; n < count; ++n) {
        for (std::size_t i = 0; i < chunks; ++i) {
            const std::string& frame = frames[i];
            if (i + 1 != chunks)
                to.send(frame);
            else
                (void)to.ask(frame, "}\r\n");
            digest.add(std::string_view(frame).substr(frame.size() - chunk_size - 2, chunk_size));
        }
        if (digest.end() != right) die("wrong digest");
    }
    return of_objects(m, count);
}

/// Takes the payloads out of what comes, without a copy.
class chunk_reader {
public:
    chunk_reader(const raw_asker& from, bool hashed) : from_(from), digest_(hashed) {}

    /// The next `n` chunks; what they were.
    std::string read(std::size_t n) {
        while (n != 0) {
            std::string_view in = from_.receive(buffer_, held_);
            held_ = 0;
            while (!in.empty() && n != 0) {
                if (left_ == 0 && !begin(in)) break;
                const std::size_t some = std::min(left_, in.size());
                if (left_ > 2) digest_.add(in.substr(0, std::min(some, left_ - 2)));
                left_ -= some;
                in.remove_prefix(some);
                if (left_ == 0) --n;
            }
            held_ = in.size();
            in.copy(buffer_.data(), held_); // a part of a line
        }
        return digest_.end();
    }

private:
    /// Takes a line; false if it is not whole.
    bool begin(std::string_view& in) {
        const std::size_t end = in.find('\n');
        if (end == std::string_view::npos) return false;
        const std::string_view line = in.substr(0, end);
        const std::string size(line.substr(line.rfind(' ') + 1));
        left_ = std::stoul(size) + 2;
        if (!line.starts_with("MSG ") || left_ != chunk_size + 2) die("no chunk");
        in.remove_prefix(end + 1);
        return true;
    }

    const raw_asker& from_;
    sha256 digest_;
    std::vector<char> buffer_ = std::vector<char>(256 * 1024);
    std::size_t held_ = 0;
    std::size_t left_ = 0; // of the chunk, and the end of its line
};

/// From consumers `reader0`, `reader1`, ... that begin at the first chunk.
inline figures raw_object_get(std::uint16_t port, const std::string& bytes, std::size_t count,
                              bool hashed) {
    const raw_asker to(port);
    const std::string right = hashed ? digest_of(bytes) : std::string();
    const std::string how_many = "{\"batch\":" + std::to_string(chunks) + '}';
    chunk_reader reader(to, hashed);
    const meter m;
    for (std::size_t n = 0; n < count; ++n) {
        to.send(
            raw_request("$JS.API.CONSUMER.MSG.NEXT.OBJ_read.reader" + std::to_string(n), how_many));
        if (reader.read(chunks) != right) die("wrong digest");
    }
    return of_objects(m, count);
}

} // namespace nats::bench
