// What a paced load needs of Linux and Swift's Glibc module leaves out, since it is compiled without
// _GNU_SOURCE: waiting with a limit finer than a millisecond (ppoll(2)), and how late the kernel may
// be with it (prctl(2), PR_SET_TIMERSLACK).
#pragma once
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <time.h>

int ppoll(struct pollfd *entries, nfds_t count, const struct timespec *limit, const sigset_t *mask);

static inline void set_timer_slack(unsigned long nanoseconds) {
    prctl(PR_SET_TIMERSLACK, nanoseconds, 0, 0, 0);
}
