// The names of fields that a translator of heads acts upon, and those of the static table of HPACK.
// A name is looked up once; everything after that compares one byte.

internal import HTTP1

/// The name of a field, as far as it means something; one byte to compare.
struct HeaderName: Equatable {
    /// Of a name of the static table, its lowest index there; 0 for a name that means nothing here.
    let rawValue: UInt8

    @inline(__always)
    init(rawValue: UInt8) { self.rawValue = rawValue }

    static let other = HeaderName(rawValue: 0)
    static let authority = HeaderName(rawValue: 1)
    static let method = HeaderName(rawValue: 2)
    static let path = HeaderName(rawValue: 4)
    static let scheme = HeaderName(rawValue: 6)
    static let status = HeaderName(rawValue: 8)
    static let authorization = HeaderName(rawValue: 23)
    static let contentLength = HeaderName(rawValue: 28)
    static let contentType = HeaderName(rawValue: 31)
    static let cookie = HeaderName(rawValue: 32)
    static let host = HeaderName(rawValue: 38)
    static let proxyAuthorization = HeaderName(rawValue: 49)
    static let setCookie = HeaderName(rawValue: 55)
    static let transferEncoding = HeaderName(rawValue: 57)
    static let connection = HeaderName(rawValue: 62)
    static let keepAlive = HeaderName(rawValue: 63)
    static let proxyConnection = HeaderName(rawValue: 64)
    static let upgrade = HeaderName(rawValue: 65)
    static let te = HeaderName(rawValue: 66)
    static let protocolName = HeaderName(rawValue: 67)
    static let webSocketKey = HeaderName(rawValue: 68)
    static let webSocketAccept = HeaderName(rawValue: 69)
    /// The last one that has a line in `StaticTable`.
    static let last = webSocketAccept
    /// A name that begins with a colon, and is none of those above.
    static let unknownPseudo = HeaderName(rawValue: 254)
    /// No name: empty, not a token, or with upper-case letters.
    static let malformed = HeaderName(rawValue: 255)

    /// Whether it is a pseudo-header field (RFC 9113 section 8.3).
    @inline(__always)
    var isPseudo: Bool {
        // 1 to 14 of the static table.
        rawValue &- 1 < 14 || self == .protocolName || self == .unknownPseudo
    }

    /// Whether it is about one connection of HTTP/1.1 and must not be in a message of HTTP/2 (RFC
    /// 9113 section 8.2.2). `te` is not among them: it may say `trailers`.
    @inline(__always)
    var isOfConnection: Bool {
        rawValue &- 62 < 4 || self == .transferEncoding
    }

    /// Whether the value says who somebody is.
    @inline(__always)
    var isCredential: Bool {
        self == .authorization || self == .proxyAuthorization || self == .cookie
            || self == .setCookie
    }

    /// Whether it is of the static table, and so has an index there.
    @inline(__always)
    var isIndexed: Bool { rawValue < 62 && rawValue > 0 }
}

extension HeaderName {
    /// What a name means that was decoded, and must be in lower case (RFC 9113 section 8.2).
    init(received name: Span<UInt8>) {
        let isPseudo = !name.isEmpty && name[0] == 0x3A
        let start = isPseudo ? 1 : 0
        guard start < name.count, ByteScan.isLowercaseToken(name, from: start, to: name.count)
        else {
            self = .malformed
            return
        }
        // The pointer is used only inside the closure, while the span lives.
        let known = unsafe name.withUnsafeBufferPointer { bytes in
            guard let start = bytes.baseAddress else { return HeaderName.other }
            return unsafe StaticTable.name(start, count: bytes.count)
        }
        self = isPseudo && known == .other ? .unknownPseudo : known
    }
}
