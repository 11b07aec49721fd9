// TLSTrust: the authorities whose certificates a client believes.

internal import COpenSSL
internal import Glibc
internal import Locking

/// A store of authorities, which all clients with the same trust share. Any thread: OpenSSL locks
/// it, once for each certificate that is verified.
@safe final class TLSTrust: Sendable {
    // OpenSSL's store; never nil, freed in deinit.
    nonisolated(unsafe) let store: OpaquePointer

    private init() {
        guard let made = unsafe openssl().pointee.X509_STORE_new() else {
            preconditionFailure("out of memory")
        }
        unsafe store = made
    }

    deinit { unsafe openssl().pointee.X509_STORE_free(store) }

    /// The store for `trust`; nil where everybody is believed.
    static func of(_ trust: TLSClientOptions.Trust) throws(TLSClientProblem) -> TLSTrust? {
        switch trust {
        case .anybody: nil
        case .authorities(let text): try TLSTrust(text)
        case .system: try system()
        }
    }

    /// The certificates of `text`, in PEM; one at least.
    private convenience init(_ text: [UInt8]) throws(TLSClientProblem) {
        self.init()
        do throws(CertificateProblem) {
            let roots = try CertificateStack(reading: text)
            guard roots.count > 0 else { throw .noCertificate }
            for place in 0..<roots.count {
                // It counts a reference.
                unsafe _ = openssl().pointee.X509_STORE_add_cert(store, roots[place])
            }
        } catch {
            throw .authorities(error)
        }
    }

    // MARK: - This machine's list

    /// A list that was read, and which file it was then.
    private struct Cached {
        let trust: TLSTrust
        let stamp: Stamp
    }

    /// What tells one version of the list from another.
    private struct Stamp: Equatable {
        var file: String?
        let directory: String?
        var size = 0
        var seconds = 0
        var nanoseconds = 0
    }

    private static let cached = Locked<Cached?>(nil)

    /// Where distributions keep the list as one file: Debian and Alpine, Red Hat, SUSE.
    private static let usualFiles = [
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
    ]

    /// This machine's list, read again when its file is another one: that of SSL_CERT_FILE, or
    /// where distributions have it. SSL_CERT_DIR names a directory of single certificates, as
    /// OpenSSL looks them up.
    private static func system() throws(TLSClientProblem) -> TLSTrust {
        let files = variable("SSL_CERT_FILE").map { [$0] } ?? usualFiles
        let directory = variable("SSL_CERT_DIR")
        let found = files.lazy.compactMap { Self.stamp(of: $0, directory) }.first
        let known = cached.withLock { $0 }
        // One that was there and is gone is still the best that is known.
        if found == nil, directory == nil, let known { return known.trust }
        guard found != nil || directory != nil else {
            throw .noSystemList(files.joined(separator: ", "))
        }
        let stamp = found ?? Stamp(directory: directory)
        if let known, known.stamp == stamp { return known.trust }
        let trust = TLSTrust()
        if let file = stamp.file {
            unsafe openssl().pointee.ERR_clear_error()
            let isRead = unsafe openssl().pointee.X509_STORE_load_file(trust.store, file) == 1
            let text = OpenSSL.takeErrorText() ?? "no reason is given"
            guard isRead else { throw .noSystemList("\(file), which can't be read: \(text)") }
        }
        if let directory {
            unsafe _ = openssl().pointee.X509_STORE_load_path(trust.store, directory)
        }
        cached.withLock { $0 = Cached(trust: trust, stamp: stamp) }
        return trust
    }

    private static func variable(_ name: String) -> String? {
        // Nothing changes the environment while threads run.
        guard let value = unsafe getenv(name) else { return nil }
        let text = unsafe String(cString: value)
        return text.isEmpty ? nil : text
    }

    private static func stamp(of file: String, _ directory: String?) -> Stamp? {
        var about = stat()
        guard unsafe stat(file, &about) == 0 else { return nil }
        return Stamp(
            file: file, directory: directory, size: about.st_size, seconds: about.st_mtim.tv_sec,
            nanoseconds: about.st_mtim.tv_nsec)
    }
}
