// Memory for OpenSSL: the C library's, but for the blocks of about 16 KiB that records and
// handshakes are worked on in. A connection needs those for the time of a call, and has none while
// it rests: so one that is given back stays with its thread, for the next call. Where that were a
// malloc and a free for each, a request would cost 1,800 instructions more; and where connections
// kept theirs until they rest, each thousand of them would leave holes of 33 MB in the heap.
#include "memory.h"
#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>

// What is kept has at least so much room: for a handshake's messages, the most of all (21,848), and
// for a record either way, which is a little more than 16 KiB.
enum { block_min = 16384, block_size = 22528, spare_max = 16 };

struct spare { struct spare *next; };

// Blocks that are not in use. Their thread's; never freed, so that few remain of a thread that
// ends.
static _Thread_local struct spare *spares;
static _Thread_local int spare_count;

static void *allocate(size_t size, const char *file, int line) {
    (void)file, (void)line;
    if (size == 0) return NULL;
    if (size <= block_min || size > block_size) return malloc(size);
    struct spare *block = spares;
    if (!block) return malloc(block_size);
    spares = block->next;
    spare_count--;
    return block;
}

static void release(void *pointer, const char *file, int line) {
    (void)file, (void)line;
    if (!pointer) return;
    // Whatever has the room of a block is as good as one.
    size_t size = malloc_usable_size(pointer);
    if (size < block_size || size >= 2 * block_size || spare_count == spare_max) {
        free(pointer);
        return;
    }
    struct spare *block = pointer;
    block->next = spares;
    spares = block;
    spare_count++;
}

static void *reallocate(void *pointer, size_t size, const char *file, int line) {
    if (!pointer) return allocate(size, file, line);
    if (size == 0) {
        release(pointer, file, line);
        return NULL;
    }
    return realloc(pointer, size);
}

void openssl_set_memory(int (*set)(CRYPTO_malloc_fn, CRYPTO_realloc_fn, CRYPTO_free_fn)) {
    // It refuses when somebody else in the process uses the library already: all works then, and
    // costs more.
    (void)set(allocate, reallocate, release);
}
