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
        /// The server said that it does not go on: it wants a certificate, or another name.
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
        case .refused, .version, .cipher, .notTLS, .closed, .timedOut, .malformed: false
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
    /// What `failure` of a connection to the server called `name` comes to; `text` is what the
    /// library says.
    init(_ failure: TLSFailure, name: TLSPeerName, _ text: String?) {
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
            let alert = text?.split(separator: " alert ", maxSplits: 1).last.map(String.init)
            self.init(.refused, "\(name) refused the connection: \(alert ?? "no reason given")")
        // A server's certificate is never one of the finer cases, which are of clients'.
        case .certificate, .noCertificate, .expiredCertificate, .revokedCertificate,
            .unknownRevocation:
            self.init(.badCertificate, "the certificate of \(name) does not verify\(said)")
        case .malformed, .flood:
            self.init(.malformed, "\(name) breaks the rules of TLS\(said)")
        }
    }
}
