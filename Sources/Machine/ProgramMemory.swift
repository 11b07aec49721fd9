// ProgramMemory: code that only the start needed. What was run once stays mapped from the program's file
// and counts as resident until the kernel is short of memory: of 8 MiB of code that a start leaves,
// serving uses a fraction.

internal import Documents
internal import Glibc

/// Any thread.
package enum ProgramMemory {
    /// Lets the kernel have the code of the program and its libraries. It stays in the page cache; what
    /// runs again is mapped again, some 64 KiB at a time, without being read from disk.
    package static func releaseCode() {
        guard let maps = try? NamedText.read(path: "/proc/self/maps") else { return }
        for range in code(in: maps.text) {
            // A private mapping of a file that nobody can write to: what is thrown away is what the file
            // has, but for a debugger's breakpoints. A refusal leaves everything as it was.
            unsafe _ = madvise(
                UnsafeMutableRawPointer(bitPattern: range.lowerBound), range.count, MADV_DONTNEED)
        }
    }

    /// The addresses of code that is mapped from files, in the kernel's list of a process's mappings
    /// (proc(5)).
    package static func code(in maps: String) -> [Range<UInt>] {
        maps.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            guard fields.count >= 6, fields[1] == "r-xp", fields[5].hasPrefix("/") else {
                return nil
            }
            let ends = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            guard ends.count == 2, ends[0] < ends[1] else { return nil }
            return ends[0]..<ends[1]
        }
    }
}
