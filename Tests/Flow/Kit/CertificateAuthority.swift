// An authority that issues certificates for clients, and revokes them, by `openssl` as an operator
// would.

import TestSupport

/// An authority in a folder of its own. One thread.
final class CertificateAuthority {
    private let folder: TemporaryFolder

    /// Makes the authority, called `name`.
    init(_ name: String = "authority") throws {
        folder = try TemporaryFolder()
        try folder.write("", to: "index")
        try folder.write("01\n", to: "crlnumber")
        try folder.write(
            """
            [ca]
            default_ca = own
            [own]
            database = \(folder.path("index"))
            crlnumber = \(folder.path("crlnumber"))
            default_md = sha256
            default_crl_days = 5
            """, to: "ca.cnf")
        try run(
            """
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
                -subj '/CN=\(name)' -keyout ca.key -out ca.pem
            """)
    }

    /// The path of its own certificate.
    var path: String { folder.path("ca.pem") }

    /// The path of its list of revoked certificates, once there is one.
    var list: String { folder.path("crl.pem") }

    /// The path of the file with the certificate called `name`, and with its key.
    func path(_ name: String) -> String { folder.path("\(name).pem") }

    /// Issues a certificate to the one with this subject and these alternative names.
    func issue(
        _ name: String, to subject: String, _ names: String = "DNS:client.test", days: Int = 10
    ) throws {
        try folder.write("subjectAltName=\(names)\n", to: "\(name).names")
        try run(
            """
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -utf8 \
                -subj '\(subject)' -keyout \(name).key -out \(name).csr
            openssl x509 -req -in \(name).csr -CA ca.pem -CAkey ca.key -CAcreateserial \
                -days \(days) -extfile \(name).names -out \(name).cert
            cat \(name).cert \(name).key >\(name).pem
            """)
    }

    /// Writes the list of those that are revoked, `name` among them, if one is given.
    func revoke(_ name: String? = nil) throws {
        let authority = "openssl ca -config ca.cnf -keyfile ca.key -cert ca.pem"
        if let name { try run("\(authority) -revoke \(name).cert") }
        try run("\(authority) -gencrl -out crl.new\nmv crl.new crl.pem")
    }

    /// What `openssl x509` says of a certificate.
    func said(of name: String, _ options: String) throws -> String {
        try RunningProcess.run([
            "sh", "-c", "openssl x509 -in \(path(name)) -noout \(options)",
        ])
    }

    private func run(_ script: String) throws {
        _ = try RunningProcess.run([
            "sh", "-c", "set -e\ncd \(folder.path(""))\n\(script)",
        ])
    }
}
