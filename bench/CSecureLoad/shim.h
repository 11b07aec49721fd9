// OpenSSL for the load that speaks TLS, linked: by design apart from what Fairlead itself calls it
// by. What OpenSSL has as macros, which Swift does not see, is here as functions.
#pragma once
#include <openssl/err.h>
#include <openssl/ssl.h>

// Clients of TLS 1.3 with one suite and one group, whatever certificate they are shown: each proxy
// computes the same then, and the load little.
static inline SSL_CTX *secure_load_context(void) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (!context || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1
        || SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") != 1
        || SSL_CTX_set1_groups_list(context, "X25519") != 1) {
        return NULL;
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    // Thousands of idle connections are the load's as well.
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
    // Some close without a word.
    SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    return context;
}

// The name that a client asks for; it is copied.
static inline int secure_load_set_name(SSL *ssl, const char *name) {
    return (int)SSL_set_tlsext_host_name(ssl, name);
}
