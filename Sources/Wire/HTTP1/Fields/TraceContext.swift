// TraceContext: which trace a request belongs to, as hops tell each other by `traceparent` and
// `tracestate` (W3C Trace Context, https://www.w3.org/TR/trace-context/).
//
//   traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
//                version, trace, the sender's span, flags
//
// A field that breaks a rule counts as none, as that document has it: the request begins a trace.

/// What a `traceparent` says. Value type, any thread.
package struct TraceContext: Equatable, Sendable {
    /// The halves of the trace's id; not both 0.
    package var high: UInt64, low: UInt64
    /// The sender's span; not 0.
    package var span: UInt64
    /// Whether the sender may have recorded its part of the trace.
    package var isSampled: Bool
    /// Whether the trace's id was drawn at random (Trace Context, level 2): told as it came.
    package var isRandom: Bool

    /// The parts of a `traceparent`.
    /// - Precondition: trace and span have bits that are not 0.
    package init(high: UInt64, low: UInt64, span: UInt64, isSampled: Bool, isRandom: Bool) {
        precondition(high | low != 0 && span != 0, "an id of zeros is none")
        self.high = high
        self.low = low
        self.span = span
        self.isSampled = isSampled
        self.isRandom = isRandom
    }

    /// The length of a field's value in version 00.
    private static let length = 55
    private static let sampledFlag: UInt64 = 1
    private static let randomFlag: UInt64 = 2

    /// Reads the value of a `traceparent`; nil for one that breaks a rule: letters are small,
    /// version ff and ids of zeros don't exist, and only a later version may go on behind the
    /// flags, with a hyphen.
    package init?(_ value: Span<UInt8>) {
        guard value.count >= Self.length, value[2] == Characters.hyphen,
            value[35] == Characters.hyphen, value[52] == Characters.hyphen,
            let version = Self.number(value, 0..<2), version != 0xFF,
            let high = Self.number(value, 3..<19), let low = Self.number(value, 19..<35),
            let span = Self.number(value, 36..<52), let flags = Self.number(value, 53..<55),
            high | low != 0, span != 0
        else { return nil }
        if value.count > Self.length {
            guard version > 0, value[Self.length] == Characters.hyphen else { return nil }
        }
        self.init(
            high: high, low: low, span: span, isSampled: flags & Self.sampledFlag != 0,
            // Later versions may mean something else by the other bits.
            isRandom: version == 0 && flags & Self.randomFlag != 0)
    }

    /// Digits and small letters alone; nil for anything else.
    private static func number(_ value: Span<UInt8>, _ range: Range<Int>) -> UInt64? {
        var number: UInt64 = 0
        for index in range {
            switch value[index] {
            case let digit where Characters.isDigit(digit):
                number = number << 4 | UInt64(digit &- 0x30)
            case let letter where letter >= 0x61 && letter <= 0x66:
                number = number << 4 | UInt64(letter &- 0x57)
            default: return nil
            }
        }
        return number
    }

    /// How far before the end of a head that `RequestHead.write` has written the digits of the span
    /// begin, when there is a `traceparent` in it: that line is the last one.
    package static let spanBeforeEnd = 16 + 3 + 2 + 2

    /// The bytes of the line that `write` appends.
    static let lineBytes = 13 + length + 2

    /// Appends the line, in version 00.
    func write(into out: inout OutputSpan<UInt8>) {
        out.append("traceparent: 00-")
        out.appendHex(high)
        out.appendHex(low)
        out.append("-")
        out.appendHex(span)
        switch (isRandom, isSampled) {
        case (false, false): out.append("-00\r\n")
        case (false, true): out.append("-01\r\n")
        case (true, false): out.append("-02\r\n")
        case (true, true): out.append("-03\r\n")
        }
    }
}

/// What the next hop is told of a request's trace. Value type, any thread.
package struct OutgoingTrace: Sendable {
    /// What `traceparent` says in the place of what the client sent.
    package var context: TraceContext
    /// Whether the client's `tracestate` goes along: it belongs to the trace that the client named.
    package var keepsState: Bool

    /// The trace of one request.
    package init(_ context: TraceContext, keepsState: Bool) {
        self.context = context
        self.keepsState = keepsState
    }
}

extension RequestHead {
    /// The trace that the request says it belongs to; nil when it names none, or breaks a rule: two
    /// fields, or one that `Connection` keeps from going on.
    package func traceContext(_ bytes: Span<UInt8>) -> TraceContext? {
        guard contains(.traceparent) else { return nil }
        var found: TraceContext?
        for index in 0..<fieldCount {
            let field = field(index)
            guard case .traceparent = field.known else { continue }
            guard found == nil, !field.isNominated,
                let context = TraceContext(bytes.extracting(field.value.bounds))
            else { return nil }
            found = context
        }
        return found
    }

    /// The most bytes of a `tracestate` that is passed on: every hop has to pass on so many (Trace
    /// Context, section 3.3.1.5), and may drop a larger one as a whole.
    private static var traceStateBytesMax: Int { 512 }
    /// The most members of one (section 3.3.1.1).
    private static var traceStateMembersMax: Int { 32 }

    /// Whether the request's `tracestate`, of all its fields together, may be passed on: it is
    /// visible ASCII, each member says KEY=VALUE, and there are not too many. True without one.
    package func hasGoodTraceState(_ bytes: Span<UInt8>) -> Bool {
        guard contains(.tracestate) else { return true }
        var (size, members) = (0, 0)
        for index in 0..<fieldCount {
            let field = field(index)
            guard case .tracestate = field.known else { continue }
            size += field.value.count + (size == 0 ? 0 : 1)
            guard size <= Self.traceStateBytesMax,
                let count = Self.members(bytes.extracting(field.value.bounds))
            else { return false }
            members += count
        }
        return members <= Self.traceStateMembersMax
    }

    /// How many members the list has, empty ones aside; nil when one is none.
    private static func members(_ list: Span<UInt8>) -> Int? {
        var (members, equalsAt, start) = (0, -1, 0)
        var isEmpty = true
        for index in 0...list.count {
            let byte = index < list.count ? list[index] : Characters.comma
            if byte == Characters.comma {
                if !isEmpty {
                    guard equalsAt > start else { return nil }
                    members += 1
                }
                (equalsAt, start, isEmpty) = (-1, index + 1, true)
            } else if byte == 0x3D {
                // A second one is part of no value.
                guard equalsAt < 0 else { return nil }
                equalsAt = index
                isEmpty = false
            } else if !Characters.isBlank(byte) {
                guard byte > 0x20, byte < 0x7F else { return nil }
                isEmpty = false
            } else if isEmpty {
                start = index + 1
            }
        }
        return members
    }
}
