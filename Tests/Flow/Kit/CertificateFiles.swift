// Certificates for flows, made by `openssl` as an operator would, in a folder of the test's own.

internal import Glibc

/// Files with certificates and their keys. One thread.
final class CertificateFiles {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// The path of the file with the certificate called `name`, and with its key.
    func path(_ name: String) -> String { folder.path("\(name).pem") }

    /// An entry of `tls.certificates`.
    func entry(_ name: String) -> String { "{cert: \(path(name)), key: \(path(name))}" }

    /// Makes a certificate for these host names, which is its own issuer; another one in the place
    /// of the last of that `name`, if there was one, by a rename.
    func make(_ name: String, for hosts: [String], rsa: Bool = false, days: Int = 30) throws {
        let key = rsa ? "rsa:2048" : "ec -pkeyopt ec_paramgen_curve:P-256"
        let names = hosts.map { "DNS:\($0)" }.joined(separator: ",")
        let file = path(name)
        _ = try RunningProcess.run([
            "sh", "-c",
            """
            set -e
            openssl req -newkey \(key) -nodes -subj '/CN=\(name)' -keyout \(file).key \
                -out \(file).csr
            printf 'subjectAltName=\(names)' >\(file).names
            openssl x509 -req -in \(file).csr -signkey \(file).key -days \(days) \
                -extfile \(file).names -out \(file).cert
            cat \(file).cert \(file).key >\(file).new
            mv \(file).new \(file)
            """,
        ])
    }
}

/// What `curl` says: what it got, or its error.
func curl(_ arguments: String...) throws -> (exit: RunningProcess.Exit, said: String) {
    let process = try RunningProcess(["curl", "-sS", "--max-time", "20"] + arguments)
    return (try process.waitForExit(), process.transcript)
}

/// What `openssl s_client` says of a connection to `port` that it ends at once, or after `input`.
func openSSL(port: UInt16, _ arguments: String..., input: String = "") throws -> String {
    let command =
        (["openssl", "s_client", "-connect", "127.0.0.1:\(port)"] + arguments)
        .joined(separator: " ")
    let process = try RunningProcess(["sh", "-c", "printf '\(input)' | \(command)"])
    _ = try process.waitForExit()
    return process.transcript
}
