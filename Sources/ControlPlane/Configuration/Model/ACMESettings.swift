// ACMESettings: how certificates come from an authority, whether this process orders them itself or
// another program does.

package import ACME
package import Endpoints

/// Certificates from an authority (ACME, RFC 8555).
package struct ACMESettings: Equatable, Sendable {
    /// The URL of the authority's directory; Let's Encrypt's.
    package internal(set) var directory = "https://acme-v02.api.letsencrypt.org/directory"
    /// Where the authority may write to; nil for none.
    package internal(set) var email: String?
    /// Whether the operator agrees to the authority's terms of service.
    package internal(set) var termsAgreed = false
    /// A file with the root of the authority's own certificate; nil for those that this machine
    /// trusts.
    package internal(set) var caFile: String?
    /// The folder in which certificates and the account are kept; nil for none.
    package internal(set) var store: String?
    /// The prefix of the keys in Consul's K/V store that are there in the folder's place; nil for
    /// none.
    package internal(set) var consul: String?
    /// How hosts are proven, the preferred way first; never empty.
    package internal(set) var methods: [ACMEMethod] = [.http, .tlsALPN]
    /// What the authority calls the account of another system that it wants to know; nil for none.
    package internal(set) var externalKeyID: String?
    /// The key that is shared with it, in base64url; nil for none. A secret: never shown.
    package internal(set) var externalKey: String?
    /// The folder in which another program puts answers to challenges by http-01; nil for none.
    package internal(set) var webroot: String?
    /// Where another program answers challenges by tls-alpn-01; nil for none.
    package internal(set) var tlsALPN: HostAndPort?

    /// The account of another system; nil where none is configured.
    package var externalAccount: ACMEAccount.External? {
        guard let externalKeyID, let key = externalKey.flatMap(Base64URL.decode) else { return nil }
        return ACMEAccount.External(keyID: externalKeyID, key: key)
    }

    /// The name of the service that connections to `tlsALPN` belong to.
    static let serviceName = "acme-tls-alpn"
}
