// Linux calls of glibc that Swift's Glibc module leaves out, since it is compiled without
// _GNU_SOURCE. Declared as their manual pages have them; defined is only what takes a variable number
// of arguments, which Swift can't call.
#pragma once
#include <pthread.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

int accept4(int descriptor, struct sockaddr *address, socklen_t *length, int flags);
int pthread_setname_np(pthread_t thread, const char *name);
// The POSIX strerror_r, under the name that glibc gives it beside its own variant.
int __xpg_strerror_r(int error, char *text, size_t size);

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
