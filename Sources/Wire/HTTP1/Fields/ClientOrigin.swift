// What a proxy before this one says of its client: how it came, by `X-Forwarded-Proto`, `-Port` and
// `proto` of Forwarded (RFC 7239 section 5.4), and from where, by `X-Forwarded-For` and `for`.
// Whether it is believed is up to the caller.

/// How the client of the first proxy came, as far as that was told. Value type, any thread.
package struct ClientOrigin: Equatable, Sendable {
    /// Whether it was by `https`; nil when nothing understandable was told.
    package var isHTTPS: Bool?
    /// The port that it connected to, 1 to 65535; nil when none was told.
    package var port: UInt16?

    /// Nothing is known.
    package init() {}
}

extension RequestHead {
    /// What the request tells of its client by the fields that `policy` goes by: a list that begins
    /// at this hop (`replace`) believes nobody. Of a list the first member counts, which tells of
    /// the client; X-Forwarded-Proto counts before Forwarded.
    package func clientOrigin(_ bytes: Span<UInt8>, _ policy: ForwardingPolicy) -> ClientOrigin {
        var origin = ClientOrigin()
        var forwarded: Bool?
        for index in 0..<fieldCount {
            let field = field(index)
            let value = bytes.extracting(field.value.bounds)
            switch field.known {
            case .xForwardedProto where policy.xForwarded != .replace && origin.isHTTPS == nil:
                origin.isHTTPS = Self.isHTTPS(value.extracting(Self.firstMember(value, 0x2C)))
            case .xForwardedPort where policy.xForwarded != .replace && origin.port == nil:
                origin.port = Self.port(value.extracting(Self.firstMember(value, 0x2C)))
            case .forwarded where policy.forwarded != .replace && forwarded == nil:
                forwarded = Self.forwardedIsHTTPS(value)
            default: break
            }
        }
        origin.isHTTPS = origin.isHTTPS ?? forwarded
        return origin
    }

    /// Calls `body` with the address of each client that the request was passed on for, as it is
    /// written, from the last hop's on, until it returns false: members of X-Forwarded-For, or of
    /// Forwarded where there is none of those and `policy` says that this hop writes it. A member
    /// of Forwarded that has no address is empty.
    ///
    /// The list is read from its end, which the last hop has written: what a client has put before
    /// it, such as a quote without another, changes nothing of that.
    package func forEachClient(
        _ bytes: Span<UInt8>, _ policy: ForwardingPolicy, _ body: (Span<UInt8>) -> Bool
    ) {
        let name: FieldName
        if policy.xForwarded != .replace, section.present.contains(.xForwardedFor) {
            name = .xForwardedFor
        } else if policy.forwarded == .append, section.present.contains(.forwarded) {
            name = .forwarded
        } else {
            return
        }
        var index = fieldCount
        while index > 0 {
            index -= 1
            let field = field(index)
            guard field.known == name else { continue }
            let list = bytes.extracting(field.value.bounds)
            var end = list.count
            while true {
                var start = end
                var isQuoted = false
                while start > 0, isQuoted || list[start - 1] != 0x2C {
                    if list[start - 1] == 0x22, name == .forwarded { isQuoted.toggle() }
                    start -= 1
                }
                let member = Self.trimmed(list, start..<end)
                if !member.isEmpty {
                    let text = list.extracting(member)
                    let address =
                        name == .forwarded ? Self.forwardedFor(text) : 0..<text.count
                    if !body(text.extracting(address)) { return }
                }
                guard start > 0 else { break }
                end = start - 1
            }
        }
    }

    /// Where the value of `for` is in an element of Forwarded, without quotes; empty for nowhere.
    private static func forwardedFor(_ element: Span<UInt8>) -> Range<Int> {
        var start = 0
        while start < element.count {
            let rest = element.extracting(start..<element.count)
            let member = firstMember(rest, 0x3B)
            let pair = rest.extracting(member)
            if pair.count > 4, pair[3] == 0x3D,
                pair.extracting(0..<3).isEqualIgnoringCase(to: "for")
            {
                let isQuoted = pair[4] == 0x22 && pair[pair.count - 1] == 0x22 && pair.count > 6
                let end = start + member.upperBound
                let first = start + member.lowerBound + 4
                return isQuoted ? first + 1..<end - 1 : first..<end
            }
            var isQuoted = false
            var next = 0
            while next < rest.count, isQuoted || rest[next] != 0x3B {
                if rest[next] == 0x22 { isQuoted.toggle() }
                next += 1
            }
            start += next + 1
        }
        return 0..<0
    }

    private static func trimmed(_ list: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, Characters.isBlank(list[start]) { start += 1 }
        while end > start, Characters.isBlank(list[end - 1]) { end -= 1 }
        return start..<end
    }

    /// The scheme; a WebSocket's counts as that of the connection it began on.
    private static func isHTTPS(_ scheme: Span<UInt8>) -> Bool? {
        if scheme.isEqualIgnoringCase(to: "https") || scheme.isEqualIgnoringCase(to: "wss") {
            return true
        }
        if scheme.isEqualIgnoringCase(to: "http") || scheme.isEqualIgnoringCase(to: "ws") {
            return false
        }
        return nil
    }

    private static func port(_ text: Span<UInt8>) -> UInt16? {
        guard (1...5).contains(text.count) else { return nil }
        var port = 0
        for index in text.indices {
            guard Characters.isDigit(text[index]) else { return nil }
            port = port * 10 + Int(text[index] - 0x30)
        }
        return UInt16(exactly: port).flatMap { $0 > 0 ? $0 : nil }
    }

    /// The `proto` of the first element, whose value may be quoted.
    private static func forwardedIsHTTPS(_ value: Span<UInt8>) -> Bool? {
        let element = firstMember(value, 0x2C)
        var start = element.lowerBound
        while start < element.upperBound {
            let rest = value.extracting(start..<element.upperBound)
            let member = firstMember(rest, 0x3B)
            let pair = rest.extracting(member)
            if pair.count > 6, pair[5] == 0x3D,
                pair.extracting(0..<5).isEqualIgnoringCase(to: "proto")
            {
                let isQuoted = pair[6] == 0x22 && pair[pair.count - 1] == 0x22 && pair.count > 8
                return isHTTPS(
                    pair.extracting(isQuoted ? 7..<pair.count - 1 : 6..<pair.count))
            }
            var next = member.upperBound
            while next < rest.count, rest[next] != 0x3B { next += 1 }
            start += next + 1
        }
        return nil
    }

    /// The first member of a list, without the blanks around it; a separator within quotes is none.
    private static func firstMember(_ list: Span<UInt8>, _ separator: UInt8) -> Range<Int> {
        var start = 0
        while start < list.count, Characters.isBlank(list[start]) { start += 1 }
        var end = start
        var isQuoted = false
        while end < list.count, isQuoted || list[end] != separator {
            if list[end] == 0x22 { isQuoted.toggle() }
            end += 1
        }
        return trimmed(list, start..<end)
    }
}
