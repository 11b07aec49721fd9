// EventLines: the stream of events, cut into documents. Engines write a document a line; what is
// longer than any event is a stream that can't be followed.

/// Bytes in, lines out. Value type.
package struct EventLines: Sendable {
    /// Bytes of one line: labels of a container are in each of its events, and may be many.
    package static let lineBytesMax = 256 * 1024

    /// A stream that can't be followed. Any thread.
    package enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// A line has more bytes than any event.
        case lineTooLong

        /// A clause for a log line.
        package var description: String {
            "an event has more than \(EventLines.lineBytesMax) bytes"
        }
    }

    private var rest: [UInt8] = []

    /// A stream of which nothing has come.
    package init() {}

    /// The lines that are complete with `bytes`, without their ends and without empty ones.
    package mutating func append(_ bytes: [UInt8]) throws(Failure) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var begin = 0
        while let end = bytes[begin...].firstIndex(of: 0x0A) {
            var line = rest + bytes[begin..<end]
            rest = []
            begin = end + 1
            if line.last == 0x0D { line.removeLast() }
            guard line.count <= Self.lineBytesMax else { throw .lineTooLong }
            if !line.isEmpty { lines.append(line) }
        }
        rest += bytes[begin...]
        guard rest.count <= Self.lineBytesMax else { throw .lineTooLong }
        return lines
    }
}
