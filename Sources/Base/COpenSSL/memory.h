// Memory for OpenSSL, for the file that loads it.
#pragma once
#include <openssl/crypto.h>

// Has the library, whose CRYPTO_set_mem_functions is `set`, take its memory from here: before its
// first use.
void openssl_set_memory(int (*set)(CRYPTO_malloc_fn, CRYPTO_realloc_fn, CRYPTO_free_fn));
