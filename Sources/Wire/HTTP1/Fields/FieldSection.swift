// The field lines of a head, for requests and responses alike: one pass that finds the fields,
// refuses what RFC 9112 section 5 refuses, and notes what the fields say about framing and about
// the connection. Storage is kept from head to head.

/// The fields of one head and the facts in them.
struct FieldSection: ~Copyable {
    /// Options that a Connection field may name; each costs a walk over the fields. Senders name
    /// two or three; 16 leaves room and keeps the walk short.
    static let connectionOptionsMax = 16
    /// Lengths are below 2^62, so that sums with buffer sizes cannot overflow.
    static let contentLengthMax: UInt64 = (1 << 62) - 1

    private(set) var fields: FieldStorage
    /// The known names that occur, and those that occur twice or more.
    private(set) var present = FieldNames()
    private(set) var contentLength: UInt64 = 0
    private(set) var host = ByteRange.empty
    private(set) var upgrade = ByteRange.empty
    /// Of Max-Forwards; nil when there is none or it is no number.
    private(set) var maxForwards: UInt64?
    private(set) var expectsContinue = false
    private(set) var hasClose = false
    private(set) var hasKeepAlive = false
    private(set) var hasUpgradeOption = false
    /// Of Keep-Alive, the seconds that its `timeout` says; nil when it says none.
    private(set) var keepAliveSeconds: UInt64?
    /// Whether a field names a scheme that authenticates a connection (ConnectionAuthentication).
    private(set) var authenticatesConnection = false
    private var optionsCount = 0
    private var hasNominations = false

    init(fieldsMax: Int) { fields = FieldStorage(capacity: min(fieldsMax, 32)) }

    mutating func reset() {
        fields.removeAll()
        present = FieldNames()
        contentLength = 0
        host = .empty
        upgrade = .empty
        maxForwards = nil
        expectsContinue = false
        hasClose = false
        hasKeepAlive = false
        hasUpgradeOption = false
        authenticatesConnection = false
        keepAliveSeconds = nil
        optionsCount = 0
        hasNominations = false
    }

    /// Reads field lines from `start` up to and with the empty line. `end` is where the bytes that
    /// may be looked at end; `needMore` means that it was met before the empty line.
    ///
    /// `allowsBlanksBehindNames` is for responses, from which a proxy has to remove them (RFC 9112
    /// section 5.1), but never for a field that says where the message ends.
    mutating func parse(
        _ bytes: Span<UInt8>, from start: Int, to end: Int, fieldsMax: Int,
        allowsBlanksBehindNames: Bool = false
    ) -> HeadOutcome {
        var at = start
        while at < end {
            if bytes[at] == Characters.carriageReturn {
                guard at + 1 < end else { return .needMore }
                guard bytes[at + 1] == Characters.lineFeed else {
                    return .bad(.bareCarriageReturn)
                }
                if hasNominations { markNominated(bytes) }
                return .complete(length: at + 2)
            }
            // field-line = field-name ":" OWS field-value OWS (RFC 9112 section 5)
            var hasUnderscore = false
            let colon = ByteScan.endOfToken(bytes, from: at, to: end, &hasUnderscore)
            if colon == end { return .needMore }
            var valueStart = colon + 1
            var isLoose = false
            if bytes[colon] != Characters.colon || colon == at {
                let error = Self.nameError(at: colon, byte: bytes[colon], lineStart: at)
                guard allowsBlanksBehindNames, error == .whitespaceBeforeColon else {
                    return .bad(error)
                }
                let behind = Self.passBlanks(bytes, from: colon, to: end)
                guard case .complete(let start) = behind else { return behind }
                valueStart = start
                isLoose = true
            }
            while valueStart < end, Characters.isBlank(bytes[valueStart]) { valueStart += 1 }
            let lineEnd = ByteScan.endOfFieldText(bytes, from: valueStart, to: end)
            if let error = LineEnd.check(bytes, at: lineEnd, to: end, other: .invalidFieldValue) {
                return .bad(error)
            }
            if lineEnd + 1 >= end { return .needMore }
            var valueEnd = lineEnd
            while valueEnd > valueStart, Characters.isBlank(bytes[valueEnd - 1]) { valueEnd -= 1 }
            if fields.count == fieldsMax { return .bad(.tooManyFields) }
            let field = Field(
                name: ByteRange(at, colon), value: ByteRange(valueStart, valueEnd),
                known: FieldName(bytes, at, colon),
                twin: hasUnderscore ? FieldName(readingUnderscores: bytes, at, colon) : .other,
                isNominated: false, isLoose: isLoose)
            if isLoose, field.framesMessage { return .bad(.whitespaceBeforeColon) }
            fields.append(field)
            // By a switch: `!=` of an enumeration is looked up in its conformance.
            switch field.known {
            case .other: break
            default: if let error = record(field, bytes) { return .bad(error) }
            }
            at = lineEnd + 2
        }
        return .needMore
    }

    /// Passes the blanks at `offset` and the colon behind them; `complete` gives the offset after
    /// it.
    @inline(never)
    private static func passBlanks(
        _ bytes: Span<UInt8>, from offset: Int, to end: Int
    ) -> HeadOutcome {
        var at = offset
        while at < end, Characters.isBlank(bytes[at]) { at += 1 }
        if at == end { return .needMore }
        return bytes[at] == Characters.colon ? .complete(length: at + 1) : .bad(.invalidFieldName)
    }

    /// Why a line does not begin with a name and a colon. `byte` is the first that is no token
    /// character, at offset `at`.
    private static func nameError(at offset: Int, byte: UInt8, lineStart: Int) -> HeadError {
        switch byte {
        case Characters.lineFeed: .bareLineFeed
        case Characters.colon: .emptyFieldName
        case Characters.space, Characters.horizontalTab:
            // At the start: obs-fold, or whitespace before the first field (RFC 9112 sections 5.2
            // and 2.2). Later: before the colon, which section 5.1 has a server refuse.
            offset == lineStart ? .leadingWhitespace : .whitespaceBeforeColon
        default: .invalidFieldName
        }
    }

    /// Keeps what a field of a known name says.
    private mutating func record(_ field: Field, _ bytes: Span<UInt8>) -> HeadError? {
        let isRepeated = present.contains(field.known)
        present.insert(field.known)
        switch field.known {
        case .contentLength:
            // Two, even if equal, and lists are refused (RFC 9110 section 8.6 permits that).
            if isRepeated { return .repeatedContentLength }
            guard let length = Self.decimal(bytes.extracting(field.value.bounds)) else {
                return .invalidContentLength
            }
            contentLength = length
        case .transferEncoding:
            // chunked, final and once (RFC 9112 sections 6.1 and 7); codings ignore case.
            if isRepeated { return .repeatedTransferEncoding }
            let codings = bytes.extracting(field.value.bounds)
            if !codings.isEqualIgnoringCase(to: "chunked") { return Self.codingError(codings) }
        case .host:
            // RFC 9112 section 3.2. In a response it means nothing, and two are as doubtful.
            if isRepeated { return .repeatedHost }
            host = field.value
        case .connection:
            return recordConnection(bytes, field.value)
        case .upgrade:
            if !isRepeated { upgrade = field.value }
        case .maxForwards:
            maxForwards = isRepeated ? nil : Self.decimal(bytes.extracting(field.value.bounds))
        case .expect:
            expectsContinue =
                bytes.extracting(field.value.bounds).isEqualIgnoringCase(to: "100-continue")
        case .authorization, .wwwAuthenticate, .proxyAuthorization, .proxyAuthenticate:
            if ConnectionAuthentication.isNamed(bytes.extracting(field.value.bounds)) {
                authenticatesConnection = true
            }
        case .keepAlive:
            keepAliveSeconds = Self.timeout(bytes.extracting(field.value.bounds))
        case .other, .proxyConnection, .te, .trailer, .proxyAuthenticationInfo,
            .xForwardedFor, .xForwardedProto, .xForwardedHost, .xForwardedPort, .forwarded,
            .xRequestID, .via, .date, .contentType, .server, .location, .clientCert,
            .strictTransportSecurity, .traceparent, .tracestate:
            break
        }
        return nil
    }

    /// Why codings other than `chunked` alone are refused. Unless it is the last, nobody can know
    /// where a request ends, which asks for 400 (RFC 9112 section 6.3 rule 4); else it is a coding
    /// that is not understood (section 6.1).
    private static func codingError(_ codings: Span<UInt8>) -> HeadError {
        var last = codings.count
        while last > 0, codings[last - 1] != Characters.comma { last -= 1 }
        while last < codings.count, Characters.isBlank(codings[last]) { last += 1 }
        let isLast = codings.extracting(last..<codings.count).isEqualIgnoringCase(to: "chunked")
        return isLast ? .unsupportedTransferCoding : .chunkedNotLast
    }

    /// 1*DIGIT (RFC 9110 section 8.6); nil for anything else and for what exceeds the maximum.
    private static func decimal(_ text: Span<UInt8>) -> UInt64? {
        if text.isEmpty { return nil }
        var value: UInt64 = 0
        for index in text.indices {
            guard Characters.isDigit(text[index]), value <= contentLengthMax / 10 else {
                return nil
            }
            value = value * 10 + UInt64(text[index] - 0x30)
        }
        return value <= contentLengthMax ? value : nil
    }

    /// The seconds of `timeout=5, max=100` (RFC 2068 section 19.7.1.1); nil when it says none.
    private static func timeout(_ value: Span<UInt8>) -> UInt64? {
        var at = 0
        while at < value.count {
            while at < value.count, Characters.isBlank(value[at]) { at += 1 }
            let end = ByteScan.first(Characters.comma, in: value, from: at, to: value.count)
            var valueEnd = end ?? value.count
            while valueEnd > at, Characters.isBlank(value[valueEnd - 1]) { valueEnd -= 1 }
            if valueEnd - at > 8, value[at + 7] == 0x3D,
                value.extracting(at..<at + 7).isEqualIgnoringCase(to: "timeout")
            {
                return decimal(value.extracting(at + 8..<valueEnd))
            }
            at = (end ?? value.count) + 1
        }
        return nil
    }

    // MARK: Connection, RFC 9110 section 7.6.1

    private mutating func recordConnection(_ bytes: Span<UInt8>, _ value: ByteRange) -> HeadError? {
        var list = TokenList(value)
        while let option = list.next(bytes) {
            guard let option else { return .invalidConnection }
            optionsCount += 1
            if optionsCount > Self.connectionOptionsMax { return .tooManyConnectionOptions }
            let text = bytes.extracting(option.bounds)
            if text.isEqualIgnoringCase(to: "close") {
                hasClose = true
            } else if text.isEqualIgnoringCase(to: "keep-alive") {
                hasKeepAlive = true
            } else if text.isEqualIgnoringCase(to: "upgrade") {
                hasUpgradeOption = true
            } else {
                hasNominations = true
            }
        }
        return nil
    }

    /// Marks every field whose name is a connection option. Bounded: at most
    /// `connectionOptionsMax` options times the fields of the head.
    private mutating func markNominated(_ bytes: Span<UInt8>) {
        for connection in 0..<fields.count where fields[connection].known == .connection {
            var list = TokenList(fields[connection].value)
            while let member = list.next(bytes) {
                guard let option = member else { break }
                for index in 0..<fields.count
                where Self.isSameName(bytes, fields[index].name, option) {
                    fields[index].isNominated = true
                }
            }
        }
    }

    /// Whether two tokens are the same name, letter case aside. Plain folding would take `^` for
    /// `~` and the like, hence the letters.
    private static func isSameName(_ bytes: Span<UInt8>, _ a: ByteRange, _ b: ByteRange) -> Bool {
        func folded(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }
        if a.count != b.count { return false }
        for index in 0..<a.count
        where folded(bytes[Int(a.start) + index]) != folded(bytes[Int(b.start) + index]) {
            return false
        }
        return true
    }
}

/// Walks the members of a list of tokens (RFC 9110 section 5.6.1); empty members are skipped.
private struct TokenList {
    private var at: Int
    private let end: Int

    init(_ value: ByteRange) {
        at = Int(value.start)
        end = Int(value.end)
    }

    /// The next member; nil at the end of the list; `.some(nil)` for what is no token.
    mutating func next(_ bytes: Span<UInt8>) -> ByteRange?? {
        while at < end, Characters.isBlank(bytes[at]) || bytes[at] == Characters.comma { at += 1 }
        if at == end { return nil }
        let start = at
        at = ByteScan.endOfToken(bytes, from: at, to: end)
        let tokenEnd = at
        while at < end, Characters.isBlank(bytes[at]) { at += 1 }
        if tokenEnd == start || (at < end && bytes[at] != Characters.comma) { return .some(nil) }
        return ByteRange(start, tokenEnd)
    }
}

/// The CR LF that must end a line.
enum LineEnd {
    /// nil when CR LF, or as much of it as there is, stands at `offset`; else why not, with `other`
    /// for a byte that is neither CR nor LF (RFC 9112 section 2.2).
    @inline(__always)
    static func check(
        _ bytes: Span<UInt8>, at offset: Int, to end: Int, other: HeadError
    ) -> HeadError? {
        guard offset < end else { return nil }
        guard bytes[offset] == Characters.carriageReturn else {
            return bytes[offset] == Characters.lineFeed ? .bareLineFeed : other
        }
        guard offset + 1 < end, bytes[offset + 1] != Characters.lineFeed else { return nil }
        return .bareCarriageReturn
    }
}
