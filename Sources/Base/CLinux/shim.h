// Linux calls of glibc that Swift's Glibc module leaves out, since it is compiled without
// _GNU_SOURCE. Declared as their manual pages have them; defined is only what takes a variable number
// of arguments, which Swift can't call.
#pragma once
#include <linux/filter.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

int accept4(int descriptor, struct sockaddr *address, socklen_t *length, int flags);
int pthread_setname_np(pthread_t thread, const char *name);
// The POSIX strerror_r, under the name that glibc gives it beside its own variant.
int __xpg_strerror_r(int error, char *text, size_t size);

// malloc_trim(3): what is free in the heaps of all threads goes back to the kernel.
int malloc_trim(size_t pad);

// setns(2): the calling thread in another network, as tests need it.
#define CLONE_NEWNET 0x40000000
int setns(int namespace, int kind);

// pipe(7), splice(2), fcntl(2): the numbers are the kernel's, the same on every architecture.
#define SPLICE_F_MOVE 1
#define SPLICE_F_NONBLOCK 2
#define F_SETPIPE_SZ 1031
int pipe2(int descriptors[2], int flags);
ssize_t splice(int in, int64_t *in_offset, int out, int64_t *out_offset, size_t length,
               unsigned flags);

// tcp(7): bytes written that the peer has not acknowledged; 0 for a connection that is gone.
static inline int unacknowledged_bytes(int descriptor) {
    int count = 0;
    return ioctl(descriptor, TIOCOUTQ, &count) == 0 ? count : 0;
}

// recv(2) and send(2) without the sixty instructions, two of them locked, by which glibc makes each a
// point where a thread can be cancelled (pthreads(7)): no thread of this program ever is.
static inline ssize_t recv_uncancelled(int descriptor, void *buffer, size_t size, int flags) {
    return syscall(SYS_recvfrom, descriptor, buffer, size, flags, (void *)0, (void *)0);
}
static inline ssize_t send_uncancelled(int descriptor, const void *bytes, size_t size, int flags) {
    return syscall(SYS_sendto, descriptor, bytes, size, flags, (void *)0, 0);
}

// sched_setaffinity(2), which Swift can't call for the macros of its set: processors that this thread may
// run on, and the calling thread on one of them, counted from 0 and round again.
#define PROCESSOR_WORDS 128
static inline int allowed_processors(void) {
    unsigned long set[PROCESSOR_WORDS] = {0};
    if (syscall(SYS_sched_getaffinity, 0, sizeof set, set) <= 0) return 1;
    int count = 0;
    for (int word = 0; word < PROCESSOR_WORDS; word++) count += __builtin_popcountl(set[word]);
    return count > 0 ? count : 1;
}
static inline int pin_thread(int number) {
    unsigned long set[PROCESSOR_WORDS] = {0}, one[PROCESSOR_WORDS] = {0};
    if (syscall(SYS_sched_getaffinity, 0, sizeof set, set) <= 0) return -1;
    int bits = 8 * sizeof(unsigned long), left = number % allowed_processors();
    for (int place = 0; place < PROCESSOR_WORDS * bits; place++) {
        unsigned long bit = 1UL << place % bits;
        if ((set[place / bits] & bit) == 0 || left-- > 0) continue;
        one[place / bits] = bit;
        return (int)syscall(SYS_sched_setaffinity, 0, sizeof one, one);
    }
    return -1;
}

// execvpe(3), which glibc declares with _GNU_SOURCE alone: execve with the program looked for in PATH.
extern int execvpe(const char *file, char *const arguments[], char *const environment[]);
