// DialError: why there is no connection to a backend, or none that is secure.

package import Events
internal import Stats
package import TLS

/// Why a connection to a backend could not be made. Value type, any thread.
package enum DialError: Error, Sendable {
    /// The system says that there is none.
    case system(Errno)
    /// The handshake of TLS failed.
    case tls(TLSFault)
    /// What the backend sent is not HTTP/2, which it is meant to speak.
    case notHTTP2

    /// Whether this machine has run out of something, which says nothing of the backend.
    var isShortage: Bool { if case .system(let error) = self { error.isShortage } else { false } }

    /// How a request ends that had no other backend.
    var ending: Ending {
        switch self {
        case .system(let error): error.isShortage ? .shortage : .notConnected
        case .tls(let fault): fault.isOfCertificate ? .untrusted : .insecure
        case .notHTTP2: .badResponse
        }
    }
}

extension ServiceCounter {
    /// What a failed handshake with a backend is counted as.
    init(_ reason: TLSFault.Reason) {
        self =
            switch reason {
            case .expired, .notYetValid: .outdatedCertificates
            case .wrongName: .misnamedCertificates
            case .unknownIssuer, .selfSigned: .unknownIssuers
            case .badCertificate: .badCertificates
            case .certificateWanted: .certificatesWanted
            case .refused: .refusedHandshakes
            case .version, .cipher: .unlikeHandshakes
            case .notTLS: .notTLS
            case .closed, .malformed: .brokenOffHandshakes
            case .timedOut: .handshakeTimeouts
            }
    }
}
