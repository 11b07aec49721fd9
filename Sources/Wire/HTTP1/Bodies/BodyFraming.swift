// Where a body ends (RFC 9112 section 6.3). Everything about request smuggling hangs on two hops
// agreeing on this, so each doubtful combination is refused while the fields are read, and what the
// next hop is told is rewritten from this value, never copied.

/// How the end of a message's body is found.
package enum BodyFraming: Equatable, Sendable {
    /// There is no body.
    case none
    /// A body of so many bytes; below 2^62. A declared length of 0 is not the same as `none`.
    case length(UInt64)
    /// Chunks until the one of size 0, then a trailer section (RFC 9112 section 7.1).
    case chunked
    /// Everything until the connection is closed; only in responses.
    case untilClose
}
