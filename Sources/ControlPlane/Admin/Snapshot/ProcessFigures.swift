// ProcessFigures: what the kernel says about this process, from /proc.

internal import Glibc

/// The process as the kernel counts it. Value type, any thread.
package struct ProcessFigures: Sendable, Hashable {
    /// Open file descriptors.
    package var openDescriptors: Int
    /// The most file descriptors that it may open.
    package var descriptorsMax: Int
    /// Resident memory, in bytes.
    package var residentBytes: Int
    /// Processor time used, user and system, in seconds.
    package var cpuSeconds: Double

    /// Figures of another process, or for a test.
    package init(
        openDescriptors: Int, descriptorsMax: Int, residentBytes: Int, cpuSeconds: Double
    ) {
        self.openDescriptors = openDescriptors
        self.descriptorsMax = descriptorsMax
        self.residentBytes = residentBytes
        self.cpuSeconds = cpuSeconds
    }

    /// The current figures of this process; nil where there is no /proc. Takes some microseconds.
    package static func read() -> ProcessFigures? {
        guard let pages = residentPages(), let open = openDescriptorCount() else { return nil }
        var limit = rlimit()
        unsafe _ = getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        var usage = rusage()
        unsafe _ = getrusage(RUSAGE_SELF.rawValue, &usage)
        return ProcessFigures(
            openDescriptors: open, descriptorsMax: Int(clamping: limit.rlim_cur),
            residentBytes: pages * sysconf(Int32(_SC_PAGESIZE)),
            cpuSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime))
    }

    private static func seconds(_ time: timeval) -> Double {
        Double(time.tv_sec) + Double(time.tv_usec) / 1_000_000
    }

    /// Resident pages, by the second number of /proc/self/statm.
    private static func residentPages() -> Int? {
        let descriptor = unsafe open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { _ = close(descriptor) }
        var text = [UInt8](repeating: 0, count: 256)
        // Writes at most `count` bytes into `text`.
        let count = unsafe Glibc.read(descriptor, &text, text.count)
        guard count > 0 else { return nil }
        let words = String(decoding: text.prefix(count), as: UTF8.self).split(separator: " ")
        return words.count > 1 ? Int(words[1]) : nil
    }

    private static func openDescriptorCount() -> Int? {
        guard let directory = unsafe opendir("/proc/self/fd") else { return nil }
        defer { unsafe _ = closedir(directory) }
        var count = 0
        while unsafe readdir(directory) != nil { count += 1 }
        // Without `.`, `..` and the directory's own descriptor.
        return max(0, count - 3)
    }
}
