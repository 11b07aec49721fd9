// ProcessEnvironment: the environment of a process as its bytes, so that what is passed on is what
// was there, whether or not it is UTF-8.

internal import Glibc

/// Variables with their values. Value type, any thread.
package struct ProcessEnvironment: Equatable, Sendable {
    /// `NAME=VALUE` each, in the order in which they were set.
    package private(set) var entries: [[UInt8]] = []

    /// No variable at all.
    package init() {}

    /// The environment of this process. While nothing changes it.
    package static func ofThisProcess() -> ProcessEnvironment {
        var environment = ProcessEnvironment()
        // environ is a zero-terminated array of zero-terminated strings; nothing here changes it.
        var entry = unsafe environ
        while let text = unsafe entry.pointee {
            let length = unsafe strlen(text)
            let bytes = unsafe UnsafeBufferPointer(start: text, count: length)
            environment.entries.append(unsafe bytes.map { UInt8(bitPattern: $0) })
            unsafe entry += 1
        }
        return environment
    }

    /// Sets `name` to `value`, in place of what it had.
    ///
    /// - Precondition: neither has a NUL, and `name` has no `=`.
    package mutating func set(_ name: String, to value: [UInt8]) {
        let prefix = Array("\(name)=".utf8)
        precondition(!prefix.contains(0) && !value.contains(0), "a string of C ends at a NUL")
        precondition(prefix.count { $0 == UInt8(ascii: "=") } == 1, "a name ends at =")
        entries.removeAll { $0.starts(with: prefix) }
        entries.append(prefix + value)
    }
}
