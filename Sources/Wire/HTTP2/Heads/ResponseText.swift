// A response of HTTP/2, of a backend, as the text of one of HTTP/1.1, which `ResponseHead` parses.
// What only HTTP/2 can say wrong is refused here (RFC 9113 section 8).

package import HTTP1

/// The text of one response, in memory that is kept for the next; one value per worker is enough.
/// What it says is defined after `read` returned `complete`.
package struct ResponseText: ~Copyable {
    private var head = HeadBytes(capacity: 2048)
    private var hasContentLength = false
    private var method = Method.other
    /// The status code, 100 to 999 but 101; 0 while none was read.
    package private(set) var status = 0

    /// Reserves the memory that every response will use.
    package init() {}

    /// Whether another response follows this one (RFC 9113 section 8.1).
    package var isInterim: Bool { status < 200 }

    /// Calls `body` with the text: a whole head with its empty line. Empty after any outcome but
    /// `complete`.
    package func withText<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        head.withBytes(0..<head.count, body)
    }

    /// Translates the header block of a response.
    ///
    /// Its body is framed by `content-length` if that is there; else by chunks, or as one of no
    /// bytes if the stream has ended.
    /// - Parameters:
    ///   - endsStream: whether there is neither content nor trailers behind it.
    ///   - method: that of the request.
    ///   - limits: of the head, counted as in `RequestText.read`.
    ///   - decoder: that of the connection; the block is decoded to its end whatever it says.
    package mutating func read(
        _ block: Span<UInt8>, endsStream: Bool, answering method: Method, limits: HeadLimits,
        decoder: inout HPACKDecoder
    ) -> HeadTextOutcome {
        head.truncate(to: 0)
        hasContentLength = false
        status = 0
        self.method = method
        var reader = BlockReader(block, limits: limits, decoder: &decoder)
        while let field = reader.next(block, decoder: &decoder, to: &head) {
            if let fault = add(field, at: reader.lineStart, endsStream: endsStream) {
                reader.refuse(.malformed(fault))
            }
        }
        if reader.outcome == .complete, let fault = check(endsStream: endsStream) {
            reader.refuse(.malformed(fault))
        }
        guard reader.outcome == .complete else {
            head.truncate(to: 0)
            return reader.outcome
        }
        if !hasContentLength, hasContent {
            head.append(endsStream ? "Content-Length: 0\r\n" : "Transfer-Encoding: chunked\r\n")
        }
        head.append("\r\n")
        return .complete
    }

    /// Whether content follows by the method and the status; where it can't, a length says only
    /// what it would have (RFC 9110 section 8.6).
    private var hasContent: Bool {
        method != .head && status >= 200 && status != 204 && status != 304
            && !(method == .connect && status < 300)
    }

    /// What is missing at the end of the block.
    private func check(endsStream: Bool) -> HeadFault? {
        if status == 0 { return .missingPseudoField }
        return isInterim && endsStream ? .endOfInterimResponse : nil
    }

    /// Keeps the field whose line begins at `lineStart`; why not, if it may not be there.
    private mutating func add(
        _ field: DecodedField, at lineStart: Int, endsStream: Bool
    ) -> HeadFault? {
        guard field.isValueValid else { return .invalidFieldValue }
        let valueStart = lineStart + field.nameCount + 2
        let value = valueStart..<valueStart + field.valueCount
        if field.name == .status {
            guard status == 0 else { return .repeatedPseudoField }
            return begin(value)
        }
        if field.name.isPseudo { return .unknownPseudoField }
        if status == 0 { return .missingPseudoField }
        if field.name.isOfConnection { return .connectionField }
        switch field.name {
        case .malformed:
            return .invalidFieldName
        case .te:
            return .invalidTE
        case .contentLength:
            // Whether it is a number, and the only one, `ResponseHead` will say.
            if endsStream, hasContent, !head.withBytes(value, { $0.isZero }) {
                return .contentMissing
            }
            hasContentLength = true
        default:
            break
        }
        return nil
    }

    /// Writes the status line in the place of the line of `:status`, which is the first one. No
    /// response of HTTP/2 is a 101 (RFC 9113 section 8.6).
    private mutating func begin(_ value: Range<Int>) -> HeadFault? {
        guard value.count == 3 else { return .invalidStatus }
        var number = 0
        for offset in value {
            guard Characters.isDigit(head[offset]) else { return .invalidStatus }
            number = number * 10 + Int(head[offset] - 0x30)
        }
        guard number >= 100, number != 101 else { return .invalidStatus }
        status = number
        head.truncate(to: 0)
        head.append("HTTP/1.1 ")
        head.appendStatus(number)
        head.append(" ")
        head.append(ResponseWriter.reason(of: number))
        head.append("\r\n")
        return nil
    }
}
