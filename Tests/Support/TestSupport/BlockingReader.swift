// BlockingReader: what can be read from a connection that gives bytes in whatever pieces they came.

/// A connection that a test reads from, waiting for what it wants. One thread at a time.
package protocol BlockingReader: AnyObject {
    /// Received, and not yet asked for.
    var buffered: [UInt8] { get set }
    /// What has arrived, those buffered first, at least one byte; empty when the other side has
    /// ended.
    func receive() throws -> [UInt8]
}

extension BlockingReader {
    /// Exactly `count` bytes.
    /// - Throws: when the other side ends before.
    package func receive(exactly count: Int) throws -> [UInt8] {
        var all: [UInt8] = []
        while all.count < count {
            let more = try receive()
            guard !more.isEmpty else {
                throw TestSupportError(
                    "the connection ended after \(all.count) of \(count) bytes")
            }
            all += more
        }
        buffered = Array(all[count...]) + buffered
        return Array(all[..<count])
    }

    /// Up to and including `mark`; nil when the other side ends before its first byte.
    /// - Throws: when it ends in between.
    package func receive(through mark: String) throws -> String? {
        let mark = Array(mark.utf8)
        var all: [UInt8] = []
        while true {
            let more = try receive()
            guard !more.isEmpty else {
                if all.isEmpty { return nil }
                throw TestSupportError(
                    "the connection ended within \(String(decoding: all, as: UTF8.self))")
            }
            let from = max(0, all.count - mark.count)
            all += more
            for start in from..<max(from, all.count - mark.count + 1)
            where all[start..<start + mark.count].elementsEqual(mark) {
                buffered = Array(all[(start + mark.count)...])
                return String(decoding: all[..<(start + mark.count)], as: UTF8.self)
            }
        }
    }
}
