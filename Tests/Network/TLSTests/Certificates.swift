// Certificates for tests, made by `openssl`, as an operator would.

import Glibc
import TLS

/// Certificates that were made once.
struct Certificates: Sendable {
    /// For `example.com` and `*.example.com`, with a P-256 key.
    let ecdsa: Pair
    /// For `example.com` and `www.example.org`, with an RSA key.
    let rsa: Pair
    /// For `other.test`.
    let other: Pair
    /// With a passphrase on its key.
    let protected: Pair
    /// Over since 2020.
    let expired: Pair
    /// A certificate with the one that issued it.
    let chained: Pair

    /// A command that failed. Not by `#require`, whose error is reported once: every test that
    /// looks for the certificates has to fail.
    struct Failure: Error {
        let script: String
    }

    /// A certificate and its key, in PEM.
    struct Pair: Sendable {
        var chain: [UInt8]
        var key: [UInt8]

        func certificate() throws -> TLSCertificate {
            try TLSCertificate(chain: chain, key: key)
        }
    }

    /// All of them, made at the first look.
    static let made = Result { try make() }

    private static func make() throws -> Certificates {
        try OpenSSL.load()
        let ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        func names(_ names: String...) -> [String] {
            ["-addext", "subjectAltName=" + names.map { "DNS:\($0)" }.joined(separator: ",")]
        }
        return Certificates(
            ecdsa: try pair(
                ec + ["-nodes", "-subj", "/CN=ecdsa"] + names("Example.com", "*.example.com")),
            rsa: try pair(
                ["-newkey", "rsa:2048", "-nodes", "-subj", "/CN=rsa"]
                    + names("example.com", "www.example.org")),
            other: try pair(ec + ["-nodes", "-subj", "/CN=other"] + names("other.test")),
            protected: try pair(ec + ["-passout", "pass:secret", "-subj", "/CN=protected"]),
            expired: try expired(),
            chained: try chain())
    }

    private static func pair(_ options: [String]) throws -> Pair {
        let all = ["openssl req -x509 -keyout /dev/stdout -out /dev/stdout"] + options
        let text = try said(all.joined(separator: " "))
        return Pair(chain: text, key: text)
    }

    private static func expired() throws -> Pair {
        let text = try said(
            """
            d=$(mktemp -d) && cd $d && trap "rm -r $d" EXIT
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=expired \
                -keyout key -out request
            openssl x509 -req -in request -signkey key -days -1
            cat key
            """)
        return Pair(chain: text, key: text)
    }

    /// A certificate that another issued, followed by that one.
    private static func chain() throws -> Pair {
        let text = try said(
            """
            d=$(mktemp -d) && cd $d && trap "rm -r $d" EXIT
            ec="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
            openssl req -x509 $ec -subj /CN=issuer -keyout issuer.key -out issuer.pem
            openssl req $ec -subj /CN=leaf -keyout leaf.key -out leaf.csr
            openssl x509 -req -in leaf.csr -CA issuer.pem -CAkey issuer.key -CAcreateserial \
                -out leaf.pem
            cat leaf.pem issuer.pem leaf.key
            """)
        return Pair(chain: text, key: text)
    }

    /// What `script` writes.
    static func said(_ script: String) throws -> [UInt8] {
        // In a shell of its own, which its traps end with.
        guard let pipe = unsafe popen("(\nset -e\n\(script)\n) 2>/dev/null", "r") else {
            throw Failure(script: script)
        }
        var text: [UInt8] = []
        while case let byte = unsafe getc(pipe), byte != EOF { text.append(UInt8(byte)) }
        guard unsafe pclose(pipe) == 0 else { throw Failure(script: script) }
        return text
    }
}
