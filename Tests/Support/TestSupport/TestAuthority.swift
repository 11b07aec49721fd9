// Certificates for tests, made by `openssl` as an operator would.

internal import Glibc

/// An authority with a folder of certificates that it has issued, which is removed with it. Any
/// thread.
package final class TestAuthority: Sendable {
    /// A certificate and its key, as files in PEM.
    package struct Pair: Sendable {
        /// The file with the certificate.
        package let cert: String
        /// The file with its key.
        package let key: String
    }

    /// Where the files are.
    package let folder: String

    /// The file with the authority's own certificate.
    package var file: String { "\(folder)/ca.pem" }

    private static let newKey = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"

    /// A new authority.
    package init() throws {
        var template = Array("/tmp/fairlead-authority-XXXXXX".utf8CString)
        // mkdtemp replaces the six Xs in place and keeps the length.
        let isMade = unsafe template.withUnsafeMutableBufferPointer { buffer in
            unsafe buffer.baseAddress.map { unsafe mkdtemp($0) != nil } ?? false
        }
        guard isMade else { throw TestSupportError.system("mkdtemp") }
        folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        try run(
            """
            openssl req -x509 \(Self.newKey) -subj /CN=authority -keyout ca.key -out ca.pem \
                -addext basicConstraints=critical,CA:TRUE
            """)
    }

    deinit { try? run("rm -r \(folder)") }

    /// A certificate with the common name `name`, for `names` as OpenSSL writes them:
    /// `DNS:web.test,IP:127.0.0.1`. With `days` below zero it has expired.
    package func issue(_ name: String, for names: String, days: Int = 30) throws -> Pair {
        try run(
            """
            openssl req \(Self.newKey) -subj /CN=\(name) -keyout \(name).key -out \(name).csr
            echo 'subjectAltName=\(names)' >\(name).names
            openssl x509 -req -in \(name).csr -CA ca.pem -CAkey ca.key -CAcreateserial \
                -days \(days) -extfile \(name).names -out \(name).pem
            """)
        return Pair(cert: "\(folder)/\(name).pem", key: "\(folder)/\(name).key")
    }

    /// A certificate that is its own issuer.
    package func selfSigned(_ name: String, for names: String) throws -> Pair {
        try run(
            """
            openssl req -x509 \(Self.newKey) -subj /CN=\(name) -addext subjectAltName=\(names) \
                -keyout \(name).key -out \(name).pem
            """)
        return Pair(cert: "\(folder)/\(name).pem", key: "\(folder)/\(name).key")
    }

    /// Runs `script` in the folder.
    private func run(_ script: String) throws {
        let said = "\(folder)/said"
        let status = unsafe system("cd \(folder) && (\nset -e\n\(script)\n) >\(said) 2>&1")
        guard status == 0 else {
            throw TestSupportError("exit status \(status) of: \(script)")
        }
    }

    /// Writes a file.
    package static func write(_ bytes: [UInt8], to file: String) throws {
        guard let opened = unsafe fopen(file, "we") else { throw TestSupportError.system(file) }
        for byte in bytes { unsafe _ = putc(Int32(byte), opened) }
        guard unsafe fclose(opened) == 0 else { throw TestSupportError.system(file) }
    }

    /// Makes a folder.
    package static func makeFolder(_ path: String) throws {
        guard unsafe mkdir(path, 0o755) == 0 else { throw TestSupportError.system(path) }
    }

    /// The bytes of a file; none when there is none.
    package static func bytes(of file: String) -> [UInt8] {
        guard let opened = unsafe fopen(file, "re") else { return [] }
        defer { unsafe _ = fclose(opened) }
        var bytes: [UInt8] = []
        while case let byte = unsafe getc(opened), byte != EOF { bytes.append(UInt8(byte)) }
        return bytes
    }
}
