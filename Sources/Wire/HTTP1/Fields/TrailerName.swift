// Names that may not stand in a trailer section (RFC 9110 section 6.5.1). A hop that merges
// trailers into the head would otherwise take them for framing, a host or a credential that no hop
// before it has checked. A request with one is refused: no honest client makes it. Of a response
// the field is left out (TrailerSection): some servers send Set-Cookie or Vary there, and the
// download before it is whole.
//
// The scanner sees a name byte by byte, at any split; it keeps a hash of the name in place of the
// name (FNV-1a, 64 bits). A name made to collide with one of these is refused too, nothing more.

/// What becomes of a body whose trailer section has a field that may not stand there.
package enum TrailerRule: Sendable {
    /// The trailer is malformed: for requests.
    case refuse
    /// The body is good, and the field is left out when the section is passed on: for responses.
    case leaveOut
}

/// The name of a trailer field, as it comes in.
struct TrailerName: Sendable {
    private var hash: UInt64 = 0xCBF2_9CE4_8422_2325

    /// Adds a byte of the name, which is a token character.
    mutating func add(_ byte: UInt8) {
        // Some take `_` for `-` (FieldName.init(readingUnderscores:)).
        let folded =
            switch byte {
            case 0x41...0x5A: byte | 0x20
            case Characters.underscore: Characters.hyphen
            default: byte
            }
        hash = (hash ^ UInt64(folded)) &* 0x0000_0100_0000_01B3
    }

    /// Whether the name that was added may not stand in a trailer section.
    var isForbidden: Bool { Self.forbidden.contains(hash) }

    private static let forbidden: Set<UInt64> = Set(
        [
            // Framing and connection (sections 6.4, 7.6.1 and 7.8).
            "connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer",
            "transfer-encoding", "upgrade",
            // Routing and what hops say of each other (sections 7.2, 7.6.2; RFC 7239).
            "host", "max-forwards", "forwarded", "x-forwarded-for", "x-forwarded-host",
            "x-forwarded-port", "x-forwarded-proto",
            // Request modifiers: controls and conditionals (sections 10.1 and 13.1).
            "cache-control", "expect", "if-match", "if-modified-since", "if-none-match",
            "if-range", "if-unmodified-since", "range",
            // Authentication and state (section 11; RFC 6265).
            "authorization", "cookie", "proxy-authenticate", "proxy-authorization",
            "proxy-authentication-info", "set-cookie", "www-authenticate",
            // Response control (sections 10.2 and 15.4) and content processing (section 8).
            "age", "content-encoding", "content-range", "content-type", "location", "retry-after",
            "vary",
        ].map { (name: String) in
            var hashed = TrailerName()
            for byte in name.utf8 { hashed.add(byte) }
            return hashed.hash
        })
}
