// ParsedCertificate: what OpenSSL makes of a certificate's chain and its key. All of its pointers
// are its own.

internal import COpenSSL
internal import Glibc

/// OpenSSL's certificates and key. One thread at a time.
@safe final class ParsedCertificate {
    // Each is never nil, and freed in deinit.
    private let first: OpaquePointer
    private let key: OpaquePointer
    private let others: CertificateStack

    /// Reads `chain` and `key`, both in PEM.
    init(chain: [UInt8], key: [UInt8]) throws(CertificateProblem) {
        unsafe (first, others) = try Self.readChain(chain)
        do throws(CertificateProblem) {
            unsafe self.key = try Self.readKey(key)
        } catch {
            unsafe openssl().pointee.X509_free(first)
            throw error
        }
    }

    deinit {
        unsafe openssl().pointee.X509_free(first)
        unsafe openssl().pointee.EVP_PKEY_free(key)
    }

    // MARK: - Reading

    private static func readChain(
        _ text: [UInt8]
    ) throws(CertificateProblem) -> (first: OpaquePointer, others: CertificateStack) {
        let all = try readAll(text)
        guard let first = unsafe all.removeFirst() else { throw .noCertificate }
        return unsafe (first, all)
    }

    /// All certificates of `text`, in PEM; none when there is none in it.
    static func readAll(_ text: [UInt8]) throws(CertificateProblem) -> CertificateStack {
        let all = CertificateStack()
        try unsafe withSource(text, or: .noCertificate) { source throws(CertificateProblem) in
            while let certificate = unsafe openssl().pointee.PEM_read_bio_X509(
                source, nil, nil, nil)
            {
                unsafe all.push(certificate)
            }
            // The end of the text is an error as well: no other certificate begins.
            let code = unsafe openssl().pointee.ERR_peek_last_error()
            let text = OpenSSL.takeErrorText() ?? "for no reason that OpenSSL gives"
            guard OpenSSL.reason(of: code) == PEM_R_NO_START_LINE else {
                throw .badCertificate(all.count + 1, text)
            }
        }
        return all
    }

    /// The private key in `text`, in PEM; the caller frees it.
    static func readKey(_ text: [UInt8]) throws(CertificateProblem) -> OpaquePointer {
        var wantsPassphrase = false
        let key = try unsafe withSource(text, or: .noKey) { source in
            // Without a function of one's own OpenSSL asks at the terminal. Its argument lives as
            // long as the call.
            unsafe withUnsafeMutablePointer(to: &wantsPassphrase) { wanted in
                unsafe openssl().pointee.PEM_read_bio_PrivateKey(
                    source, nil,
                    { _, _, _, wanted in
                        unsafe wanted?.assumingMemoryBound(to: Bool.self).pointee = true
                        return -1
                    }, wanted)
            }
        }
        guard let key = unsafe key else {
            let said = OpenSSL.takeErrorText() ?? "for no reason that OpenSSL gives"
            if wantsPassphrase { throw .keyIsProtected }
            // What OpenSSL says of a text without a key differs from version to version.
            let hasKey = String(decoding: text, as: UTF8.self).contains("PRIVATE KEY-----")
            throw hasKey ? .badKey(said) : .noKey
        }
        return unsafe key
    }

    /// Lends OpenSSL `text` to read; throws `problem` when there is none.
    private static func withSource<Result>(
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

    // MARK: - What it says

    /// The name of the one that it was issued to.
    var subject: String { unsafe Self.subject(of: first) }

    private static func subject(of certificate: OpaquePointer) -> String {
        var text = [CChar](repeating: 0, count: 256)
        // OpenSSL ends the text with a zero within the room it is given.
        unsafe text.withUnsafeMutableBufferPointer { room in
            unsafe _ = openssl().pointee.X509_NAME_oneline(
                openssl().pointee.X509_get_subject_name(certificate), room.baseAddress,
                Int32(room.count))
        }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// The kind of its key.
    var keyKind: Int32 { unsafe openssl().pointee.EVP_PKEY_get_base_id(key) }

    /// When it ends, in seconds of Unix time; 0 when that can't be read.
    var notAfter: Int {
        var time = unsafe tm()
        let end = unsafe openssl().pointee.X509_get0_notAfter(first)
        guard unsafe openssl().pointee.ASN1_TIME_to_tm(end, &time) == 1 else { return 0 }
        return unsafe timegm(&time)
    }

    /// The DNS names of the extension subjectAltName (RFC 5280, section 4.2.1.6), in lower case.
    /// The common name is not looked at: no client has done that for years.
    var names: [String] {
        let found = unsafe openssl().pointee.X509_get_ext_d2i(
            first, NID_subject_alt_name, nil, nil)
        guard let found = unsafe found else { return [] }
        let list = OpaquePointer(found)
        var names: [String] = []
        for place in 0..<(unsafe openssl().pointee.OPENSSL_sk_num(list)) {
            let item = unsafe openssl().pointee.OPENSSL_sk_value(list, place)
            guard let name = unsafe item?.assumingMemoryBound(to: GENERAL_NAME.self) else {
                continue
            }
            if let text = unsafe Self.host(name) { names.append(text) }
            unsafe openssl().pointee.GENERAL_NAME_free(name)
        }
        unsafe openssl().pointee.OPENSSL_sk_free(list)
        return names
    }

    private static func host(_ name: UnsafeMutablePointer<GENERAL_NAME>) -> String? {
        var kind: Int32 = 0
        let value = unsafe openssl().pointee.GENERAL_NAME_get0_value(name, &kind)
        guard kind == GEN_DNS, let value = unsafe value else { return nil }
        let text = unsafe value.assumingMemoryBound(to: ASN1_STRING.self)
        let bytes = unsafe UnsafeBufferPointer(
            start: openssl().pointee.ASN1_STRING_get0_data(text),
            count: Int(openssl().pointee.ASN1_STRING_length(text)))
        return unsafe String(decoding: bytes, as: UTF8.self).lowercased()
    }

    // MARK: - Checking and using

    /// Checks that the parts belong together, and are valid now.
    func check() throws(CertificateProblem) {
        unsafe openssl().pointee.ERR_clear_error()
        defer { unsafe openssl().pointee.ERR_clear_error() }
        guard unsafe openssl().pointee.X509_check_private_key(first, key) == 1 else {
            throw .keyMismatch(subject: subject)
        }
        if unsafe openssl().pointee.X509_cmp_current_time(
            openssl().pointee.X509_get0_notAfter(first)) < 0
        {
            throw .expired(subject: subject)
        }
        if unsafe openssl().pointee.X509_cmp_current_time(
            openssl().pointee.X509_get0_notBefore(first)) > 0
        {
            throw .notYetValid(subject: subject)
        }
        var previous = unsafe first
        for place in 0..<others.count {
            let issuer = unsafe others[place]
            guard unsafe openssl().pointee.X509_check_issued(issuer, previous) == X509_V_OK else {
                throw .wrongIssuer(place + 2, subject: subject)
            }
            unsafe previous = issuer
        }
    }

    /// Gives certificate, key and chain to `context`, which counts references to them.
    func use(in context: OpaquePointer) throws(CertificateProblem) {
        unsafe openssl().pointee.ERR_clear_error()
        guard
            unsafe openssl().pointee.SSL_CTX_use_cert_and_key(
                context, first, key, others.pointer, 1) == 1
        else {
            throw .refused(subject: subject, OpenSSL.takeErrorText() ?? "for no reason it gives")
        }
    }
}

/// Certificates in a stack of OpenSSL's, which frees them. One thread at a time.
@safe final class CertificateStack {
    /// The stack; never nil, freed in deinit with what is on it.
    let pointer: OpaquePointer

    init() {
        guard let made = unsafe openssl().pointee.OPENSSL_sk_new_null() else {
            preconditionFailure("out of memory")
        }
        unsafe pointer = made
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
