// Heads of HTTP/1.1 as header blocks. Names that the static table has go by their index, all else is
// spelled out: no dynamic table, which would cost memory for each connection, and no Huffman code,
// which costs more time than the bytes are worth.
//
// What is given was written by Fairlead. Nothing of it is checked a second time but what would make
// another message of it: a name ends with its token, a value before the first control character.

internal import HTTP1

/// Writes header blocks (RFC 9113 section 8.2, RFC 7541 section 6). Any thread.
package enum HeaderBlock {
    /// The most bytes that the block of a text of so many bytes has.
    package static func bytesMax(ofText count: Int) -> Int {
        // A line has four bytes that are no name and no value, a field needs three and one more
        // for each 127 bytes; then what stands before and behind the fields.
        count + count / 16 + 48
    }

    /// Appends the block of a response: `:status`, and the fields that are not about the connection
    /// of HTTP/1.1 (RFC 9113 section 8.2.2).
    /// - Parameters:
    ///   - text: the head of a response of HTTP/1.1, with its empty line.
    ///   - acceptsWebSocket: whether it answers a request for a WebSocket (RFC 8441 section 5): for
    ///     a 101 the client gets a 200.
    /// - Precondition: there is room for `bytesMax`.
    package static func append(
        responseText text: Span<UInt8>, acceptsWebSocket: Bool = false,
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
        appendAuthority(text, from: fieldsStart, into: &out)
        appendFields(text, from: fieldsStart, into: &out) { name in
            name.isOfConnection || name == .te || name == .host
        }
        if acceptsTrailers {
            out.append(0)
            appendString("te", into: &out)
            appendString("trailers", into: &out)
        }
    }

    /// Appends the block of a trailer section: its lines, with or without the empty one.
    /// - Precondition: there is room for `bytesMax`.
    package static func append(trailers text: Span<UInt8>, into out: inout OutputSpan<UInt8>) {
        appendFields(text, from: 0, into: &out) { $0.isOfConnection || $0 == .te }
    }

    // MARK: Lines

    /// Appends the fields of the lines from `start` to the empty line, but those dropped.
    @inline(__always)
    private static func appendFields(
        _ text: Span<UInt8>, from start: Int, into out: inout OutputSpan<UInt8>,
        isDropped: (HeaderName) -> Bool
    ) {
        var at = start
        while let line = Line(text, from: at) {
            at = line.end
            let name = HeaderName(anyCase: text.extracting(line.name))
            if isDropped(name) { continue }
            let value = text.extracting(line.value)
            if name.isIndexed {
                appendField(name, value, into: &out)
            } else {
                out.append(0)
                HPACKInteger.append(line.name.count, prefix: 7, flags: 0, to: &out)
                out.append(lowercased: text.extracting(line.name))
                appendString(value, into: &out)
            }
        }
    }

    /// Appends `:authority` from the Host field, which stands first in what Fairlead writes.
    private static func appendAuthority(
        _ text: Span<UInt8>, from start: Int, into out: inout OutputSpan<UInt8>
    ) {
        var at = start
        while let line = Line(text, from: at) {
            at = line.end
            guard text.extracting(line.name).isEqualIgnoringCase(to: "host") else { continue }
            appendField(.authority, text.extracting(line.value), into: &out)
            return
        }
    }

    /// Behind the LF of the line that is at `start`; the end of the text, if there is none.
    private static func endOfLine(_ text: Span<UInt8>, from start: Int) -> Int {
        ByteScan.lineFeed(text, from: start, to: text.count).map { $0 + 1 } ?? text.count
    }

    /// Where the parts of a field line are.
    private struct Line {
        let name: Range<Int>
        /// Without the blanks around it.
        let value: Range<Int>
        /// Behind its LF.
        let end: Int

        /// The line at `start`; nil for the empty line and for what is no field.
        @inline(__always)
        init?(_ text: Span<UInt8>, from start: Int) {
            let colon = ByteScan.endOfToken(text, from: start, to: text.count)
            guard colon > start, colon < text.count, text[colon] == 0x3A else { return nil }
            var valueStart = colon &+ 1
            while valueStart < text.count, Characters.isBlank(text[valueStart]) { valueStart &+= 1 }
            let valueEnd = ByteScan.endOfFieldText(text, from: valueStart, to: text.count)
            var trimmed = valueEnd
            while trimmed > valueStart, Characters.isBlank(text[trimmed &- 1]) { trimmed &-= 1 }
            name = start..<colon
            value = valueStart..<trimmed
            end = HeaderBlock.endOfLine(text, from: valueEnd)
        }
    }

    // MARK: Fields

    /// Appends a field that the static table has whole (section 6.1).
    @inline(__always)
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

    /// Appends a field whose name the static table has. Credentials are marked, so that no hop
    /// behind this one keeps them in a table (section 7.1.3).
    @inline(__always)
    private static func appendField(
        _ name: HeaderName, _ value: Span<UInt8>, into out: inout OutputSpan<UInt8>
    ) {
        HPACKInteger.append(
            Int(name.rawValue), prefix: 4, flags: name.isCredential ? 0x10 : 0, to: &out)
        appendString(value, into: &out)
    }

    @inline(__always)
    private static func appendString(_ bytes: Span<UInt8>, into out: inout OutputSpan<UInt8>) {
        HPACKInteger.append(bytes.count, prefix: 7, flags: 0, to: &out)
        out.append(bytes)
    }

    @inline(__always)
    private static func appendString(_ text: StaticString, into out: inout OutputSpan<UInt8>) {
        HPACKInteger.append(text.utf8CodeUnitCount, prefix: 7, flags: 0, to: &out)
        out.append(text)
    }
}
