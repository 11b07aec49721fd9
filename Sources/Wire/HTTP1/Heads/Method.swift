// Request methods: the registered ones that a proxy treats differently, and `other` for the rest.

/// The method of a request (RFC 9110 section 9); case-sensitive.
package enum Method: UInt8, Sendable, CaseIterable {
    case get, head, post, put, delete, options, trace, connect, patch
    /// Any other token; forwarded as it was sent, and treated as neither safe nor idempotent.
    case other

    /// Asks for nothing to be changed (RFC 9110 section 9.2.1).
    package var isSafe: Bool {
        switch self {
        case .get, .head, .options, .trace: true
        case .post, .put, .delete, .connect, .patch, .other: false
        }
    }

    /// May be sent twice with the effect of once (RFC 9110 section 9.2.2), hence may be retried.
    package var isIdempotent: Bool {
        switch self {
        case .put, .delete: true
        case .get, .head, .options, .trace: true
        case .post, .connect, .patch, .other: false
        }
    }

    /// The method that stands at `start..<end`, which holds one token character at least.
    init(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) {
        func isText(_ text: StaticString) -> Bool {
            bytes.extracting(start..<end).isEqual(to: text)
        }
        switch (end - start, bytes[start]) {
        case (3, 0x47) where isText("GET"): self = .get
        case (3, 0x50) where isText("PUT"): self = .put
        case (4, 0x48) where isText("HEAD"): self = .head
        case (4, 0x50) where isText("POST"): self = .post
        case (5, 0x50) where isText("PATCH"): self = .patch
        case (5, 0x54) where isText("TRACE"): self = .trace
        case (6, 0x44) where isText("DELETE"): self = .delete
        case (7, 0x4F) where isText("OPTIONS"): self = .options
        case (7, 0x43) where isText("CONNECT"): self = .connect
        default: self = .other
        }
    }
}

/// The four forms of a request target (RFC 9112 section 3.2).
package enum TargetForm: Sendable {
    /// `/path?query`: what clients send to a server.
    case origin
    /// `http://host/path`: what clients send to a proxy; a server must accept it too.
    case absolute
    /// `host:port`, for CONNECT only.
    case authority
    /// `*`, for OPTIONS only.
    case asterisk
}
