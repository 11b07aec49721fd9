// The head of a request, parsed in place: offsets into the caller's bytes, reusable storage, no
// text of its own. One value per worker is enough; it describes the last head that it parsed.

/// A parsed request head (RFC 9112 sections 2 to 6). What it says is defined after `parse` returned
/// `complete`, and only together with the bytes that it parsed.
package struct RequestHead: ~Copyable {
    /// Bounds on the heads that are parsed from now on.
    package var limits: HeadLimits
    private(set) var section: FieldSection

    /// Bytes of the head, with its empty line and an empty line before it if there was one.
    package private(set) var length = 0
    /// The method.
    package private(set) var method = Method.other
    /// The method as it was sent.
    package private(set) var methodRange = ByteRange.empty
    /// The request target as it was sent.
    package private(set) var target = ByteRange.empty
    /// Which form the target has.
    package private(set) var targetForm = TargetForm.origin
    /// The target's path and query. Empty in authority-form; in absolute-form it may lack the path,
    /// the query, or both (then `/` is meant). `*` in asterisk-form.
    package private(set) var pathAndQuery = ByteRange.empty
    /// The version of HTTP that its sender speaks.
    package private(set) var version = HTTPVersion.http11
    /// Host and optional port that the request is for: from the target if that names one, else the
    /// Host field (RFC 9112 section 3.2.2). Empty only for an HTTP/1.0 request that names none.
    package private(set) var host = ByteRange.empty
    /// Where the body ends; never `untilClose`.
    package private(set) var body = BodyFraming.none

    /// Reserves the storage that every parse will use.
    package init(limits: HeadLimits = HeadLimits()) {
        self.limits = limits
        section = FieldSection(fieldsMax: limits.fieldsMax)
    }

    /// How many field lines there are.
    package var fieldCount: Int { section.fields.count }

    /// A field line, by its place in the order in which they came, below `fieldCount`.
    package func field(_ index: Int) -> Field { section.fields[index] }

    /// All of them, as a copy.
    /// - Complexity: O(n).
    package var fields: [Field] { (0..<fieldCount).map { section.fields[$0] } }

    /// Whether the client lets the connection be used again (RFC 9112 section 9.3).
    package var keepsAlive: Bool {
        !section.hasClose && (version != .http10 || section.hasKeepAlive)
    }

    /// Whether the client waits for a 100 before it sends the body. Never for HTTP/1.0, whose
    /// expectation must be ignored, nor without a body (RFC 9110 section 10.1.1).
    package var expectsContinue: Bool {
        section.expectsContinue && version != .http10 && body != .none
    }

    /// Whether the client would switch to another protocol: it names some, and also said
    /// `Connection: upgrade`. Never for HTTP/1.0 (RFC 9110 section 7.8).
    package var asksForUpgrade: Bool {
        section.hasUpgradeOption && version != .http10 && section.present.contains(.upgrade)
    }

    /// The protocols that the client would switch to and that may be passed on, of all its Upgrade
    /// fields; empty when `asksForUpgrade` is false. Allocates when there are any.
    package func upgradeOffer(_ bytes: Span<UInt8>) -> [UInt8] {
        var offer: [UInt8] = []
        guard asksForUpgrade else { return offer }
        for index in 0..<fieldCount where field(index).known == .upgrade {
            UpgradeOffer.append(bytes.extracting(field(index).value.bounds), to: &offer)
        }
        return offer
    }

    /// Whether a field names NTLM or Negotiate, which authenticate the connection and not the
    /// request: no other client may use a connection that carried this head.
    package var authenticatesConnection: Bool { section.authenticatesConnection }

    /// How many more hops may forward an OPTIONS or TRACE request (RFC 9110 section 7.6.2); nil
    /// without such a limit, and for other methods, which ignore it.
    package var maxForwards: UInt64? {
        method == .options || method == .trace ? section.maxForwards : nil
    }

    /// Records that the client speaks HTTP/2, and the parsed text is a translation of its head.
    package mutating func markTranslated() { version = .http2 }

    /// Whether there is a field of this name.
    package func contains(_ name: FieldName) -> Bool { section.present.contains(name) }

    /// Parses the head that begins at index 0 of `bytes`; what follows the head is not looked at.
    ///
    /// One empty line before the request line is skipped (RFC 9112 section 2.2: at least one).
    /// - Parameter alreadySeen: how many of the first bytes an earlier call saw and answered
    ///   `needMore`. The new bytes are then only searched for an empty line, and the head is parsed
    ///   when there is one: a client that sends byte by byte costs time linear in what it sends.
    ///   With 0 every call parses from the start.
    /// - Complexity: O(length of the head).
    package mutating func parse(_ bytes: Span<UInt8>, alreadySeen: Int = 0) -> HeadOutcome {
        if HeadEnd.isFarOff(bytes, alreadySeen: alreadySeen, limits) { return .needMore }
        let outcome = parseFromStart(bytes, to: min(bytes.count, limits.bytesMax))
        if outcome == .needMore, bytes.count >= limits.bytesMax { return .bad(.headTooLarge) }
        return outcome
    }

    private mutating func parseFromStart(_ bytes: Span<UInt8>, to end: Int) -> HeadOutcome {
        section.reset()
        var start = 0
        if end > 0, bytes[0] == Characters.carriageReturn {
            guard end > 1 else { return .needMore }
            guard bytes[1] == Characters.lineFeed else { return .bad(.bareCarriageReturn) }
            start = 2
        }
        switch parseRequestLine(bytes, from: start, to: end) {
        case .complete(let fieldsStart):
            let outcome = section.parse(
                bytes, from: fieldsStart, to: end, fieldsMax: limits.fieldsMax)
            guard case .complete(let length) = outcome else { return outcome }
            if let error = finish() ?? checkHost(bytes) { return .bad(error) }
            self.length = length
            return outcome
        case .needMore:
            // Only the first line counts here: it is still incomplete.
            return limits.isTooLong(bytes, from: start, to: end)
                ? .bad(.requestLineTooLong) : .needMore
        case .bad(let error):
            return .bad(error)
        }
    }

    // MARK: Request line, RFC 9112 section 3

    /// request-line = method SP request-target SP HTTP-version CRLF; `complete` gives the offset
    /// after it.
    private mutating func parseRequestLine(
        _ bytes: Span<UInt8>, from start: Int, to end: Int
    ) -> HeadOutcome {
        let methodEnd = ByteScan.endOfToken(bytes, from: start, to: end)
        if methodEnd == end { return .needMore }
        guard methodEnd > start, bytes[methodEnd] == Characters.space else {
            return .bad(bytes[methodEnd] == Characters.lineFeed ? .bareLineFeed : .invalidMethod)
        }
        methodRange = ByteRange(start, methodEnd)
        method = Method(bytes, start, methodEnd)

        let targetStart = methodEnd + 1
        let targetEnd = ByteScan.endOfTarget(bytes, from: targetStart, to: end)
        if targetEnd == end { return .needMore }
        guard bytes[targetEnd] == Characters.space else {
            let isLine =
                bytes[targetEnd] == Characters.carriageReturn
                || bytes[targetEnd] == Characters.lineFeed
            return .bad(isLine ? .invalidRequestLine : .invalidTarget)  // a line of HTTP/0.9
        }
        // A second space (RFC 9112 section 3 permits being strict).
        guard targetEnd > targetStart else { return .bad(.invalidRequestLine) }
        target = ByteRange(targetStart, targetEnd)

        let lineEnd = targetEnd + 1 + VersionText.count
        guard lineEnd < end else {
            return VersionText.canBegin(bytes, targetEnd + 1, end)
                ? .needMore : .bad(.invalidRequestLine)
        }
        if lineEnd - start > limits.requestLineBytesMax { return .bad(.requestLineTooLong) }
        guard let text = VersionText(bytes, targetEnd + 1) else {
            return .bad(.invalidRequestLine)
        }
        if let error = LineEnd.check(bytes, at: lineEnd, to: end, other: .invalidRequestLine) {
            return .bad(error)
        }
        guard let version = text.version else { return .bad(.unsupportedVersion) }
        self.version = version
        if let error = parseTarget(bytes) { return .bad(error) }
        return lineEnd + 1 < end ? .complete(length: lineEnd + 2) : .needMore
    }

    /// Tells the form of the target and checks it against the method (RFC 9112 section 3.2).
    private mutating func parseTarget(_ bytes: Span<UInt8>) -> HeadError? {
        let (start, end) = (Int(target.start), Int(target.end))
        host = .empty
        pathAndQuery = target
        if method == .connect {
            targetForm = .authority
            pathAndQuery = ByteRange(end, end)
            host = target
            return HostSyntax.isValid(bytes, start, end, needsPort: true)
                ? nil : .targetFormNotAllowed
        }
        if bytes[start] == 0x2F {
            targetForm = .origin
            return nil
        }
        if bytes[start] == 0x2A, target.count == 1 {
            targetForm = .asterisk
            return method == .options ? nil : .targetFormNotAllowed
        }
        // absolute-form: http://authority path-abempty [ "?" query ]
        targetForm = .absolute
        var authority = start
        if target.count > 7, bytes.extracting(start..<start + 4).isEqualIgnoringCase(to: "http") {
            authority += bytes[start + 4] | 0x20 == 0x73 ? 5 : 4
        }
        guard authority > start, authority + 3 < end, bytes[authority] == Characters.colon,
            bytes[authority + 1] == 0x2F, bytes[authority + 2] == 0x2F
        else { return .invalidTarget }
        authority += 3
        var path = authority
        while path < end, bytes[path] != 0x2F, bytes[path] != 0x3F { path += 1 }
        host = ByteRange(authority, path)
        pathAndQuery = ByteRange(path, end)
        return HostSyntax.isValid(bytes, authority, path) ? nil : .invalidHost
    }

    // MARK: What the fields come to

    private mutating func finish() -> HeadError? {
        let hasCoding = section.present.contains(.transferEncoding)
        let hasLength = section.present.contains(.contentLength)
        // RFC 9112 section 6.1: both together, or a coding in HTTP/1.0, is an attempt at smuggling.
        if hasCoding && hasLength { return .transferEncodingWithContentLength }
        if hasCoding && version == .http10 { return .transferEncodingInHTTP10 }
        // RFC 9110 sections 9.3.6 and 9.3.8; after CONNECT the bytes belong to the tunnel.
        if hasCoding || hasLength, method == .connect || method == .trace {
            return .contentNotAllowed
        }
        // RFC 9110 section 7.6.2: 1*DIGIT. What can't be counted down can't be obeyed.
        if method == .options || method == .trace, section.present.contains(.maxForwards),
            section.maxForwards == nil
        {
            return .invalidMaxForwards
        }
        body = hasCoding ? .chunked : hasLength ? .length(section.contentLength) : .none
        return nil
    }

    /// RFC 9112 section 3.2: exactly one Host in HTTP/1.1, valid even when the target overrules it.
    private mutating func checkHost(_ bytes: Span<UInt8>) -> HeadError? {
        guard section.present.contains(.host) else {
            return version == .http11 ? .missingHost : nil
        }
        let field = section.host
        guard HostSyntax.isValid(bytes, Int(field.start), Int(field.end)) else {
            return .invalidHost
        }
        if host.isEmpty { host = field }
        return nil
    }
}
