// ACMEAccount: who asks a certificate authority, and how what is asked is signed (RFC 8555,
// section 6.2; RFC 7515).

internal import JSON
package import TLS

/// An account at a certificate authority: a key, and its URL once it is registered. Control thread
/// only.
package struct ACMEAccount {
    /// The account of another system that the authority wants this one bound to (RFC 8555, section
    /// 7.3.4). Value type, any thread.
    package struct External: Equatable, Sendable {
        /// What the authority calls the other account.
        package var keyID: String
        /// The key that is shared with it, decoded.
        package var key: [UInt8]

        /// An account of that name, with that key.
        package init(keyID: String, key: [UInt8]) {
            self.keyID = keyID
            self.key = key
        }
    }

    /// The key that signs.
    package let key: SigningKey
    /// The account's URL; nil before it is registered.
    package internal(set) var url: String?
    /// Where the authority may write to; nil for none.
    package var email: String?
    /// The other account; nil where none is wanted.
    package var external: External?

    /// The account of `key`, which is `url` at the authority.
    package init(key: SigningKey, url: String?, email: String?, external: External? = nil) {
        self.key = key
        self.url = url
        self.email = email
        self.external = external
    }

    private var jwk: String {
        let (x, y) = key.coordinates
        // The members in this order and without blanks: the thumbprint is of this text (RFC 7638).
        return #"{"crv":"P-256","kty":"EC","x":"\#(Base64URL.encode(x))","#
            + #""y":"\#(Base64URL.encode(y))"}"#
    }

    /// What is put at the place that a challenge's `token` names (section 8.1).
    func keyAuthorization(for token: String) -> String {
        token + "." + Base64URL.encode(SHA256.digest(of: Array(jwk.utf8)))
    }

    /// A POST of `payload` to `url`; an empty one asks for what is there (section 6.3).
    func post(_ payload: String, to url: String, nonce: String) -> ACMERequest {
        // Before the authority knows the account it is given the key.
        let identity =
            if let own = self.url { #""kid":\#(JSON.quoted(own))"# } else { #""jwk":\#(jwk)"# }
        let header =
            #"{"alg":"ES256",\#(identity),"nonce":\#(JSON.quoted(nonce)),"#
            + #""url":\#(JSON.quoted(url))}"#
        return ACMERequest(
            method: .post, url: url,
            body: Array(Self.jws(header, payload) { key.signature(of: $0) }.utf8))
    }

    /// The payload that registers the account at `newAccount`.
    func registration(at newAccount: String) -> String {
        var members = [#""termsOfServiceAgreed":true"#]
        if let email { members.append(#""contact":[\#(JSON.quoted("mailto:" + email))]"#) }
        if let external {
            let header =
                #"{"alg":"HS256","kid":\#(JSON.quoted(external.keyID)),"#
                + #""url":\#(JSON.quoted(newAccount))}"#
            let binding = Self.jws(header, jwk) {
                SHA256.authenticationCode(of: $0, key: external.key)
            }
            members.append(#""externalAccountBinding":\#(binding)"#)
        }
        return "{" + members.joined(separator: ",") + "}"
    }

    private static func jws(
        _ header: String, _ payload: String, sign: ([UInt8]) -> [UInt8]
    ) -> String {
        let header = Base64URL.encode(Array(header.utf8))
        let payload = Base64URL.encode(Array(payload.utf8))
        let signature = Base64URL.encode(sign(Array("\(header).\(payload)".utf8)))
        return #"{"protected":"\#(header)","payload":"\#(payload)","signature":"\#(signature)"}"#
    }
}

/// How a host is proven to be served here. Value type, any thread.
package enum ACMEMethod: String, CaseIterable, Equatable, Sendable {
    /// By a file that is asked for on port 80 (RFC 8555, section 8.3).
    case http = "http-01"
    /// By a certificate that is shown on port 443 (RFC 8737).
    case tlsALPN = "tls-alpn-01"
}

/// What an authority is going to ask for while it looks at who serves a host. Value type, any
/// thread.
package struct ACMEChallenge: Equatable, Hashable, Sendable {
    /// How it looks.
    package let method: ACMEMethod
    /// The host, in lower case.
    package let host: String
    /// The last part of the path that is asked for.
    package let token: String
    /// What it expects there; by tls-alpn-01 its digest in a certificate.
    package let keyAuthorization: String

    /// A challenge with these parts.
    package init(method: ACMEMethod, host: String, token: String, keyAuthorization: String) {
        self.method = method
        self.host = host
        self.token = token
        self.keyAuthorization = keyAuthorization
    }

    /// Whether `token` is one: letters of base64url, 1 to 128 of them (RFC 8555, section 8.3, asks
    /// for 22 at least; nothing here depends on that).
    package static func isToken(_ token: String) -> Bool {
        (1...128).contains(token.utf8.count) && token.utf8.allSatisfy(Base64URL.isDigit)
    }
}
