// What a line of the access log tells: numbers of the whole request, and the text of its head,
// which is copied when the request begins, since the head's own bytes are gone by its end.

package import HTTP1

/// The numbers of one request, or of one TCP connection.
package struct AccessEntry: Sendable {
    /// What came before the line: an HTTP request or a TCP connection.
    package enum Kind: Sendable {
        /// A request; of HTTP/1.0 or 1.1.
        case http(minorVersion: Int)
        /// A TCP connection, or one that has switched to another protocol.
        case tcp
    }

    /// What it was.
    package var kind: Kind
    /// The response's status; 0 when none was sent.
    package var status = 0
    /// The code of what ended it: two characters that need no escape.
    package var cause: StaticString
    /// Bytes received from the client.
    package var bytesIn = 0
    /// Bytes sent to the client, or kept for it, heads included.
    package var bytesOut = 0
    /// Of these, of the response's body, as it is framed.
    package var bodyBytesOut = 0
    /// Tries that were begun: requests to backends, or dials.
    package var tries = 0
    /// From the request's head to the begin of the last try, in microseconds; nil without a try.
    package var queueMicroseconds: Int?
    /// For the last try's dial; 0 on a kept connection, nil when there was none.
    package var connectMicroseconds: Int?
    /// From sending the request to the response's head; nil when none came.
    package var firstByteMicroseconds: Int?
    /// From the request's head, or the connection, to the end.
    package var totalMicroseconds = 0

    /// The rest is unknown.
    package init(_ kind: Kind, _ cause: StaticString) {
        self.kind = kind
        self.cause = cause
    }
}

/// The text of a request's head that a line shows: as much of it as fits. Reused from request to
/// request, so that it allocates nothing.
package struct LoggedText: Sendable {
    private(set) var bytes: [UInt8] = []
    // Where each ends in `bytes`, in this order.
    private(set) var method = 0
    private(set) var target = 0
    private(set) var host = 0
    private(set) var referer = 0
    private(set) var userAgent = 0

    /// What is kept of each, in bytes: a line must fit into what a pipe takes at once.
    static let methodMax = 32, targetMax = 1536, hostMax = 256, refererMax = 512
    static let userAgentMax = 512

    /// Nothing, as for a request whose head could not be read.
    package init() {}

    /// Takes the text of `head`, which was parsed from `source`.
    package mutating func note(_ head: borrowing RequestHead, from source: Span<UInt8>) {
        var refererRange = ByteRange.empty
        var userAgentRange = ByteRange.empty
        for index in 0..<head.fieldCount {
            let field = head.field(index)
            guard field.known == .other else { continue }
            let name = source.extracting(field.name.bounds)
            if name.isEqualIgnoringCase(to: "user-agent") {
                userAgentRange = field.value
            } else if name.isEqualIgnoringCase(to: "referer") {
                refererRange = field.value
            }
        }
        bytes.removeAll(keepingCapacity: true)
        method = keep(source, head.methodRange, Self.methodMax)
        target = keep(source, head.target, Self.targetMax)
        host = keep(source, head.host, Self.hostMax)
        referer = keep(source, refererRange, Self.refererMax)
        userAgent = keep(source, userAgentRange, Self.userAgentMax)
    }

    private mutating func keep(_ source: Span<UInt8>, _ range: ByteRange, _ max: Int) -> Int {
        let all = source.extracting(range.bounds)
        bytes.append(all.extracting(first: min(all.count, max)))
        return bytes.count
    }

    /// Forgets the text.
    package mutating func clear() {
        guard !bytes.isEmpty else { return }
        bytes.removeAll(keepingCapacity: true)
        (method, target, host, referer, userAgent) = (0, 0, 0, 0, 0)
    }
}
