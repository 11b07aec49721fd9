// The parts of OpenSSL that Fairlead uses, by the API that 3.0, 3.5 and 4.0 share: as a table of
// functions, since the libraries are loaded when TLS is first configured. Linked, they cost every
// start 2 ms and every process 1.1 MiB, whether it speaks TLS or not. Debian: libssl-dev to build,
// libssl3 to run.
#pragma once
#include <features.h>
#include <stdbool.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define OPENSSL_FUNCTIONS(F) \
    F(ASN1_STRING_get0_data) F(ASN1_STRING_length) F(ASN1_TIME_to_tm) \
    F(BIO_free) F(BIO_get_data) F(BIO_meth_free) F(BIO_meth_new) F(BIO_meth_set_ctrl) \
    F(BIO_meth_set_read_ex) F(BIO_meth_set_write_ex) F(BIO_new) F(BIO_new_mem_buf) \
    F(BIO_set_data) F(BIO_set_flags) F(BIO_set_init) F(BIO_up_ref) \
    F(CRYPTO_set_mem_functions) F(ERR_clear_error) \
    F(ERR_get_error) F(ERR_peek_error) F(ERR_peek_last_error) F(ERR_reason_error_string) \
    F(EVP_aes_256_cbc) \
    F(EVP_DecryptInit_ex) F(EVP_EncryptInit_ex) F(EVP_MAC_CTX_set_params) F(EVP_PKEY_free) \
    F(EVP_PKEY_get_base_id) F(GENERAL_NAME_free) F(GENERAL_NAME_get0_value) F(OPENSSL_init_ssl) \
    F(OPENSSL_sk_delete) F(OPENSSL_sk_free) F(OPENSSL_sk_new_null) F(OPENSSL_sk_num) \
    F(OPENSSL_sk_push) F(OPENSSL_sk_value) F(OpenSSL_version) F(OSSL_PARAM_construct_end) \
    F(OSSL_PARAM_construct_octet_string) F(OSSL_PARAM_construct_utf8_string) \
    F(PEM_read_bio_PrivateKey) F(PEM_read_bio_X509) F(RAND_bytes) F(SSL_CIPHER_get_name) \
    F(SSL_ctrl) F(SSL_CTX_callback_ctrl) F(SSL_CTX_ctrl) F(SSL_CTX_free) \
    F(SSL_CTX_new) F(SSL_CTX_set_alpn_select_cb) \
    F(SSL_CTX_set_cipher_list) F(SSL_CTX_set_ciphersuites) F(SSL_CTX_set_num_tickets) \
    F(SSL_CTX_set_options) F(SSL_CTX_set_session_id_context) \
    F(SSL_CTX_set_tlsext_ticket_key_evp_cb) F(SSL_CTX_set_verify) F(SSL_CTX_use_cert_and_key) \
    F(SSL_do_handshake) F(SSL_free) F(SSL_get_current_cipher) \
    F(SSL_get_error) F(SSL_get_ex_data) F(SSL_get_servername) F(SSL_get_state) \
    F(SSL_get_version) F(SSL_new) F(SSL_pending) F(SSL_read_ex) \
    F(SSL_session_reused) F(SSL_set1_host) F(SSL_set_accept_state) F(SSL_set_bio) \
    F(SSL_set_connect_state) F(SSL_set_ex_data) F(SSL_set_info_callback) F(SSL_set_SSL_CTX) \
    F(SSL_shutdown) \
    F(SSL_write_ex) F(TLS_client_method) F(TLS_server_method) F(X509_check_issued) \
    F(X509_check_private_key) F(X509_cmp_current_time) F(X509_free) F(X509_get0_notAfter) \
    F(X509_get0_notBefore) F(X509_get_ext_d2i) F(X509_get_subject_name) F(X509_NAME_oneline) \
    F(X509_verify_cert_error_string) OPENSSL_CLIENT_FUNCTIONS(F)

// What only the client's side needs.
#define OPENSSL_CLIENT_FUNCTIONS(F) \
    F(SSL_CTX_sess_set_new_cb) F(SSL_CTX_set_alpn_protos) F(SSL_CTX_set1_cert_store) \
    F(SSL_get_ex_data_X509_STORE_CTX_idx) F(SSL_get0_param) F(SSL_get1_session) \
    F(SSL_SESSION_free) F(SSL_SESSION_is_resumable) F(SSL_set_alpn_protos) F(SSL_set_hostflags) \
    F(SSL_set_session) F(SSL_set_shutdown) F(SSL_version) F(X509_STORE_add_cert) \
    F(X509_STORE_CTX_get_current_cert) F(X509_STORE_CTX_get_error) F(X509_STORE_CTX_get_ex_data) F(X509_STORE_free) \
    F(X509_STORE_get0_objects) F(X509_STORE_load_file) F(X509_STORE_load_path) \
    F(X509_STORE_new) F(X509_up_ref) F(X509_VERIFY_PARAM_set1_ip_asc)

// What certificates say of themselves.
#define OPENSSL_FACTS(F) \
    F(CRYPTO_free) F(EVP_PKEY_get_bits) F(i2d_PUBKEY) F(X509_digest) F(X509_get0_pubkey) \
    F(X509_get_ext_by_NID) F(X509_get_extension_flags) F(X509_get_issuer_name)

// What authorities say of certificates.
#define OPENSSL_STAPLES(F) \
    F(ASN1_INTEGER_cmp) F(CRYPTO_memdup) F(d2i_OCSP_RESPONSE) F(OCSP_BASICRESP_free) \
    F(OCSP_id_get0_info) F(OCSP_resp_count) F(OCSP_resp_get0) F(OCSP_RESPONSE_free) \
    F(OCSP_response_get1_basic) F(OCSP_response_status) F(OCSP_single_get0_status) \
    F(OCSP_SINGLERESP_get0_id) F(SSL_get_certificate)

// What keys and certificates are made with.
#define OPENSSL_MAKERS(F) \
    F(ASN1_INTEGER_set_uint64) F(BIO_read_ex) F(BIO_s_mem) F(BN_bn2binpad) F(BN_free) \
    F(d2i_ECDSA_SIG) F(ECDSA_SIG_free) F(ECDSA_SIG_get0_r) F(ECDSA_SIG_get0_s) F(EVP_DigestSign) \
    F(EVP_DigestSignInit) F(EVP_MD_CTX_free) F(EVP_MD_CTX_new) F(EVP_PKEY_get_bn_param) \
    F(EVP_PKEY_get_group_name) F(EVP_PKEY_Q_keygen) F(EVP_Q_digest) F(EVP_Q_mac) F(EVP_sha256) \
    F(i2d_X509_REQ) F(PEM_write_bio_PrivateKey) F(PEM_write_bio_X509) F(X509_add_ext) \
    F(X509_EXTENSION_free) F(X509_get0_authority_key_id) F(X509_get0_serialNumber) \
    F(X509_getm_notAfter) F(X509_getm_notBefore) F(X509_get_serialNumber) F(X509_gmtime_adj) \
    F(X509_NAME_add_entry_by_txt) F(X509_new) F(X509_REQ_add_extensions) F(X509_REQ_free) \
    F(X509_REQ_new) F(X509_REQ_set_pubkey) F(X509_REQ_sign) F(X509_set_issuer_name) \
    F(X509_set_pubkey) F(X509_set_version) F(X509_sign) F(X509V3_EXT_nconf) F(X509V3_set_ctx)

// What verifies clients' certificates, and says whose they are.
#define OPENSSL_CLIENTS(F) \
    F(ASN1_STRING_type) F(i2d_X509) F(PEM_read_bio_X509_CRL) F(SSL_CTX_add_client_CA) \
    F(SSL_CTX_set_session_ticket_cb) F(SSL_get1_peer_certificate) F(SSL_get_verify_result) \
    F(SSL_SESSION_get0_peer) \
    F(X509_CRL_free) F(X509_CRL_get0_nextUpdate) F(X509_NAME_print_ex) F(X509_STORE_add_crl) \
    F(X509_STORE_set_flags) F(ASN1_STRING_to_UTF8) F(X509_NAME_ENTRY_get_data) \
    F(X509_NAME_get_entry) F(X509_NAME_get_index_by_NID) F(SSL_get0_alpn_selected)

struct openssl_functions {
#define OPENSSL_POINTER(name) __typeof__(name) *_Nonnull name;
    OPENSSL_FUNCTIONS(OPENSSL_POINTER)
    OPENSSL_FACTS(OPENSSL_POINTER)
    OPENSSL_STAPLES(OPENSSL_POINTER)
    OPENSSL_MAKERS(OPENSSL_POINTER)
    OPENSSL_CLIENTS(OPENSSL_POINTER)
#undef OPENSSL_POINTER
};

// Loads the libraries. NULL, or a text that says why that failed. Not at the same time by two
// threads.
const char *_Nullable openssl_load(void);

// All of OpenSSL's functions above, once openssl_load has succeeded.
extern struct openssl_functions openssl_loaded;
static inline const struct openssl_functions *_Nonnull openssl(void) {
    return &openssl_loaded;
}

// Empties the thread's queue of errors. It is empty but after a failure, and a look is cheaper by
// 800 instructions: ERR_clear_error goes through all sixteen places, and frees their texts.
static inline void openssl_clear_errors(void) {
    if (openssl()->ERR_peek_error()) openssl()->ERR_clear_error();
}

// What OpenSSL has as macros, which Swift does not see.

// Options and modes of every context.
static inline void openssl_prepare(SSL_CTX *_Nonnull context) {
    openssl()->SSL_CTX_set_options(
        context,
        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE
            | SSL_OP_PRIORITIZE_CHACHA);
    openssl()->SSL_CTX_ctrl(
        context, SSL_CTRL_MODE,
        // Buffers are taken from what the thread keeps of them, and given back at once (memory.c).
        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY | SSL_MODE_RELEASE_BUFFERS,
        NULL);
    openssl()->SSL_CTX_ctrl(
        context, SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF, NULL);
}

static inline bool openssl_set_min_version(SSL_CTX *_Nonnull context, int version) {
    return openssl()->SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, version, NULL) == 1;
}

// The groups of key exchanges, the best first. False where the library does not know one of them.
static inline bool openssl_set_groups(SSL_CTX *_Nonnull context, const char *_Nonnull list) {
    const bool is_known =
        openssl()->SSL_CTX_ctrl(context, SSL_CTRL_SET_GROUPS_LIST, 0, (void *)list) == 1;
    if (!is_known) openssl()->ERR_clear_error();
    return is_known;
}

// Called with the number of the alert to be sent once the client's hello names a server, or none.
static inline void openssl_set_name_callback(
    SSL_CTX *_Nonnull context,
    int (*_Nonnull callback)(SSL *_Nullable, int *_Nullable, void *_Nullable)
) {
    openssl()->SSL_CTX_callback_ctrl(
        context, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB, (void (*)(void))callback);
}

// Called when a client asks what the authority says of the certificate that it is shown.
static inline void openssl_set_status_callback(
    SSL_CTX *_Nonnull context, int (*_Nonnull callback)(SSL *_Nullable, void *_Nullable)
) {
    openssl()->SSL_CTX_callback_ctrl(
        context, SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB, (void (*)(void))callback);
}

// Makes `mac` a HMAC of SHA-256 with that key, which is copied.
static inline bool openssl_set_mac_key(
    EVP_MAC_CTX *_Nonnull mac, const unsigned char *_Nonnull key, size_t count
) {
    const OSSL_PARAM parameters[] = {
        openssl()->OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)key, count),
        openssl()->OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, "SHA256", 0),
        openssl()->OSSL_PARAM_construct_end(),
    };
    return openssl()->EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

// Has a client's context tell of each session that it could resume, and keep none itself.
static inline void openssl_tell_sessions(SSL_CTX *_Nonnull context) {
    openssl()->SSL_CTX_ctrl(
        context, SSL_CTRL_SET_SESS_CACHE_MODE,
        SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL, NULL);
}

// The name that a client asks for; it is copied.
static inline bool openssl_set_name(SSL *_Nonnull ssl, const char *_Nonnull name) {
    return openssl()->SSL_ctrl(
        ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, (void *)name) == 1;
}

// A new key for P-256, the caller's; NULL without memory or random bytes.
static inline EVP_PKEY *_Nullable openssl_make_key(void) {
    return openssl()->EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
}

// An extension, the caller's: its name or number, and its value as OpenSSL's configuration files
// write it. NULL when it can't be understood.
static inline X509_EXTENSION *_Nullable openssl_make_extension(
    const char *_Nonnull name, const char *_Nonnull value
) {
    X509V3_CTX context;
    openssl()->X509V3_set_ctx(&context, NULL, NULL, NULL, NULL, 0);
    return openssl()->X509V3_EXT_nconf(NULL, &context, name, value);
}

// Has peers' certificates verified by `store`, of which a reference is counted. No chain of the
// context's own certificates is made of it.
static inline bool openssl_set_verify_store(
    SSL_CTX *_Nonnull context, X509_STORE *_Nonnull store
) {
    return openssl()->SSL_CTX_ctrl(context, SSL_CTRL_SET_VERIFY_CERT_STORE, 1, store) == 1;
}

// The most bytes that a peer's certificates have together.
static inline void openssl_set_max_certificates(SSL_CTX *_Nonnull context, long bytes) {
    openssl()->SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_CERT_LIST, bytes, NULL);
}

// Writes the subject of `certificate` to `out` as RFC 4514 has it, in visible ASCII and spaces;
// everything else is escaped.
static inline void openssl_print_subject(BIO *_Nonnull out, X509 *_Nonnull certificate) {
    openssl()->X509_NAME_print_ex(
        out, openssl()->X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
}

// The first common name of the subject of `certificate`, in UTF-8: its length, and a copy that the
// caller frees. Negative for none.
static inline int openssl_copy_common_name(
    X509 *_Nonnull certificate, unsigned char *_Nullable *_Nonnull copy
) {
    const X509_NAME *subject = openssl()->X509_get_subject_name(certificate);
    const int place = openssl()->X509_NAME_get_index_by_NID(
        (X509_NAME *)subject, NID_commonName, -1);
    if (place < 0) return -1;
    X509_NAME_ENTRY *entry = (X509_NAME_ENTRY *)openssl()->X509_NAME_get_entry(subject, place);
    const int count = openssl()->ASN1_STRING_to_UTF8(
        copy, openssl()->X509_NAME_ENTRY_get_data(entry));
    if (count < 0) openssl()->ERR_clear_error();
    return count;
}
