// Loads OpenSSL's libraries, and finds the functions that Fairlead calls.
#include "include/openssl.h"
#include "memory.h"
#include <dlfcn.h>

struct openssl_functions openssl_loaded;

// The libraries that belong to the headers.
#define STRING(text) #text
#define NUMBER(number) STRING(number)
#define LIBRARY(name) "lib" name ".so." NUMBER(OPENSSL_VERSION_MAJOR)

const char *openssl_load(void) {
    // First, and by itself: where the program says that its libraries lie beside it, that holds for
    // what it asks for, and not for what those need in turn.
    void *crypto = dlopen(LIBRARY("crypto"), RTLD_NOW | RTLD_LOCAL);
    if (!crypto) return dlerror();
    void *ssl = dlopen(LIBRARY("ssl"), RTLD_NOW | RTLD_LOCAL);
    if (!ssl) return dlerror();
    void *found;
    // libssl's own, or of what it needs: libcrypto's.
#define OPENSSL_FIND(name) \
    found = dlsym(ssl, #name); \
    if (!found) return dlerror(); \
    openssl_loaded.name = (__typeof__(name) *)found;
    OPENSSL_FUNCTIONS(OPENSSL_FIND)
    OPENSSL_FACTS(OPENSSL_FIND)
    OPENSSL_STAPLES(OPENSSL_FIND)
    OPENSSL_MAKERS(OPENSSL_FIND)
    OPENSSL_CLIENTS(OPENSSL_FIND)
    // Before its first use.
    openssl_set_memory(openssl_loaded.CRYPTO_set_mem_functions);
    // Threads may use it up to the end of the process.
    if (!openssl_loaded.OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, NULL)) {
        return "OpenSSL can't be initialised";
    }
    return NULL;
}
