// Password hashes by libcrypt (libxcrypt), loaded once a file of users is configured: a program that
// checks no passwords pays nothing for it. Debian: libcrypt1, which every system has. Nothing is
// needed to build: the two functions that are called are declared in the source, by crypt(3).
#pragma once
#include <stdbool.h>

// What a check came to.
enum password_verdict {
    password_wrong = 0,
    password_right = 1,
    password_unchecked = 2, // the library could not: mostly for want of memory
};

// Loads the library. NULL, or a text that says why that failed. Not at the same time by two threads.
const char *_Nullable password_hash_load(void);

// Whether the loaded library knows the kind of this hash.
bool password_hash_is_known(const char *_Nonnull hash);

// Whether `password` makes `hash`. Takes as long as the hash is meant to, and any thread may call it
// at any time, once the library is loaded.
enum password_verdict password_hash_check(
    const char *_Nonnull password, const char *_Nonnull hash);
