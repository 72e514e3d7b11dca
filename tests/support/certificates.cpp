// SPDX-License-Identifier: Apache-2.0
//
// Theory of operation: certificates are put together field by field and signed by the key of their
// authority, whose subject becomes their issuer. What goes wrong here is a mistake of a test, so it
// throws.

#include "support/certificates.hpp"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <utility>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace nats::test {

namespace {

template <auto Free>
struct freed_by {
    template <class T>
    void operator()(T* p) const noexcept {
        Free(p);
    }
};
using bio_ptr = std::unique_ptr<BIO, freed_by<BIO_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using x509_ptr = std::unique_ptr<X509, freed_by<X509_free>>;
using extension_ptr = std::unique_ptr<X509_EXTENSION, freed_by<X509_EXTENSION_free>>;

void require(bool done, const char* what) {
    if (!done) throw std::runtime_error(std::string("certificates: ") + what);
}

bio_ptr reader(const std::string& text) {
    bio_ptr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    require(bio != nullptr, "BIO");
    return bio;
}

template <class Write>
std::string written(Write write) {
    const bio_ptr bio(BIO_new(BIO_s_mem()));
    require(bio != nullptr && write(bio.get()) == 1, "PEM");
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

x509_ptr certificate_of(const std::string& pem) {
    x509_ptr x(PEM_read_bio_X509(reader(pem).get(), nullptr, nullptr, nullptr));
    require(x != nullptr, "no certificate");
    return x;
}

key_ptr key_of(const std::string& pem) {
    key_ptr key(PEM_read_bio_PrivateKey(reader(pem).get(), nullptr, nullptr, nullptr));
    require(key != nullptr, "no key");
    return key;
}

void add_extension(X509* x, X509* issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, x, nullptr, nullptr, 0);
    const extension_ptr e(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
    require(e != nullptr && X509_add_ext(x, e.get(), -1) == 1, "extension");
}

std::string alternative_names(const certificate_wish& wish) {
    std::string list;
    for (const std::string& name : wish.dns) list += (list.empty() ? "DNS:" : ",DNS:") + name;
    for (const std::string& ip : wish.ips) list += (list.empty() ? "IP:" : ",IP:") + ip;
    return list;
}

void set_fields(X509* x, const certificate_wish& wish, EVP_PKEY* key) {
    static std::atomic<long> serial{1};
    require(X509_set_version(x, 2) == 1, "version");
    require(ASN1_INTEGER_set(X509_get_serialNumber(x), serial++) == 1, "serial");
    require(X509_time_adj_ex(X509_getm_notBefore(x), wish.first_day, 0, nullptr) != nullptr &&
                X509_time_adj_ex(X509_getm_notAfter(x), wish.last_day, 0, nullptr) != nullptr,
            "dates");
    require(X509_set_pubkey(x, key) == 1, "public key");
    require(X509_NAME_add_entry_by_txt(
                X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                reinterpret_cast<const unsigned char*>(wish.common_name.c_str()), -1, -1, 0) == 1,
            "subject");
}

void add_extensions(X509* x, X509* issuer, const certificate_wish& wish) {
    add_extension(x, issuer, NID_basic_constraints,
                  wish.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    add_extension(x, issuer, NID_key_usage,
                  wish.authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
    if (!wish.authority)
        add_extension(x, issuer, NID_ext_key_usage, wish.client ? "clientAuth" : "serverAuth");
    const std::string names = alternative_names(wish);
    if (!names.empty()) add_extension(x, issuer, NID_subject_alt_name, names);
    add_extension(x, issuer, NID_subject_key_identifier, "hash");
}

/// Signed by `signer`, or by itself.
identity make_identity(const certificate_wish& wish, const identity* signer) {
    // EVP_EC_gen, whose macro casts const away.
    const key_ptr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
    const x509_ptr x(X509_new());
    require(key != nullptr && x != nullptr, "key");
    set_fields(x.get(), wish, key.get());

    const x509_ptr issuer = signer != nullptr ? certificate_of(signer->certificate) : nullptr;
    const key_ptr issuer_key = signer != nullptr ? key_of(signer->key) : nullptr;
    X509* const by = issuer != nullptr ? issuer.get() : x.get();
    require(X509_set_issuer_name(x.get(), X509_get_subject_name(by)) == 1, "issuer");
    add_extensions(x.get(), by, wish);
    require(X509_sign(x.get(), issuer_key ? issuer_key.get() : key.get(), EVP_sha256()) > 0,
            "signature");
    return {
        written([&](BIO* out) { return PEM_write_bio_X509(out, x.get()); }), written([&](BIO* out) {
            return PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
        })};
}

certificate_wish authority_called(std::string_view name) {
    return {.common_name = std::string(name), .authority = true};
}

} // namespace

certificate_authority::certificate_authority(std::string_view name)
    : own_(make_identity(authority_called(name), nullptr)), root_(own_.certificate) {}

identity certificate_authority::issue(const certificate_wish& wish) const {
    identity made = make_identity(wish, &own_);
    made.certificate += chain_;
    return made;
}

certificate_authority certificate_authority::intermediate(std::string_view name) const {
    identity made = make_identity(authority_called(name), &own_);
    std::string chain = made.certificate + chain_;
    return {std::move(made), root_, std::move(chain)};
}

identity self_signed(const certificate_wish& wish) {
    return make_identity(wish, nullptr);
}

std::string encrypted_key(const std::string& key, const std::string& password) {
    const key_ptr plain = key_of(key);
    std::string secret = password;
    return written([&](BIO* out) {
        return PEM_write_bio_PKCS8PrivateKey(out, plain.get(), EVP_aes_128_cbc(), secret.data(),
                                             static_cast<int>(secret.size()), nullptr, nullptr);
    });
}

std::string der_of(const std::string& certificate) {
    const x509_ptr x = certificate_of(certificate);
    return written([&](BIO* out) { return i2d_X509_bio(out, x.get()); });
}

} // namespace nats::test
