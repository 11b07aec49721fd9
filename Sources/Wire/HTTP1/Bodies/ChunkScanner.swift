// The chunked coding (RFC 9112 section 7.1), one state machine for code that relays chunks and for
// code that reads what is in them. Sizes, extensions and trailers go byte by byte through explicit
// states, so that any split point works; data is skipped as a whole. Strict where peers are lax,
// since every laxness here (`0x5`, `+5`, bare LF, a line end inside an extension) has been a
// smuggling hole.

/// Why a body is not what its framing says.
package enum BodyError: UInt8, Error, Equatable, Sendable, CaseIterable {
    /// A chunk size is not 1 to 16 hexadecimal digits, or is 2^62 or more.
    case invalidChunkSize
    /// A chunk extension is not `;name` or `;name=value` (RFC 9112 section 7.1.1).
    case invalidChunkExtension
    /// A chunk's extensions, or those of all chunks against their data, exceed the limit.
    case chunkExtensionTooLong
    /// A line or a chunk's data does not end in CR LF.
    case invalidLineEnd
    /// A trailer line is no field line (RFC 9112 section 5).
    case invalidTrailer
    /// A trailer has a name that means something only in a head (RFC 9110 section 6.5.1).
    case forbiddenTrailer
    /// The trailer section exceeds the limit.
    case trailerTooLong
}

extension BodyError: CustomStringConvertible {
    /// A sentence for a log line.
    package var description: String {
        switch self {
        case .invalidChunkSize: "A chunk size is not 1 to 16 hexadecimal digits below 2^62."
        case .invalidChunkExtension: "A chunk extension is not ;name or ;name=value."
        case .chunkExtensionTooLong: "The chunk extensions are longer than the limit."
        case .invalidLineEnd: "A chunk or its size line does not end in CR LF."
        case .invalidTrailer: "A trailer line is not a field line."
        case .forbiddenTrailer:
            "A trailer field has a name that belongs in a head: framing, routing or authentication."
        case .trailerTooLong: "The trailer section is longer than the limit."
        }
    }
}

/// What one step through a body's bytes came to. Offsets are into the bytes given.
package enum PayloadStep: Equatable, Sendable {
    /// These bytes are payload; go on from the upper bound.
    case data(Range<Int>)
    /// All bytes are used up and the body goes on.
    case needMore
    /// The body ends before this offset.
    case end(consumed: Int)
    /// The framing is broken; the connection must be closed.
    case bad(BodyError)
}

struct ChunkScanner {
    /// Bytes of extensions of one chunk; the RFC wants a limit and names none (section 7.1.1).
    static let extensionBytesMax = 1024
    /// Bytes of extensions that a body may have beyond two for each byte of data: a body of tiny
    /// chunks with long extensions costs time and carries nothing.
    static let extensionExcessMax: UInt64 = 16 * 1024
    /// Bytes of a trailer section.
    static let trailerBytesMax = 8 * 1024

    private enum State {
        case size, sizeLineFeed
        case extensionStart, extensionName, extensionEquals, extensionValueStart
        case extensionValue, quoted, quotedPair, afterQuoted, beforeSemicolon
        case data, dataCarriageReturn, dataLineFeed
        case trailerStart, trailerName, trailerBlank, trailerValue, trailerLineFeed, lastLineFeed
        case done
    }

    private var state = State.size
    private var digits = 0
    /// Of the chunk: its size while it is read, then what is left of its data.
    private var remaining: UInt64 = 0
    private var extensionBytes = 0
    private var extensionExcess: UInt64 = 0
    private var trailerBytes = 0
    private var trailerName = TrailerName()
    private let rule: TrailerRule
    /// Where the trailer section's first field begins, in the bytes in which it began; nil before
    /// that.
    private(set) var trailersStart: Int?

    init(_ rule: TrailerRule) { self.rule = rule }

    var isDone: Bool { state == .done }

    /// The next thing in `bytes` from `offset` on.
    mutating func next(_ bytes: Span<UInt8>, from offset: Int) -> PayloadStep {
        var at = offset
        while at < bytes.count {
            if state == .done { return .end(consumed: at) }
            if state == .data {
                let count = Int(min(remaining, UInt64(bytes.count - at)))
                remaining -= UInt64(count)
                if remaining == 0 { state = .dataCarriageReturn }
                return .data(at..<at + count)
            }
            if let error = scan(bytes[at]) { return .bad(error) }
            if state == .trailerName, trailersStart == nil { trailersStart = at }
            at += 1
        }
        return state == .done ? .end(consumed: at) : .needMore
    }

    /// Any byte that is not data.
    private mutating func scan(_ byte: UInt8) -> BodyError? {
        switch state {
        case .size: scanSize(byte)
        case .sizeLineFeed: scanLineFeed(byte, then: chunkStarts())
        case .extensionStart, .extensionName, .extensionEquals, .extensionValueStart,
            .extensionValue, .quoted, .quotedPair, .afterQuoted, .beforeSemicolon:
            scanExtension(byte)
        case .dataCarriageReturn:
            if byte == Characters.carriageReturn { go(.dataLineFeed) } else { .invalidLineEnd }
        case .dataLineFeed: scanLineFeed(byte, then: .size)
        case .trailerStart, .trailerName, .trailerBlank, .trailerValue, .trailerLineFeed,
            .lastLineFeed:
            scanTrailer(byte)
        case .data, .done: nil  // never asked in these: `next` handles them
        }
    }

    /// Goes to the next state, and returns nil, so that a transition is an expression.
    private mutating func go(_ next: State) -> BodyError? {
        state = next
        return nil
    }

    private mutating func scanLineFeed(_ byte: UInt8, then next: State) -> BodyError? {
        byte == Characters.lineFeed ? go(next) : .invalidLineEnd
    }

    // MARK: chunk-size = 1*HEXDIG

    private mutating func scanSize(_ byte: UInt8) -> BodyError? {
        if let value = Characters.hexValue(byte) {
            if digits == 0 { remaining = 0 }
            digits += 1
            // 16 digits never overflow 64 bits; 2^62 is this module's bound for every length.
            if digits > 16 { return .invalidChunkSize }
            remaining = remaining << 4 | UInt64(value)
            return remaining < 1 << 62 ? nil : .invalidChunkSize
        }
        guard digits > 0 else { return .invalidChunkSize }
        switch byte {
        case Characters.carriageReturn: return go(.sizeLineFeed)
        case 0x3B: return go(.extensionStart)
        case Characters.space, Characters.horizontalTab: return go(.beforeSemicolon)
        case Characters.lineFeed: return .invalidLineEnd
        default: return .invalidChunkSize
        }
    }

    /// The size line has ended: data follows, or after size 0 the trailer section.
    private mutating func chunkStarts() -> State {
        let isLast = remaining == 0
        // Data earns credit for extensions; remaining is below 2^62, so twice it fits.
        let credit = remaining * 2 + 16
        extensionExcess -= min(credit, extensionExcess)
        digits = 0
        extensionBytes = 0
        return isLast ? .trailerStart : .data
    }

    // MARK: chunk-ext = *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )

    private mutating func scanExtension(_ byte: UInt8) -> BodyError? {
        extensionBytes += 1
        extensionExcess += 1
        if extensionBytes > Self.extensionBytesMax || extensionExcess > Self.extensionExcessMax {
            return .chunkExtensionTooLong
        }
        let isBlank = Characters.isBlank(byte)
        let isToken = Characters.isToken(byte)
        switch state {
        case .extensionStart:
            if isBlank { return nil }
            return isToken ? go(.extensionName) : .invalidChunkExtension
        case .extensionName:
            if isToken { return nil }
            if byte == 0x3D { return go(.extensionValueStart) }
            return isBlank ? go(.extensionEquals) : endExtension(byte)
        case .extensionEquals:
            if isBlank { return nil }
            if byte == 0x3D { return go(.extensionValueStart) }
            return byte == 0x3B ? go(.extensionStart) : .invalidChunkExtension
        case .extensionValueStart:
            if isBlank { return nil }
            if byte == 0x22 { return go(.quoted) }
            return isToken ? go(.extensionValue) : .invalidChunkExtension
        case .extensionValue:
            if isToken { return nil }
            return isBlank ? go(.beforeSemicolon) : endExtension(byte)
        case .quoted:
            if byte == 0x22 { return go(.afterQuoted) }
            if byte == 0x5C { return go(.quotedPair) }
            return Characters.isFieldText(byte) ? nil : .invalidChunkExtension
        case .quotedPair:
            return Characters.isFieldText(byte) ? go(.quoted) : .invalidChunkExtension
        case .afterQuoted:
            return isBlank ? go(.beforeSemicolon) : endExtension(byte)
        case .beforeSemicolon:
            if isBlank { return nil }
            return byte == 0x3B ? go(.extensionStart) : .invalidChunkExtension
        case .size, .sizeLineFeed, .data, .dataCarriageReturn, .dataLineFeed, .trailerStart,
            .trailerName, .trailerBlank, .trailerValue, .trailerLineFeed, .lastLineFeed, .done:
            return nil  // never asked in these: `take` handles them
        }
    }

    private mutating func endExtension(_ byte: UInt8) -> BodyError? {
        switch byte {
        case 0x3B: go(.extensionStart)
        case Characters.carriageReturn: go(.sizeLineFeed)
        case Characters.lineFeed: .invalidLineEnd
        default: .invalidChunkExtension
        }
    }

    // MARK: trailer-section = *( field-line CRLF ), then CRLF

    private mutating func scanTrailer(_ byte: UInt8) -> BodyError? {
        trailerBytes += 1
        if trailerBytes > Self.trailerBytesMax { return .trailerTooLong }
        switch state {
        case .trailerStart:
            if byte == Characters.carriageReturn { return go(.lastLineFeed) }
            if byte == Characters.lineFeed { return .invalidLineEnd }
            guard Characters.isToken(byte) else { return .invalidTrailer }
            trailerName = TrailerName()
            trailerName.add(byte)
            return go(.trailerName)
        case .trailerName:
            if Characters.isToken(byte) {
                trailerName.add(byte)
                return nil
            }
            if Characters.isBlank(byte), rule == .leaveOut { return go(.trailerBlank) }
            guard byte == Characters.colon else { return .invalidTrailer }
            return rule == .refuse && trailerName.isForbidden
                ? .forbiddenTrailer : go(.trailerValue)
        case .trailerBlank:
            if Characters.isBlank(byte) { return nil }
            return byte == Characters.colon ? go(.trailerValue) : .invalidTrailer
        case .trailerValue:
            if Characters.isFieldText(byte) { return nil }
            if byte == Characters.carriageReturn { return go(.trailerLineFeed) }
            return byte == Characters.lineFeed ? .invalidLineEnd : .invalidTrailer
        case .trailerLineFeed: return scanLineFeed(byte, then: .trailerStart)
        case .lastLineFeed: return scanLineFeed(byte, then: .done)
        case .size, .sizeLineFeed, .extensionStart, .extensionName, .extensionEquals,
            .extensionValueStart, .extensionValue, .quoted, .quotedPair, .afterQuoted,
            .beforeSemicolon, .data, .dataCarriageReturn, .dataLineFeed, .done:
            return nil  // never asked in these: `take` handles them
        }
    }
}
