// CrashTrace: a crash is told on standard error, with where it was, before the process ends by it.

internal import CLinux
internal import Glibc

/// What a crash leaves to read.
package enum CrashTrace {
    /// From now on a crash of any thread writes `title`, such as `fairlead 1.2.3`, the signal, the
    /// thread and the addresses of its calls. Once, at the start.
    package static func install(title: String) {
        // Never freed: it is read when nothing can be trusted any more.
        unsafe install_crash_trace(strdup(title))
    }
}
