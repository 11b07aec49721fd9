// What a crash leaves to read: the signal, the thread, and where it was, on standard error. Written by a
// signal handler, in which only what signal-safety(7) lists is safe, and backtrace_symbols_fd(3).
//
// Where it was is read from the frame pointers, which all Swift code keeps: backtrace(3) would load a
// library and take locks in the middle of a crash, and read tables that the shipped program leaves out
// (Package.swift, `small`). Libraries in C keep no frame pointers; what called them is looked for on the
// stack.
#pragma once
#include <execinfo.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
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

// What a function that keeps its frame pointer leaves on the stack, and the register points at.
struct crash_frame {
    uintptr_t caller;  // where the caller's is
    uintptr_t back;    // where the caller goes on
};

// Copies a frame from the stack; 0 when nothing is mapped there, or it is aligned as no frame is. A system
// call, since reading it would crash again.
static inline int crash_read(uintptr_t address, struct crash_frame *frame) {
    struct iovec here = {frame, sizeof *frame}, there = {(void *)address, sizeof *frame};
    return address % sizeof(uintptr_t) == 0 &&
           syscall(SYS_process_vm_readv, getpid(), &here, 1, &there, 1, 0) == sizeof *frame;
}

// Set by the linker: where the program's own code begins (with what is read alone) and ends.
extern char __executable_start, etext;
static inline int crash_is_ours(uintptr_t address) {
    return address >= (uintptr_t)&__executable_start && address < (uintptr_t)&etext;
}

#define CRASH_SEARCHED 16384     // bytes of stack in which a frame is looked for: libraries' need less
#define CRASH_FRAME_MAX 1048576  // bytes that a frame may have: more is no frame pointer

// The first frame at or above `address` that belongs to a function called by the program; 0 for none.
static inline uintptr_t crash_search(uintptr_t address) {
    struct crash_frame frame, next;
    for (uintptr_t end = address + CRASH_SEARCHED; address < end; address += sizeof address) {
        if (!crash_read(address, &frame)) return 0;
        if (crash_is_ours(frame.back) && frame.caller > address &&
            frame.caller - address < CRASH_FRAME_MAX && crash_read(frame.caller, &next) && next.back)
            return address;
    }
    return 0;
}

// Where the thread was, the innermost first.
static inline int crash_walk(const ucontext_t *context, void **places, int max) {
#if defined(__x86_64__)
    // REG_RIP, REG_RSP and REG_RBP, whose names need _GNU_SOURCE.
    const long long *registers = (const long long *)context->uc_mcontext.gregs;
    uintptr_t place = (uintptr_t)registers[16], low = (uintptr_t)registers[15];
    uintptr_t address = (uintptr_t)registers[10];
#elif defined(__aarch64__)
    uintptr_t place = context->uc_mcontext.pc, low = context->uc_mcontext.sp;
    uintptr_t address = context->uc_mcontext.regs[29];
#else
#error "which registers hold the program counter, the stack pointer and the frame pointer?"
#endif
    struct crash_frame frame;
    int count = 0;
    places[count++] = (void *)place;
    while (count < max) {
        // The stack grows down: who called lies above, and not far. What does not is no frame pointer.
        if (!crash_is_ours(place) || address < low || address - low > CRASH_FRAME_MAX)
            address = crash_search(low);
        if (!address || !crash_read(address, &frame) || !frame.back) break;
        place = frame.back;
        places[count++] = (void *)place;
        low = address + sizeof frame;
        address = frame.caller;
    }
    return count;
}

static inline void crash_handler(int number, siginfo_t *about, void *context) {
    (void)about;
    char thread[17] = {0};
    prctl(PR_GET_NAME, thread, 0, 0, 0);
    crash_write(crash_title);
    crash_write(" crashed: signal ");
    crash_write_number((unsigned)number);
    crash_write(" in thread ");
    crash_write(thread);
    crash_write(", at (innermost first):\n");
    void *places[64];
    backtrace_symbols_fd(places, crash_walk(context, places, 64), STDERR_FILENO);
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
    static char stack[64 * 1024];
    stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};
    // Of this thread alone: others that run out of stack end without a word.
    sigaltstack(&alternative, 0);
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = crash_handler;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT};
    for (unsigned place = 0; place < sizeof signals / sizeof *signals; place++)
        sigaction(signals[place], &action, 0);
}
