// malloc, calloc, realloc and the aligned forms, passed on to glibc's own under their internal names,
// and counted when the calling thread is a worker of the proxy.
#define _GNU_SOURCE
#include "CAllocationCounter.h"
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

static atomic_long worker_allocations;
static atomic_int aborts;
// 0 not known yet, 1 worker, 2 another thread. A thread gets its name before it does any work, but
// after its first allocations, so "another" is looked at again now and then.
static __thread int kind;
static __thread unsigned looks;

static void count(void) {
    if (kind != 1) {
        if (looks++ % 16 != 0) return;
        char name[16] = "";
        if (pthread_getname_np(pthread_self(), name, sizeof name) != 0) return;
        kind = strncmp(name, "worker-", 7) == 0 ? 1 : 2;
        if (kind != 1) return;
    }
    atomic_fetch_add_explicit(&worker_allocations, 1, memory_order_relaxed);
    if (atomic_load_explicit(&aborts, memory_order_relaxed)) abort();
}

long fairlead_worker_allocations(void) {
    return atomic_load_explicit(&worker_allocations, memory_order_relaxed);
}

void fairlead_abort_on_allocation(int on) {
    atomic_store_explicit(&aborts, on, memory_order_relaxed);
}

// The sanitizers bring a malloc of their own.
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)

void *malloc(size_t size) {
    count();
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    count();
    return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size) {
    count();
    return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size) {
    count();
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    count();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
    count();
    void *memory = __libc_memalign(alignment, size);
    if (!memory) return ENOMEM;
    *result = memory;
    return 0;
}

#endif
