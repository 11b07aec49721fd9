// The kinds of value that are about certificates from an authority.

internal import ACME

extension ValueKind where Value == String {
    /// The URL of an authority's directory.
    static var acmeDirectory: Self {
        Self("URL", write: { $0 }) { (text) throws(Unexpected) in
            guard ACMEURL(text) != nil else {
                throw Unexpected(
                    expected: "https://HOST/PATH, such as "
                        + "https://acme-v02.api.letsencrypt.org/directory")
            }
            return text
        }
    }

    /// An e-mail address; whether there is such a mailbox only the mail can tell.
    static var emailAddress: Self {
        Self("address", write: { $0 }) { (text) throws(Unexpected) in
            let parts = text.split(separator: "@", omittingEmptySubsequences: false)
            let isPlain = text.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != 0x2C }
            guard parts.count == 2, !parts[0].isEmpty, isHostName(String(parts[1])), isPlain,
                text.utf8.count <= 254
            else { throw Unexpected(expected: "an e-mail address, such as ops@example.com") }
            return text
        }
    }

    /// A host to get a certificate for.
    static var certificateHost: Self {
        Self("host name", write: { $0 }) { (text) throws(Unexpected) in
            guard !text.contains("*") else {
                throw Unexpected(
                    expected: "a host name without *, such as www.example.com: authorities prove "
                        + "wildcards by DNS alone, which another program has to do "
                        + "(tls.certificates)")
            }
            guard isHostName(text), text.contains(".") else {
                throw Unexpected(expected: "a public host name, such as www.example.com")
            }
            return text.lowercased()
        }
    }

    /// A key in base64url, as authorities give it for the binding of accounts.
    static var sharedKey: Self {
        var kind = Self("text", write: { _ in "(secret)" }) { (text) throws(Unexpected) in
            guard let key = Base64URL.decode(text), key.count >= 16 else {
                throw Unexpected(expected: "a key in base64url, as the authority has given it")
            }
            return text
        }
        kind.isSecret = true
        return kind
    }
}
