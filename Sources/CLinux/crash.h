// What a crash leaves to read: the signal, the thread, and where it was, on standard error. Written by a
// signal handler, in which only what signal-safety(7) lists is safe; backtrace(3) is not among it, but for
// the library that it loads, which is loaded before (install_crash_trace), and a process that crashes has
// little to lose.
#pragma once
#include <execinfo.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static const char *crash_title = "";

static inline void crash_write(const char *text) {
    ssize_t ignored = write(STDERR_FILENO, text, strlen(text));
    (void)ignored;
}

static inline void crash_write_number(unsigned number) {
    char digits[16];
    int place = sizeof digits;
    digits[--place] = 0;
    do {
        digits[--place] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0 && place > 0);
    crash_write(digits + place);
}

static inline void crash_handler(int number) {
    char thread[17] = {0};
    prctl(PR_GET_NAME, thread, 0, 0, 0);
    crash_write(crash_title);
    crash_write(" crashed: signal ");
    crash_write_number((unsigned)number);
    crash_write(" in thread ");
    crash_write(thread);
    crash_write(", at (innermost first):\n");
    void *frames[64];
    int count = backtrace(frames, 64);
    backtrace_symbols_fd(frames, count, STDERR_FILENO);
    crash_write("addr2line -Cfpie PROGRAM and the numbers behind the + tell functions and lines; please "
                "report it.\n");
    // As it would have ended without us: the supervisor sees the signal, and a core is written.
    signal(number, SIG_DFL);
    raise(number);
}

// From now on a crash of any thread writes `title` and where it was. The title lives as long as the
// process.
static inline void install_crash_trace(const char *title) {
    crash_title = title;
    void *frame;
    backtrace(&frame, 1);
    static char stack[64 * 1024];
    stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};
    // Of this thread alone: others that run out of stack end without a word.
    sigaltstack(&alternative, 0);
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = crash_handler;
    action.sa_flags = SA_ONSTACK | SA_NODEFER;
    const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT};
    for (unsigned place = 0; place < sizeof signals / sizeof *signals; place++)
        sigaction(signals[place], &action, 0);
}
