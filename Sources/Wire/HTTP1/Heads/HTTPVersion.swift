// The versions of HTTP that a message can be of, whoever carries it.

/// A version of HTTP (RFC 9110 section 2.5).
package enum HTTPVersion: Sendable {
    case http10, http11
}
