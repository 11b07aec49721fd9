// What somebody who has a connection wants to know of what has begun on it.

internal import HTTP1

extension HTTP2Connection {
    /// Whether `bytes`, the first of a connection, can only be those of a client of HTTP/2: they
    /// begin with the first line of its preface (RFC 9113 section 3.4), which no request has.
    package static func isBegun(by bytes: Span<UInt8>) -> Bool {
        let line: StaticString = "PRI * HTTP/2.0\r\n"
        return bytes.count >= line.utf8CodeUnitCount
            && bytes.extracting(first: line.utf8CodeUnitCount).isEqual(to: line)
    }

    /// Whether a part has come of a frame, of a header block or of the preface, and the rest has
    /// not. Content of DATA does not count: it is the stream's to wait for.
    package var hasPart: Bool {
        if block != nil { return true }
        return switch reading {
        case .magic, .payload, .fragment, .paddingLength: true
        case .header: headerCount > 0
        case .content, .skipped, .failed: false
        }
    }

    /// Whether no more streams of the peer are taken, which it was told by GOAWAY.
    package var takesNoMore: Bool { lastAccepted != .max }
}
