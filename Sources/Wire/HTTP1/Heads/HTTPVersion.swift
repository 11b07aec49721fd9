// The versions of HTTP that a message can have, from a client or from a backend.

/// A version of HTTP (RFC 9110 section 2.5).
package enum HTTPVersion: Sendable {
    case http10, http11
    /// Of a message that is here as the text of HTTP/1.1, into which it was translated.
    case http2
}
