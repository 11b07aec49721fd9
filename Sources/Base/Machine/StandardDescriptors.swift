// StandardDescriptors: descriptors 0, 1 and 2 are always open. Some supervisors and cron jobs start
// a program with one of them closed; the next socket would get its number, and everything that is
// written to standard output or standard error would go into that socket.

internal import Glibc

/// The three descriptors that every program takes for granted.
package enum StandardDescriptors {
    /// Opens /dev/null on those of the three that are closed. First of all in a process, before
    /// anything else can get their numbers.
    package static func openMissing() {
        for number in STDIN_FILENO...STDERR_FILENO {
            guard fcntl(number, F_GETFD) < 0, errno == EBADF else { continue }
            // The lowest number that is free, which this one is by now.
            var opened = unsafe open("/dev/null", O_RDWR)
            // In a root without devices: what is written there gets an error and goes nowhere.
            if opened < 0 { opened = unsafe open("/", O_RDONLY | O_DIRECTORY) }
            precondition(opened < 0 || opened == number, "descriptors are given out in order")
        }
    }
}
