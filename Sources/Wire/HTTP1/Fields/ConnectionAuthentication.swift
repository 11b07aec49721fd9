// Schemes that authenticate a connection instead of a request: NTLM, and Negotiate, which may be
// NTLM inside (RFC 4559, and section 11.6 of RFC 9110, which warns of them). Once the handshake is
// over, every request on that connection counts as the user's, no matter who sent it.

/// Finds such schemes in the values of the four fields that name one.
enum ConnectionAuthentication {
    /// Whether a value of Authorization, WWW-Authenticate or their Proxy- twins names such a
    /// scheme, in any letter case, at its start or behind a comma. Quotes are not looked at: a
    /// scheme that only stands inside of a quoted text is found too, which costs a connection that
    /// could be shared, while one that is overlooked would cost a user's identity.
    /// - Complexity: O(n), eight bytes at a time.
    static func isNamed(_ value: Span<UInt8>) -> Bool {
        let end = value.count
        var at = 0
        while true {
            while at < end, Characters.isBlank(value[at]) { at += 1 }
            let scheme = at..<ByteScan.endOfToken(value, from: at, to: end)
            if isOne(value.extracting(scheme)) { return true }
            let comma = ByteScan.first(
                Characters.comma, in: value, from: scheme.upperBound, to: end)
            guard let comma else { return false }
            at = comma + 1
        }
    }

    private static func isOne(_ scheme: Span<UInt8>) -> Bool {
        scheme.isEqualIgnoringCase(to: "ntlm") || scheme.isEqualIgnoringCase(to: "negotiate")
    }
}
