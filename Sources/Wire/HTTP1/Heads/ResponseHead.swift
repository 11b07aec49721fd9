// The head of a response, parsed in place like `RequestHead`. A response cannot be framed without
// knowing what it answers, hence the method in `parse`.

/// A parsed response head (RFC 9112 sections 4 to 6). What it says is defined after `parse`
/// returned `complete`, and only together with the bytes that it parsed.
package struct ResponseHead: ~Copyable {
    /// Bounds on the heads that are parsed from now on.
    package var limits: HeadLimits
    private(set) var section: FieldSection
    private var isRequestedByHead = false

    /// Bytes of the head, with its empty line.
    package private(set) var length = 0
    /// The status code, 100 to 999.
    package private(set) var status = 0
    /// The reason phrase; may be empty.
    package private(set) var reason = ByteRange.empty
    /// The version of HTTP that its sender speaks.
    package private(set) var version = HTTPVersion.http11
    /// Where the body ends. `none` for a 101 and for a 2xx to CONNECT too: a tunnel follows.
    package private(set) var body = BodyFraming.none

    /// Reserves the storage that every parse will use.
    package init(limits: HeadLimits = HeadLimits()) {
        self.limits = limits
        section = FieldSection(fieldsMax: limits.fieldsMax)
    }

    /// Whether what follows is no longer HTTP: a 2xx to CONNECT (RFC 9110 section 9.3.6).
    package private(set) var opensTunnel = false

    /// How many field lines there are.
    package var fieldCount: Int { section.fields.count }

    /// A field line, by its place in the order in which they came, below `fieldCount`.
    package func field(_ index: Int) -> Field { section.fields[index] }

    /// All of them, as a copy.
    /// - Complexity: O(n).
    package var fields: [Field] { (0..<fieldCount).map { section.fields[$0] } }

    /// Whether another response follows this one: 1xx but 101 (RFC 9110 section 15.2).
    package var isInterim: Bool { status < 200 && status != 101 }

    /// Whether the connection may carry another request after this response (RFC 9112 section 9.3).
    /// Never after a body that ends with the connection, nor after a response that declares a body
    /// where there can be none (section 6.3 rule 1): its sender may send it all the same.
    package var keepsAlive: Bool {
        !section.hasClose && (version == .http11 || section.hasKeepAlive) && body != .untilClose
            && !declaresImpossibleBody
    }

    /// Whether a field names NTLM or Negotiate, which authenticate the connection and not the
    /// request: no other client may use a connection that brought this head.
    package var authenticatesConnection: Bool { section.authenticatesConnection }

    /// For how many seconds the backend keeps the connection for another request, as far as it says
    /// (`Keep-Alive: timeout=`); nil when it does not.
    package var keepAliveSeconds: UInt64? { section.keepAliveSeconds }

    /// The protocol switched to, in a 101; nil otherwise (RFC 9110 section 7.8).
    package var upgrade: ByteRange? {
        status == 101 && section.hasUpgradeOption && !section.upgrade.isEmpty
            ? section.upgrade : nil
    }

    /// The Content-Length that was sent, whether there is a body or not; nil if none was.
    package var declaredLength: UInt64? {
        section.present.contains(.contentLength) ? section.contentLength : nil
    }

    /// Whether there is a field of this name.
    package func contains(_ name: FieldName) -> Bool { section.present.contains(name) }

    /// Whether the declared length may be told to the client though no body follows: answers to
    /// HEAD and 304 (RFC 9110 section 8.6), which forbids it in 1xx and 204.
    var lengthMayBeTold: Bool {
        (isRequestedByHead && status >= 200 && status != 204) || status == 304
    }

    private var declaresImpossibleBody: Bool {
        (status < 200 || status == 204)
            && (section.present.contains(.transferEncoding) || section.contentLength > 0)
    }

    /// Parses the head that begins at index 0 of `bytes` and answers a request of `method`; what
    /// follows the head is not looked at. Whatever the error says, the answer to the client is 502.
    /// - Parameter alreadySeen: as in `RequestHead.parse`.
    /// - Complexity: O(length of the head).
    package mutating func parse(
        _ bytes: Span<UInt8>, answering method: Method, alreadySeen: Int = 0
    ) -> HeadOutcome {
        if HeadEnd.isFarOff(bytes, alreadySeen: alreadySeen, limits) { return .needMore }
        let outcome = parseFromStart(bytes, to: min(bytes.count, limits.bytesMax), method)
        if outcome == .needMore, bytes.count >= limits.bytesMax { return .bad(.headTooLarge) }
        return outcome
    }

    private mutating func parseFromStart(
        _ bytes: Span<UInt8>, to end: Int, _ method: Method
    ) -> HeadOutcome {
        section.reset()
        switch parseStatusLine(bytes, to: end) {
        case .complete(let fieldsStart):
            let outcome = section.parse(
                bytes, from: fieldsStart, to: end, fieldsMax: limits.fieldsMax,
                allowsBlanksBehindNames: true)
            guard case .complete(let length) = outcome else { return outcome }
            if let error = frame(answering: method) { return .bad(error) }
            self.length = length
            return outcome
        case .needMore:
            return limits.isTooLong(bytes, from: 0, to: end) ? .bad(.requestLineTooLong) : .needMore
        case .bad(let error):
            return .bad(error)
        }
    }

    /// status-line = HTTP-version SP status-code SP [ reason-phrase ] CRLF (RFC 9112 section 4).
    /// The second space may be missing when there is no reason: common, and not ambiguous.
    private mutating func parseStatusLine(_ bytes: Span<UInt8>, to end: Int) -> HeadOutcome {
        let codeEnd = VersionText.count + 4
        guard codeEnd < end else {
            return VersionText.canBegin(bytes, 0, end) ? .needMore : .bad(.invalidStatusLine)
        }
        guard let text = VersionText(bytes, 0), bytes[VersionText.count] == Characters.space
        else {
            return .bad(.invalidStatusLine)
        }
        guard let version = text.version else { return .bad(.unsupportedVersion) }
        self.version = version
        // RFC 9110 section 15: codes from 600 on are invalid, and a client has to take them for a
        // 5xx; some services use them all the same, and it is not for a proxy to break that.
        status = 0
        for index in codeEnd - 3..<codeEnd {
            guard Characters.isDigit(bytes[index]) else { return .bad(.invalidStatusCode) }
            status = status * 10 + Int(bytes[index] - 0x30)
        }
        guard (100...999).contains(status) else { return .bad(.invalidStatusCode) }

        var reasonStart = codeEnd
        if bytes[codeEnd] == Characters.space {
            reasonStart += 1
        } else if bytes[codeEnd] != Characters.carriageReturn {
            return .bad(bytes[codeEnd] == Characters.lineFeed ? .bareLineFeed : .invalidStatusLine)
        }
        let lineEnd = ByteScan.endOfFieldText(bytes, from: reasonStart, to: end)
        if let error = LineEnd.check(bytes, at: lineEnd, to: end, other: .invalidStatusLine) {
            return .bad(error)
        }
        if lineEnd > limits.requestLineBytesMax { return .bad(.requestLineTooLong) }
        reason = ByteRange(reasonStart, lineEnd)
        return lineEnd + 1 < end ? .complete(length: lineEnd + 2) : .needMore
    }

    /// RFC 9112 section 6.3, in its order.
    private mutating func frame(answering method: Method) -> HeadError? {
        isRequestedByHead = method == .head
        opensTunnel = method == .connect && (200...299).contains(status)
        if opensTunnel {
            // RFC 9110 section 9.3.6: whatever framing it has is ignored.
            body = .none
            return nil
        }
        let hasCoding = section.present.contains(.transferEncoding)
        let hasLength = section.present.contains(.contentLength)
        if hasCoding && hasLength { return .transferEncodingWithContentLength }
        if hasCoding && version == .http10 { return .transferEncodingInHTTP10 }
        if method == .head || status < 200 || status == 204 || status == 304 {
            body = .none
        } else if hasCoding {
            body = .chunked
        } else {
            body = hasLength ? .length(section.contentLength) : .untilClose
        }
        return nil
    }
}
