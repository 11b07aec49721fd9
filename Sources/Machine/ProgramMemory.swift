// ProgramMemory: code that only the start needed. What was run once stays mapped from the program's file
// and counts as resident until the kernel is short of memory: of 8 MiB of code that a start leaves,
// serving uses a fraction.

internal import Documents
internal import Glibc

/// Any thread.
package enum ProgramMemory {
    /// Lets the kernel have the code of the program and its libraries. It stays in the page cache; what
    /// runs again is mapped again, some 64 KiB at a time, without being read from disk. Takes about a
    /// millisecond; does nothing where the system does not tell what is mapped.
    package static func releaseCode() {
        guard let mappings = try? NamedText.read(path: "/proc/self/smaps") else { return }
        for range in untouchedCode(in: mappings.text) {
            // A private mapping of a file that nobody has written to: what is thrown away is what the
            // file has. A refusal leaves everything as it was.
            unsafe _ = madvise(
                UnsafeMutableRawPointer(bitPattern: range.lowerBound), range.count, MADV_DONTNEED)
        }
    }

    /// The addresses of code that is mapped from files and is as the files have it, in the kernel's
    /// description of a process's mappings (proc(5), `smaps`). Breakpoints of debuggers and tracers are
    /// pages of their own there (`Anonymous`), and would be lost.
    package static func untouchedCode(in mappings: String) -> [Range<UInt>] {
        var found: [Range<UInt>] = []
        var code: Range<UInt>?
        for line in mappings.split(separator: "\n") {
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            guard let first = fields.first else { continue }
            if first == "Anonymous:" {
                if let code, fields.count > 1, fields[1] == "0" { found.append(code) }
                code = nil
            } else if !first.hasSuffix(":") {
                code = range(ofCode: fields)
            }
        }
        return found
    }

    /// Of the line that begins a mapping: addresses, permissions, offset, device, inode and path.
    private static func range(ofCode fields: [Substring]) -> Range<UInt>? {
        guard fields.count >= 6, fields[1] == "r-xp", fields[5].hasPrefix("/") else { return nil }
        let ends = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
        guard ends.count == 2, ends[0] < ends[1] else { return nil }
        return ends[0]..<ends[1]
    }
}
