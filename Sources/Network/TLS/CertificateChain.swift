// CertificateChain: a certificate and those that lead to its issuer, read from PEM. All of its
// pointers are its own.

internal import COpenSSL

/// Certificates of OpenSSL's. One thread at a time.
@safe package final class CertificateChain {
    // Never nil, and freed in deinit.
    let first: OpaquePointer
    let others: CertificateStack
    /// The PEM that it was read from.
    package let text: [UInt8]

    /// Reads `text`, in PEM. The library is loaded by now.
    package init(_ text: [UInt8]) throws(CertificateProblem) {
        let all = try CertificateStack(reading: text)
        guard let first = unsafe all.removeFirst() else { throw .noCertificate }
        unsafe self.first = first
        others = all
        self.text = text
    }

    /// `certificate` alone, of which it counts a reference: for what it says of itself.
    init(_ certificate: OpaquePointer) {
        unsafe _ = openssl().pointee.X509_up_ref(certificate)
        unsafe first = certificate
        others = CertificateStack()
        text = []
    }

    deinit {
        unsafe openssl().pointee.X509_free(first)
    }

    /// Checks that each certificate but the first issued the one before it.
    func checkOrder() throws(CertificateProblem) {
        var previous = unsafe first
        for place in 0..<others.count {
            let issuer = unsafe others[place]
            guard unsafe openssl().pointee.X509_check_issued(issuer, previous) == X509_V_OK else {
                throw .wrongIssuer(place + 2, subject: subject)
            }
            unsafe previous = issuer
        }
    }
}

/// Certificates in a stack of OpenSSL's, which frees them. One thread at a time.
@safe final class CertificateStack {
    /// The stack; never nil, freed in deinit with what is on it.
    let pointer: OpaquePointer

    /// An empty one.
    init() {
        guard let made = unsafe openssl().pointee.OPENSSL_sk_new_null() else {
            preconditionFailure("out of memory")
        }
        unsafe pointer = made
    }

    /// All certificates of `text`, in PEM; none when there is none in it.
    convenience init(reading text: [UInt8]) throws(CertificateProblem) {
        self.init()
        try unsafe PEMSource.lend(text, or: .noCertificate) { source throws(CertificateProblem) in
            while let certificate = unsafe openssl().pointee.PEM_read_bio_X509(
                source, nil, nil, nil)
            {
                unsafe push(certificate)
            }
            // The end of the text is an error as well: no other certificate begins.
            let code = unsafe openssl().pointee.ERR_peek_last_error()
            let text = OpenSSL.takeErrorText() ?? "for no reason that OpenSSL gives"
            guard OpenSSL.reason(of: code) == PEM_R_NO_START_LINE else {
                throw .badCertificate(count + 1, text)
            }
        }
    }

    deinit {
        for place in 0..<count { unsafe openssl().pointee.X509_free(self[place]) }
        unsafe openssl().pointee.OPENSSL_sk_free(pointer)
    }

    var count: Int { Int(unsafe openssl().pointee.OPENSSL_sk_num(pointer)) }

    /// The certificate at `place`, which stays the stack's.
    subscript(place: Int) -> OpaquePointer {
        guard let item = unsafe openssl().pointee.OPENSSL_sk_value(pointer, Int32(place)) else {
            preconditionFailure("a place on the stack")
        }
        return OpaquePointer(item)
    }

    /// Takes over `certificate`.
    func push(_ certificate: OpaquePointer) {
        let count = unsafe openssl().pointee.OPENSSL_sk_push(
            pointer, UnsafeRawPointer(certificate))
        precondition(count > 0, "out of memory")
    }

    /// Removes the first certificate, which is the caller's from now on; nil for none.
    func removeFirst() -> OpaquePointer? {
        guard let item = unsafe openssl().pointee.OPENSSL_sk_delete(pointer, 0) else { return nil }
        return OpaquePointer(item)
    }
}

/// Texts in PEM, as OpenSSL reads them.
enum PEMSource {
    /// Lends OpenSSL `text` to read; throws `problem` when there is none.
    static func lend<Result>(
        _ text: [UInt8], or problem: CertificateProblem,
        _ body: (OpaquePointer) throws(CertificateProblem) -> Result
    ) throws(CertificateProblem) -> Result {
        guard !text.isEmpty else { throw problem }
        unsafe openssl().pointee.ERR_clear_error()
        // The bytes stay where they are until `body` has returned; then the source is freed.
        return try unsafe text.span.withUnsafeBytes { bytes throws(CertificateProblem) in
            guard
                let source = unsafe openssl().pointee.BIO_new_mem_buf(
                    bytes.baseAddress, Int32(bytes.count))
            else { preconditionFailure("out of memory") }
            defer { unsafe _ = openssl().pointee.BIO_free(source) }
            return try unsafe body(source)
        }
    }
}
