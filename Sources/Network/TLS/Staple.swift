// Staple: what a certificate's authority says of it (OCSP, RFC 6960), which is sent along with it
// so that clients need not ask.

internal import COpenSSL
internal import Glibc

/// Why a response is not sent along; the text says what to do. Value type, any thread.
package enum StapleProblem: Error, Equatable, Sendable {
    /// No response in DER, or one that says that there is none.
    case unreadable
    /// A response about another certificate.
    case aboutAnother
    /// The authority says that the certificate is revoked, or that it does not know it.
    case notGood
    /// A newer one should have come by now.
    case outdated
}

extension StapleProblem: CustomStringConvertible {
    /// The reason, and what to do about it.
    package var description: String {
        switch self {
        case .unreadable:
            "it is no OCSP response; expected DER, as openssl ocsp -respout writes it"
        case .aboutAnother: "it is about another certificate; fetch the one for this"
        case .notGood:
            "the authority says that the certificate is revoked or unknown; get another certificate"
        case .outdated: "it is out of date; fetch a new one"
        }
    }
}

/// A response about a certificate. Value type, any thread.
package struct Staple: Equatable, Sendable {
    /// The response, in DER.
    let bytes: [UInt8]
    /// Until when it counts, in seconds of Unix time.
    package let ends: Int

    /// Reads and checks a response about the first of `chain`, at `now` in seconds of Unix time.
    /// Clients verify who signed it.
    package init(_ bytes: [UInt8], about chain: CertificateChain, now: Int) throws(StapleProblem) {
        // The bytes stay where they are during the call, which moves the pointer over them.
        let parsed = unsafe bytes.withUnsafeBufferPointer { lent in
            var place = lent.baseAddress
            return unsafe openssl().pointee.d2i_OCSP_RESPONSE(nil, &place, lent.count)
        }
        defer { unsafe openssl().pointee.ERR_clear_error() }
        guard let response = unsafe parsed else { throw .unreadable }
        defer { unsafe openssl().pointee.OCSP_RESPONSE_free(response) }
        guard
            unsafe openssl().pointee.OCSP_response_status(response)
                == OCSP_RESPONSE_STATUS_SUCCESSFUL,
            let basic = unsafe openssl().pointee.OCSP_response_get1_basic(response)
        else { throw .unreadable }
        defer { unsafe openssl().pointee.OCSP_BASICRESP_free(basic) }
        guard let ends = unsafe try Self.end(of: basic, about: chain) else { throw .aboutAnother }
        guard ends > now else { throw .outdated }
        self.bytes = bytes
        self.ends = ends
    }

    /// Until when the part about the first of `chain` counts; nil when there is none.
    private static func end(
        of basic: OpaquePointer, about chain: CertificateChain
    ) throws(StapleProblem) -> Int? {
        let wanted = unsafe openssl().pointee.X509_get0_serialNumber(chain.first)
        for place in 0..<(unsafe openssl().pointee.OCSP_resp_count(basic)) {
            let part = unsafe openssl().pointee.OCSP_resp_get0(basic, place)
            var serial: UnsafeMutablePointer<ASN1_INTEGER>?
            // All of it stays the response's.
            let id = unsafe openssl().pointee.OCSP_SINGLERESP_get0_id(part)
            unsafe _ = openssl().pointee.OCSP_id_get0_info(
                nil, nil, nil, &serial, id)
            guard unsafe openssl().pointee.ASN1_INTEGER_cmp(serial, wanted) == 0 else { continue }
            var next: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
            let status = unsafe openssl().pointee.OCSP_single_get0_status(
                part, nil, nil, nil, &next)
            guard status == V_OCSP_CERTSTATUS_GOOD else { throw .notGood }
            // Without a next one this counts as long as the file lies there.
            guard let next = unsafe next else { return .max }
            var time = unsafe tm()
            guard unsafe openssl().pointee.ASN1_TIME_to_tm(next, &time) == 1 else { return 0 }
            return unsafe timegm(&time)
        }
        return nil
    }
}

/// The responses of a context, by the certificates that they are about. One thread at a time.
@safe struct Staples {
    // OpenSSL's certificates, which the context keeps.
    private var staples: [(certificate: OpaquePointer, staple: Staple)] = unsafe []

    var isEmpty: Bool { unsafe staples.isEmpty }

    mutating func add(_ staple: Staple, about certificate: OpaquePointer) {
        unsafe staples.append((certificate, staple))
    }

    /// Has the response about the certificate that `ssl` shows sent along, if there is one. The
    /// answer as OpenSSL understands it.
    func send(on ssl: OpaquePointer?) -> Int32 {
        let shown = unsafe openssl().pointee.SSL_get_certificate(ssl)
        guard let staple = unsafe staples.first(where: { unsafe $0.certificate == shown })?.staple,
            staple.ends > time(nil),
            let copy = unsafe openssl().pointee.CRYPTO_memdup(
                staple.bytes, staple.bytes.count, nil, 0)
        else { return SSL_TLSEXT_ERR_NOACK }
        // OpenSSL frees the copy.
        unsafe _ = openssl().pointee.SSL_ctrl(
            ssl, SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP, staple.bytes.count, copy)
        return SSL_TLSEXT_ERR_OK
    }
}
