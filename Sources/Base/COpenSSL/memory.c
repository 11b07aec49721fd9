// Memory for OpenSSL: the C library's, but for the blocks of about 16 KiB that records and
// handshakes are worked on in. A connection needs those for the time of a call, and has none while
// it rests: so one that is given back stays with its thread, for the next call. Where that were a
// malloc and a free for each, a request would cost 1,800 instructions more; and where connections
// kept theirs until they rest, each thousand of them would leave holes of 33 MB in the heap.
//
// Blocks lie in a range of addresses of their own. So a block is known by its address; and what a
// flood of handshakes has needed goes back to the kernel once it is over, where on the heap a few
// connections that stay would keep it.
#include "memory.h"
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
    // Room for a handshake's messages, the most of all (21,848), and for a record either way, which
    // is a little more than 16 KiB; in whole pages.
    block_min = 16384,
    block_size = 24576,
    // 200 MB of addresses; where more are needed at a time, malloc gives them.
    block_count = 8192,
    // How many a thread keeps: those of handshakes that wait for their clients are 1 in 128.
    spare_max = 128,
};

// Where blocks lie; NULL when the kernel gave no addresses: malloc gives all then.
static char *blocks;
// Those that no thread has, by number, and how many of all were ever used.
static uint16_t unused[block_count];
static int unused_count, used_max;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

// Blocks that the thread keeps; its own are few, and stay at its end.
struct spare { struct spare *next; };
static _Thread_local struct spare *spares;
static _Thread_local int spare_count;

static bool is_block(const void *pointer) {
    return blocks
        && (uintptr_t)pointer - (uintptr_t)blocks < (uintptr_t)block_size * block_count;
}

static void *take_block(void) {
    struct spare *spare = spares;
    if (spare) {
        spares = spare->next;
        spare_count--;
        return spare;
    }
    int number = -1;
    pthread_mutex_lock(&lock);
    if (unused_count > 0) number = unused[--unused_count];
    else if (used_max < block_count) number = used_max++;
    pthread_mutex_unlock(&lock);
    return number < 0 ? NULL : blocks + (size_t)number * block_size;
}

static void give_block(void *pointer) {
    if (spare_count < spare_max) {
        struct spare *spare = pointer;
        spare->next = spares;
        spares = spare;
        spare_count++;
        return;
    }
    // Its pages are the kernel's again, and zero when they are next used.
    madvise(pointer, block_size, MADV_DONTNEED);
    pthread_mutex_lock(&lock);
    unused[unused_count++] = (uint16_t)(((char *)pointer - blocks) / block_size);
    pthread_mutex_unlock(&lock);
}

static void *allocate(size_t size, const char *file, int line) {
    (void)file, (void)line;
    if (size == 0) return NULL;
    if (size > block_min && size <= block_size && blocks) {
        void *block = take_block();
        if (block) return block;
    }
    return malloc(size);
}

static void release(void *pointer, const char *file, int line) {
    (void)file, (void)line;
    if (!pointer) return;
    if (is_block(pointer)) give_block(pointer);
    else free(pointer);
}

static void *reallocate(void *pointer, size_t size, const char *file, int line) {
    if (!pointer) return allocate(size, file, line);
    if (size == 0) {
        release(pointer, file, line);
        return NULL;
    }
    if (!is_block(pointer)) return realloc(pointer, size);
    if (size <= block_size) return pointer;
    char *moved = malloc(size);
    if (!moved) return NULL;
    __builtin_memcpy(moved, pointer, block_size);
    give_block(pointer);
    return moved;
}

void openssl_set_memory(int (*set)(CRYPTO_malloc_fn, CRYPTO_realloc_fn, CRYPTO_free_fn)) {
    // It refuses when somebody else in the process uses the library already: all works then, and
    // costs more.
    if (!set(allocate, reallocate, release)) return;
    size_t size = (size_t)block_size * block_count;
    void *range = mmap(
        NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (range == MAP_FAILED) return;
    // A page that is touched must not bring 2 MiB with it.
    madvise(range, size, MADV_NOHUGEPAGE);
    blocks = range;
}
