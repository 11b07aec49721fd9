// ProgramMemory: code that only the start needed. What was run once stays mapped from the program's
// file and counts as resident until the kernel is short of memory: of 8 MiB of code that a start
// leaves, serving uses a fraction.

internal import Documents
internal import Glibc

/// Any thread.
package enum ProgramMemory {
    /// Lets the kernel have the code of the program and its libraries. It stays in the page cache;
    /// what runs again is mapped again, some 64 KiB at a time, without being read from disk. Takes
    /// about a millisecond; does nothing where the system does not tell what is mapped.
    package static func releaseCode() {
        guard let mappings = try? NamedText.read(path: "/proc/self/smaps") else { return }
        for range in untouchedCode(in: mappings.text) {
            // A private mapping of a file that nobody has written to: what is thrown away is what
            // the file has. A refusal leaves everything as it was.
            unsafe _ = madvise(
                UnsafeMutableRawPointer(bitPattern: range.lowerBound), range.count, MADV_DONTNEED)
        }
    }

    /// The addresses of code that is mapped from files and is as the files have it, in the kernel's
    /// description of a process's mappings (proc(5), `smaps`). Breakpoints of debuggers and tracers
    /// are pages of their own there (`Anonymous`), and would be lost.
    package static func untouchedCode(in mappings: String) -> [Range<UInt>] {
        var found: [Range<UInt>] = []
        var code: Range<UInt>?
        // By bytes: of some thousand lines, a start is over sooner.
        for line in mappings.utf8.split(separator: UInt8(ascii: "\n")) {
            if line.starts(with: anonymous.utf8) {
                let value = line.dropFirst(anonymous.utf8.count).drop { $0 == UInt8(ascii: " ") }
                if let code, value.elementsEqual("0 kB".utf8) { found.append(code) }
                code = nil
            } else if let first = line.first, !(UInt8(ascii: "A")...UInt8(ascii: "Z") ~= first) {
                // Names of fields begin with a capital, addresses are in small digits.
                code = range(ofCode: Substring(line).split(separator: " "))
            }
        }
        return found
    }

    /// The field that tells how much of a mapping is no longer the file's.
    private static let anonymous = "Anonymous:"

    /// Of the line that begins a mapping: addresses, permissions, offset, device, inode and path.
    private static func range(ofCode fields: [Substring]) -> Range<UInt>? {
        guard fields.count >= 6, fields[1] == "r-xp", fields[5].hasPrefix("/") else { return nil }
        let ends = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
        guard ends.count == 2, ends[0] < ends[1] else { return nil }
        return ends[0]..<ends[1]
    }
}
