// Linux calls of glibc that Swift's Glibc module leaves out, since it is compiled without
// _GNU_SOURCE. Declared as their manual pages have them; nothing is defined here.
#pragma once
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/types.h>

int accept4(int descriptor, struct sockaddr *address, socklen_t *length, int flags);
int pthread_setname_np(pthread_t thread, const char *name);
// The POSIX strerror_r, under the name that glibc gives it beside its own variant.
int __xpg_strerror_r(int error, char *text, size_t size);
