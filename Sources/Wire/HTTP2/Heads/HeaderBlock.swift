// Heads of HTTP/1.1 as header blocks. Names that the static table has go by their index, all else
// is spelled out: no dynamic table, which would cost memory for each connection, and no Huffman
// code, which costs more time than the bytes are worth.
//
// What is given was written by Fairlead. Nothing of it is checked a second time but what would make
// another message of it: a name ends with its token, a value before the first control character.

internal import HTTP1

/// Writes header blocks (RFC 9113 section 8.2, RFC 7541 section 6). Any thread.
package enum HeaderBlock {
    /// The most bytes that the block of a text of so many bytes has.
    package static func bytesMax(ofText count: Int) -> Int {
        // With what stands before and behind the fields, which may be in two parts.
        fieldsBytesMax(ofText: count) + 48
    }

    /// The most bytes that the fields of so many bytes of lines have. A line has three bytes at
    /// least that are no name and no value (a colon and CR LF), a field needs no more for strings
    /// of up to 126 bytes; a longer one needs one byte more, and another for each power of 128.
    static func fieldsBytesMax(ofText count: Int) -> Int { count + count / 16 + 16 }

    /// Appends the block of a response: `:status`, and the fields that are not about the connection
    /// of HTTP/1.1 (RFC 9113 section 8.2.2).
    /// - Parameters:
    ///   - text: the head of a response of HTTP/1.1, with its empty line.
    ///   - acceptsWebSocket: whether it answers a request for a WebSocket (RFC 8441 section 5): for
    ///     a 101 the client gets a 200.
    ///   - omitsLength: leaves Content-Length out, for clients that take what is not of their
    ///     protocol for a part of the answer.
    /// - Precondition: there is room for `bytesMax`.
    package static func append(
        responseText text: Span<UInt8>, acceptsWebSocket: Bool = false, omitsLength: Bool = false,
        into out: inout OutputSpan<UInt8>
    ) {
        let isSwitched =
            acceptsWebSocket && text.count > 12 && text.extracting(9..<12).isEqual(to: "101")
        if isSwitched {
            appendIndex(8, into: &out)
        } else {
            appendStatus(text, into: &out)
        }
        appendFields(text, from: endOfLine(text, from: 0), into: &out) { name in
            name.isOfConnection || name == .te || isSwitched && name == .webSocketAccept
                || omitsLength && name == .contentLength
        }
    }

    /// Appends the block of a request: its pseudo-header fields, and the fields that are not about
    /// the connection of HTTP/1.1.
    /// - Parameters:
    ///   - text: the head of a request of HTTP/1.1, with its empty line; its target is a path, `*`
    ///     or, for CONNECT, an authority.
    ///   - acceptsTrailers: says `te: trailers`, without which a server of gRPC refuses.
    /// - Precondition: there is room for `bytesMax`.
    package static func append(
        requestText text: Span<UInt8>, scheme: Scheme, acceptsTrailers: Bool = false,
        into out: inout OutputSpan<UInt8>
    ) {
        let methodEnd = ByteScan.endOfToken(text, from: 0, to: text.count)
        let targetStart = min(methodEnd + 1, text.count)
        let targetEnd = ByteScan.endOfTarget(text, from: targetStart, to: text.count)
        let method = text.extracting(0..<methodEnd)
        if method.isEqual(to: "GET") {
            appendIndex(2, into: &out)
        } else if method.isEqual(to: "POST") {
            appendIndex(3, into: &out)
        } else {
            appendField(.method, method, into: &out)
        }
        let fieldsStart = endOfLine(text, from: targetEnd)
        if !method.isEqual(to: "CONNECT") {
            appendIndex(scheme == .http ? 6 : 7, into: &out)
            let target = text.extracting(targetStart..<targetEnd)
            if target.isEqual(to: "/") {
                appendIndex(4, into: &out)
            } else {
                appendField(.path, target, into: &out)
            }
        }
        // The Host field stands first in what Fairlead writes; its line becomes `:authority`.
        if let host = hostLine(text, from: fieldsStart) {
            appendField(.authority, text.extracting(host.value), into: &out)
            appendRequestFields(text.extracting(fieldsStart..<host.line.lowerBound), into: &out)
            appendRequestFields(text.extracting(host.line.upperBound...), into: &out)
        } else {
            appendRequestFields(text.extracting(fieldsStart...), into: &out)
        }
        if acceptsTrailers {
            out.append("\u{0}\u{2}te\u{8}trailers")
        }
    }

    /// Appends the block of a trailer section: its lines, with or without the empty one.
    /// - Precondition: there is room for `bytesMax`.
    package static func append(trailers text: Span<UInt8>, into out: inout OutputSpan<UInt8>) {
        appendFields(text, from: 0, into: &out) { $0.isOfConnection || $0 == .te }
    }

    // MARK: Lines

    private static func appendRequestFields(
        _ lines: Span<UInt8>, into out: inout OutputSpan<UInt8>
    ) {
        appendFields(lines, from: 0, into: &out) { name in
            name.isOfConnection || name == .te || name == .host
        }
    }

    /// Where the first Host field is in the lines from `start` on; nil if there is none.
    private static func hostLine(
        _ text: Span<UInt8>, from start: Int
    ) -> (line: Range<Int>, value: Range<Int>)? {
        var at = start
        while at < text.count {
            let colon = ByteScan.endOfToken(text, from: at, to: text.count)
            let end = endOfLine(text, from: colon)
            if colon - at == 4, text.extracting(at..<colon).isEqualIgnoringCase(to: "host") {
                var valueStart = min(colon + 1, end)
                while valueStart < end, Characters.isBlank(text[valueStart]) { valueStart += 1 }
                return (
                    at..<end, valueStart..<ByteScan.endOfTarget(text, from: valueStart, to: end)
                )
            }
            at = end
        }
        return nil
    }

    /// Behind the LF of the line that is at `start`; the end of the text, if there is none.
    private static func endOfLine(_ text: Span<UInt8>, from start: Int) -> Int {
        ByteScan.lineFeed(text, from: start, to: text.count).map { $0 + 1 } ?? text.count
    }

    // MARK: Fields

    /// Appends a field that the static table has whole (section 6.1).
    private static func appendIndex(_ index: UInt8, into out: inout OutputSpan<UInt8>) {
        out.append(0x80 | index)
    }

    /// Appends the status that stands in a status line.
    private static func appendStatus(_ text: Span<UInt8>, into out: inout OutputSpan<UInt8>) {
        precondition(text.count > 12, "a response begins with a status line")
        let status = text.extracting(9..<12)
        for index: UInt8 in 8...14 where isStatus(status, at: index) {
            return appendIndex(index, into: &out)
        }
        appendField(.status, status, into: &out)
    }

    private static func isStatus(_ status: Span<UInt8>, at index: UInt8) -> Bool {
        switch index {
        case 8: status.isEqual(to: "200")
        case 9: status.isEqual(to: "204")
        case 10: status.isEqual(to: "206")
        case 11: status.isEqual(to: "304")
        case 12: status.isEqual(to: "400")
        case 13: status.isEqual(to: "404")
        default: status.isEqual(to: "500")
        }
    }

    /// Appends a pseudo-header field that the static table has not whole (section 6.2.2).
    private static func appendField(
        _ name: HeaderName, _ value: Span<UInt8>, into out: inout OutputSpan<UInt8>
    ) {
        HPACKInteger.append(Int(name.rawValue), prefix: 4, flags: 0, to: &out)
        HPACKInteger.append(value.count, prefix: 7, flags: 0, to: &out)
        out.append(value)
    }
}
