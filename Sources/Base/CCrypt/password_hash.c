// Loads libcrypt, and checks one password at a time.
#define _GNU_SOURCE
#include "include/password_hash.h"
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

// crypt(3): the area that a hash is made in is the library's own (32 KiB); it allocates and grows
// that by itself, so that nothing here depends on what is in it. The caller frees it.
typedef char *crypt_function(const char *phrase, const char *setting, void **area, int *size);
// crypt_checksalt(3): 0 for a good setting, 1 for none that the library knows, 2 for one that the
// system forbids; more for one that is out of fashion.
typedef int check_function(const char *setting);

static crypt_function *crypt_in_area;
static check_function *check_setting;

const char *password_hash_load(void) {
    void *library = dlopen("libcrypt.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library) return dlerror();
    void *found = dlsym(library, "crypt_ra");
    if (!found) return dlerror();
    crypt_in_area = (crypt_function *)found;
    check_setting = (check_function *)dlsym(library, "crypt_checksalt");
    return NULL;
}

bool password_hash_is_known(const char *hash) {
    if (!check_setting) return true;
    int problem = check_setting(hash);
    return problem != 1 && problem != 2;
}

enum password_verdict password_hash_check(const char *password, const char *hash) {
    void *area = NULL;
    int size = 0;
    const char *made = crypt_in_area(password, hash, &area, &size);
    enum password_verdict verdict = password_unchecked;
    if (made) {
        size_t count = strlen(hash);
        bool is_as_long = strlen(made) == count;
        unsigned char difference = 0;
        // To the end, whatever comes before it: how long that takes tells nothing.
        for (size_t at = 0; is_as_long && at < count; at++) {
            difference |= (unsigned char)(made[at] ^ hash[at]);
        }
        verdict = is_as_long && difference == 0 ? password_right : password_wrong;
    }
    if (area) {
        explicit_bzero(area, (size_t)size);
        free(area);
    }
    return verdict;
}
