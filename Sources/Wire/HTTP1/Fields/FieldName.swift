// The field names that Fairlead acts upon. A name is looked up once, while it is parsed; everything
// after that compares one byte.

/// A field name that means something to an intermediary, or `other`.
package enum FieldName: UInt8, Sendable, CaseIterable {
    case other
    case connection
    case contentLength
    case transferEncoding
    case host
    case keepAlive
    case proxyConnection
    case te
    case trailer
    case upgrade
    case expect
    case proxyAuthenticate
    case proxyAuthorization
    case proxyAuthenticationInfo
    case xForwardedFor
    case xForwardedProto
    case xForwardedHost
    case xForwardedPort
    case forwarded
    case xRequestID
    case via
    case maxForwards
    case date
    case contentType
    case server
    case location
    case authorization
    case wwwAuthenticate
    /// `Client-Cert` (RFC 9440), and every name that goes on with a hyphen behind it: who a client
    /// is by its certificate.
    case clientCert
    case strictTransportSecurity
    case traceparent
    case tracestate

    /// The name that stands at `start..<end`, in any letter case (RFC 9110 section 5.1). The bytes
    /// must be token characters.
    init(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) {
        let candidate = FieldName.candidate(bytes, start, count: end - start)
        let isIt = candidate != .other && ByteScan.matches(bytes, at: start, candidate.lowercased)
        self = isIt ? candidate : .other
        guard !isIt, FieldName.mayBeClientCert(bytes, start, end),
            ByteScan.matches(bytes, at: start, FieldName.clientCert.lowercased)
        else { return }
        let next = start + FieldName.clientCertCount
        if next == end || bytes[next] == 0x2D { self = .clientCert }
    }

    private static let clientCertCount = 11

    /// Whether a name of this length may begin with that of the family of `clientCert`, by its
    /// first letter.
    @inline(__always)
    private static func mayBeClientCert(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        end - start >= clientCertCount && bytes[start] | 0x20 == 0x63
    }

    /// The name that stands at `start..<end` when underscores are read as hyphens, as CGI and its
    /// descendants read them (RFC 3875 section 4.1.18): to those, `X_Forwarded_For` is one more
    /// X-Forwarded-For.
    init(readingUnderscores bytes: Span<UInt8>, _ start: Int, _ end: Int) {
        let candidate = FieldName.candidate(bytes, start, count: end - start)
        let isIt =
            candidate != .other
            && ByteScan.matches(
                readingUnderscores: bytes, at: start, candidate.lowercased)
        self = isIt ? candidate : .other
        guard !isIt, FieldName.mayBeClientCert(bytes, start, end),
            ByteScan.matches(
                readingUnderscores: bytes, at: start, FieldName.clientCert.lowercased)
        else { return }
        let next = start + FieldName.clientCertCount
        if next == end || bytes[next] == 0x2D || bytes[next] == 0x5F { self = .clientCert }
    }

    /// The one name of this length and first letter, so that at most one comparison is made. Two
    /// differ only later.
    @inline(__always)
    private static func candidate(_ bytes: Span<UInt8>, _ start: Int, count: Int) -> FieldName {
        switch (count, bytes[start] | 0x20) {
        case (2, 0x74): .te
        case (3, 0x76): .via
        case (4, 0x68): .host
        case (4, 0x64): .date
        case (6, 0x65): .expect
        case (6, 0x73): .server
        case (7, 0x75): .upgrade
        case (7, 0x74): .trailer
        case (8, 0x6C): .location
        case (9, 0x66): .forwarded
        case (10, 0x63): .connection
        case (10, 0x6B): .keepAlive
        case (10, 0x74): .tracestate
        case (11, 0x74): .traceparent
        case (12, 0x63): .contentType
        case (12, 0x6D): .maxForwards
        case (12, 0x78): .xRequestID
        case (13, 0x61): .authorization
        case (14, 0x63): .contentLength
        case (15, 0x78): .xForwardedFor
        case (16, 0x78): bytes[start + 12] | 0x20 == 0x68 ? .xForwardedHost : .xForwardedPort
        case (16, 0x70): .proxyConnection
        case (16, 0x77): .wwwAuthenticate
        case (17, 0x74): .transferEncoding
        case (17, 0x78): .xForwardedProto
        case (18, 0x70): .proxyAuthenticate
        case (19, 0x70): .proxyAuthorization
        case (25, 0x70): .proxyAuthenticationInfo
        case (25, 0x73): .strictTransportSecurity
        default: .other
        }
    }

    /// The name in lower case; empty for `other`.
    package var lowercased: StaticString {
        switch self {
        case .other: ""
        case .connection: "connection"
        case .contentLength: "content-length"
        case .transferEncoding: "transfer-encoding"
        case .host: "host"
        case .keepAlive: "keep-alive"
        case .proxyConnection: "proxy-connection"
        case .te: "te"
        case .trailer: "trailer"
        case .upgrade: "upgrade"
        case .expect: "expect"
        case .proxyAuthenticate: "proxy-authenticate"
        case .proxyAuthorization: "proxy-authorization"
        case .proxyAuthenticationInfo: "proxy-authentication-info"
        case .xForwardedFor: "x-forwarded-for"
        case .xForwardedProto: "x-forwarded-proto"
        case .xForwardedHost: "x-forwarded-host"
        case .xForwardedPort: "x-forwarded-port"
        case .forwarded: "forwarded"
        case .xRequestID: "x-request-id"
        case .via: "via"
        case .maxForwards: "max-forwards"
        case .date: "date"
        case .contentType: "content-type"
        case .server: "server"
        case .location: "location"
        case .authorization: "authorization"
        case .wwwAuthenticate: "www-authenticate"
        case .clientCert: "client-cert"
        case .strictTransportSecurity: "strict-transport-security"
        case .traceparent: "traceparent"
        case .tracestate: "tracestate"
        }
    }
}

/// A set of known field names: one bit each.
struct FieldNames {
    private(set) var bits: UInt32

    /// Meant for the next hop only and so never forwarded: the list of RFC 9110 section 7.6.1, and
    /// the proxy's own authentication fields (section 11.7). `Trailer` is not among them.
    static let hopByHop = FieldNames(
        .connection, .transferEncoding, .keepAlive, .proxyConnection, .te, .upgrade,
        .proxyAuthenticate, .proxyAuthorization, .proxyAuthenticationInfo)

    /// None.
    init() { bits = 0 }

    init(_ names: FieldName...) {
        bits = names.reduce(0) { $0 | 1 << UInt32($1.rawValue) }
    }

    @inline(__always)
    func contains(_ name: FieldName) -> Bool { bits >> UInt32(name.rawValue) & 1 == 1 }

    mutating func insert(_ name: FieldName) { bits |= 1 << UInt32(name.rawValue) }

    func union(_ other: FieldNames) -> FieldNames {
        var all = self
        all.bits |= other.bits
        return all
    }
}

/// One field line of a head.
package struct Field: Equatable, Sendable {
    /// The name as it was sent.
    package var name: ByteRange
    /// The value without the whitespace around it (RFC 9112 section 5.1); may be empty.
    package var value: ByteRange
    /// What the name means.
    package var known: FieldName
    /// What it means to those who take `_` for `-`; `other` for a name that has no underscore.
    package var twin: FieldName
    /// Named by a Connection field of the same head, hence hop-by-hop (RFC 9110 section 7.6.1).
    package var isNominated: Bool
    /// There are blanks between the name and its colon: it is not copied as it stands.
    var isLoose = false
}

extension Field {
    /// Whether the name says where a message ends, or does to those who take `_` for `-`.
    var framesMessage: Bool {
        let framing = FieldNames(.contentLength, .transferEncoding)
        return framing.contains(known) || framing.contains(twin)
    }
}
