// TLSServerCheck: what one connection of a client expects of its server, and what it finds wrong.

internal import COpenSSL
internal import Endpoints
internal import WallClock

/// A client's side of one connection, beside OpenSSL's. One thread at a time.
final class TLSServerCheck {
    /// Whose certificate is expected.
    let name: TLSPeerName
    private let verifies: Bool
    /// Where sessions come from and go to.
    let sessions: TLSSessionSlot?
    /// What is wrong with the server's certificate; nil: nothing so far.
    private(set) var problem: TLSFault?

    init(_ name: TLSPeerName, verifies: Bool, sessions: TLSSessionSlot?) {
        self.name = name
        self.verifies = verifies
        self.sessions = sessions
    }

    /// Tells `ssl`, which is new, whom to ask for and what to find.
    func prepare(_ ssl: OpaquePointer, _ context: TLSContext) {
        var isSet = true
        switch name {
        case .host(let host):
            isSet = unsafe openssl_set_name(ssl, host)
            if verifies {
                isSet = unsafe isSet && openssl().pointee.SSL_set1_host(ssl, host) == 1
                // RFC 9525: no common name, and a wildcard stands for a whole label.
                unsafe openssl().pointee.SSL_set_hostflags(
                    ssl,
                    UInt32(X509_CHECK_FLAG_NEVER_CHECK_SUBJECT)
                        | UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
            }
        case .address(let address):
            if verifies {
                let expected = unsafe openssl().pointee.SSL_get0_param(ssl)
                isSet =
                    unsafe openssl().pointee.X509_VERIFY_PARAM_set1_ip_asc(
                        expected, "\(address)") == 1
            }
        }
        precondition(isSet, "out of memory")
        if let sessions { unsafe sessions.resume(with: ssl, of: context) }
    }

    /// The handshake is over. A session of TLS 1.2 can be resumed from now on, and again after
    /// that; later versions say so by a ticket of its own.
    func established(_ ssl: OpaquePointer, _ context: TLSContext) {
        guard let sessions, sessions.isEmpty,
            unsafe openssl().pointee.SSL_version(ssl) < TLS1_3_VERSION,
            let session = unsafe openssl().pointee.SSL_get1_session(ssl)
        else { return }
        unsafe sessions.keep(session, of: context)
    }

    /// Keeps the end of a connection from making its session worthless: OpenSSL takes one that was
    /// not closed by both sides for broken.
    func keepsResumable(_ ssl: OpaquePointer) {
        unsafe openssl().pointee.SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN)
    }

    // MARK: - What is wrong

    /// The check of the connection whose certificates `check` verifies.
    static func of(_ check: OpaquePointer?) -> TLSServerCheck? {
        let place = unsafe openssl().pointee.SSL_get_ex_data_X509_STORE_CTX_idx()
        let ssl = unsafe openssl().pointee.X509_STORE_CTX_get_ex_data(check, place)
        return unsafe TLSLayer.of(ssl.map { OpaquePointer($0) })?.server
    }

    /// Records what `check` has found to be wrong.
    func recordProblem(_ check: OpaquePointer?) {
        let code = unsafe openssl().pointee.X509_STORE_CTX_get_error(check)
        guard let certificate = unsafe openssl().pointee.X509_STORE_CTX_get_current_cert(check)
        else { return }
        let found = unsafe CertificateChain(certificate)
        let subject = found.subject
        let (reason, text): (TLSFault.Reason, String)
        switch code {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            let date = UTCTime(secondsSince1970: Double(found.notAfter)).iso8601.prefix(10)
            (reason, text) = (.expired, "the certificate \(subject) has expired, on \(date)")
        case X509_V_ERR_CERT_NOT_YET_VALID:
            (reason, text) = (.notYetValid, "the certificate \(subject) is not valid yet")
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
            let names = Self.spoken(found.names + found.addresses.compactMap(Self.address))
            (reason, text) = (.wrongName, "the certificate \(subject) is for \(names)")
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
            (reason, text) = (
                .selfSigned,
                "the certificate \(subject) is self-signed, and not among the trusted ones"
            )
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
            X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            (reason, text) = (
                .unknownIssuer,
                "the certificate \(subject) comes from no trusted authority"
            )
        default:
            let said = unsafe OpenSSL.text(
                openssl().pointee.X509_verify_cert_error_string(Int(code)))
            (reason, text) = (
                .badCertificate,
                "the certificate \(subject) does not verify (\(said ?? "reason \(code)"))"
            )
        }
        problem = TLSFault(reason, "\(text); expected one for \(name)")
    }

    /// Names that a certificate is for, as a list in words.
    private static func spoken(_ names: [String]) -> String {
        switch names.count {
        case 0: return "no name (subjectAltName)"
        case 1...3: return names.joined(separator: ", ")
        default: return names.prefix(3).joined(separator: ", ") + " and \(names.count - 3) more"
        }
    }

    /// The address of these bytes; nil when they are none.
    private static func address(_ bytes: [UInt8]) -> String? {
        func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
            bytes.reduce(0) { $0 << 8 | UInt64($1) }
        }
        switch bytes.count {
        case 4: return "\(IPAddress.v4(UInt32(number(bytes[...]))))"
        case 16: return "\(IPAddress(high: number(bytes[..<8]), low: number(bytes[8...])))"
        default: return nil
        }
    }
}
