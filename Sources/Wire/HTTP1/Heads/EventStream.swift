// EventStream: whether a request asks for a stream of events (server-sent events, of the HTML
// standard). Many servers send even the head of the response with the first event, whenever that
// is.

/// Requests for streams of events.
package enum EventStream {
    private static let type: StaticString = "text/event-stream"

    /// Whether a request, whose serialised head `head` is, says that it accepts a stream of events
    /// (RFC 9110, section 12.5.1). Any thread.
    /// - Complexity: O(n).
    package static func isAsked(by head: Span<UInt8>) -> Bool {
        var start = 0
        while start < head.count {
            var end = start
            while end < head.count, head[end] != UInt8(ascii: "\n") { end += 1 }
            let line = head.extracting(start..<end)
            if line.count > 7, line.extracting(0..<7).isEqualIgnoringCase(to: "accept:"),
                hasType(line)
            {
                return true
            }
            start = end + 1
        }
        return false
    }

    private static func hasType(_ line: Span<UInt8>) -> Bool {
        let count = type.utf8CodeUnitCount
        guard line.count >= count else { return false }
        for start in 0...line.count - count
        where line.extracting(start..<start + count).isEqualIgnoringCase(to: type) {
            return true
        }
        return false
    }
}
