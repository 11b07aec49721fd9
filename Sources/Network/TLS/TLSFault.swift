// TLSFault: why there is no secure connection to a server, in words and as a value for metrics.

internal import Events

/// Why a connection to a server is not secure, or ended before it was. Value type, any thread.
package struct TLSFault: Error, Hashable, Sendable {
    /// What kind of fault it is. Value type, any thread.
    package enum Reason: UInt8, CaseIterable, Sendable {
        /// The certificate, or one that it leads to, is not valid any more.
        case expired
        /// The certificate, or one that it leads to, is not valid yet.
        case notYetValid
        /// The certificate is for other names.
        case wrongName
        /// The certificate leads to no authority that is trusted.
        case unknownIssuer
        /// The certificate has signed itself, and is not trusted.
        case selfSigned
        /// The certificate breaks another rule.
        case badCertificate
        /// The server wants to see a certificate, or another one than it was shown. It has not
        /// taken part in the connection then, whatever was sent.
        case certificateWanted
        /// The server said that it does not go on, for another reason: the name, say.
        case refused
        /// No protocol version that both know.
        case version
        /// No cipher suite, group or signature that both know.
        case cipher
        /// The server does not speak TLS.
        case notTLS
        /// The connection ended within the handshake.
        case closed
        /// The handshake was not over in time.
        case timedOut
        /// Anything else that breaks the protocol.
        case malformed
    }

    /// What kind of fault it is.
    package let reason: Reason
    /// A sentence without its full stop: which certificate, which rule, which name was expected.
    package let description: String

    init(_ reason: Reason, _ description: String) {
        self.reason = reason
        self.description = description
    }

    /// Whether it is the server's certificate that does not verify.
    package var isOfCertificate: Bool {
        switch reason {
        case .expired, .notYetValid, .wrongName, .unknownIssuer, .selfSigned, .badCertificate: true
        case .certificateWanted, .refused, .version, .cipher, .notTLS, .closed, .timedOut,
            .malformed:
            false
        }
    }

    /// The stream to the server called `name` ended within the handshake.
    static func ended(_ error: Errno, name: TLSPeerName) -> TLSFault {
        error == .timedOut
            ? TLSFault(.timedOut, "the TLS handshake with \(name) was not over in time")
            : TLSFault(.closed, "\(name) closed the connection within the TLS handshake")
    }
}

extension TLSFault: CustomStringConvertible {}

extension TLSFault {
    /// What `failure` of a connection to the server called `name` comes to; `alert` is the server's
    /// last word, by its number (RFC 8446, section 6), and `text` what the library says.
    init(_ failure: TLSFailure, name: TLSPeerName, alert: Int32?, _ text: String?) {
        let said = text.map { " (\($0))" } ?? ""
        switch failure {
        case .plainHTTP, .notTLS:
            self.init(.notTLS, "\(name) does not speak TLS on this port\(said)")
        case .version:
            self.init(.version, "\(name) speaks no version of TLS that is allowed here\(said)")
        case .cipher:
            self.init(.cipher, "\(name) speaks no cipher suite that is allowed here\(said)")
        case .refused, .application, .name:
            // An alert is called `tlsv13 alert certificate required`.
            let said = text?.split(separator: " alert ", maxSplits: 1).last.map(String.init)
            let isOfCertificate = alert.map { Self.certificateAlerts.contains($0) } ?? false
            self.init(
                isOfCertificate ? .certificateWanted : .refused,
                "\(name) refused the connection: \(said ?? "no reason given")")
        // A server's certificate is never one of the finer cases, which are of clients'.
        case .certificate, .noCertificate, .expiredCertificate, .revokedCertificate,
            .unknownRevocation:
            self.init(.badCertificate, "the certificate of \(name) does not verify\(said)")
        case .malformed, .flood:
            self.init(.malformed, "\(name) breaks the rules of TLS\(said)")
        }
    }

    /// `bad_certificate`, `unsupported_certificate`, `certificate_revoked`, `certificate_expired`,
    /// `certificate_unknown`, `unknown_ca` and `certificate_required`.
    private static let certificateAlerts: Set<Int32> = [42, 43, 44, 45, 46, 48, 116]
}
