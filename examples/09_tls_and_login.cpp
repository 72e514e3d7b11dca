// SPDX-License-Identifier: Apache-2.0
//
// TLS with an authority of one's own, and a credentials file. Both files are read again at each
// connect, so what is renewed in their place is used.
// Usage: 09_tls_and_login tls://host:port CA.pem USER.creds

#include <natsproto/blocking/client.hpp>

#include <chrono>
#include <iostream>

using namespace std::chrono_literals;

int main(int argc, char** argv) {
    if (argc != 4) {
        std::cerr << "usage: 09_tls_and_login tls://host:port CA.pem USER.creds\n";
        return 2;
    }
    const char* url = argv[1];
    const char* authority = argv[2];
    const char* user = argv[3];

    // [options]
    nats::options o;
    o.servers = url;
    o.tls.required = true;     // no connection without TLS; `tls://` in the URL says the same
    o.tls.ca_file = authority; // instead of the system's authorities
    o.credentials_file = user; // a JWT and its seed, as `nsc` writes them
    const nats::result<nats::client> nc = nats::client::connect(o);
    // [options]
    if (!nc) {
        std::cerr << nc.error().message() << '\n'; // what is wrong with which file or certificate
        return 1;
    }
    std::cout << "connected" << (nc->secure() ? " inside of TLS" : "") << '\n';
    return nc->secure() ? 0 : 1;
}
