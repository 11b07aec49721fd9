// Folders with certificates as the programs that people use lay them out, made by `openssl`.

import CertificateFiles
import Glibc
import TLS

/// A folder of its own for a test, with folders in it; removed at the end. One thread.
final class Layouts {
    let root: String

    /// A command that failed.
    struct Failure: Error {
        let script: String
        let said: String
    }

    /// What makes certificates. `issue NAME HOST` makes NAME.key, and NAME.crt by `inter`, which
    /// `root` issued; `chain NAME` writes NAME.crt with that of `inter` behind it.
    private static let tools = """
        set -e
        ec="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
        authority() {
            openssl req -x509 $ec -subj /CN=root -keyout root.key -out root.crt
            openssl req $ec -subj /CN=inter -keyout inter.key -out inter.csr
            printf 'basicConstraints=critical,CA:TRUE\\n' >inter.ext
            openssl x509 -req -in inter.csr -CA root.crt -CAkey root.key -set_serial 2 \
                -extfile inter.ext -days 30 -out inter.crt
        }
        issue() {
            openssl req $ec -subj "/CN=$1" -keyout $1.key -out $1.csr
            printf "subjectAltName=DNS:$2\\n$4" >$1.ext
            openssl x509 -req -in $1.csr -CA inter.crt -CAkey inter.key -set_serial 7$RANDOM \
                -days ${3:-30} -extfile $1.ext -out $1.crt
        }
        chain() { cat $1.crt inter.crt; }

        """

    init() throws {
        var template = Array("/tmp/fairlead-certificates-XXXXXX".utf8CString)
        // mkdtemp replaces the six Xs in place and keeps the length.
        let made = unsafe template.withUnsafeMutableBufferPointer { buffer in
            unsafe buffer.baseAddress.map { unsafe mkdtemp($0) != nil } ?? false
        }
        guard made else { throw Failure(script: "mkdtemp", said: "") }
        root = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        try OpenSSL.load()
        try run("mkdir make && cd make && authority && issue web web.test && issue api api.test")
    }

    deinit {
        // All of it is below a folder that this object made.
        _ = unsafe system("rm -rf '\(root)'")
    }

    /// Runs `script` in the folder; `make` in it has certificates of `web` and `api`.
    func run(_ script: String) throws {
        // By its input, so that the script may have quotes of any kind.
        guard let shell = unsafe popen("cd '\(root)' && exec bash 2>said", "w") else {
            throw Failure(script: script, said: "no shell")
        }
        unsafe _ = fputs(Self.tools + script + "\n", shell)
        guard unsafe pclose(shell) == 0 else {
            throw Failure(script: script, said: (try? text("said")) ?? "")
        }
    }

    private func text(_ name: String) throws -> String {
        guard let file = unsafe fopen("\(root)/\(name)", "r") else { return "" }
        defer { unsafe _ = fclose(file) }
        var bytes: [UInt8] = []
        while case let byte = unsafe getc(file), byte != EOF { bytes.append(UInt8(byte)) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The path of `name` in the folder.
    func path(_ name: String) -> String { "\(root)/\(name)" }

    /// What the folder `name` has.
    func read(_ name: String, known: [FoundCertificate] = []) -> CertificateReading {
        CertificateReader.read(.path(path(name)), known: known)
    }

    /// The pairs of a reading, as `CHAIN KEY HOST`, with paths in the folder.
    func pairs(_ reading: CertificateReading) -> [String] {
        reading.found.map {
            [$0.chainPlace, $0.keyPlace].map { $0.dropFirst(root.count + 1) }
                .joined(separator: " ") + " " + $0.certificate.names.joined(separator: ",")
        }
    }

    /// The troubles of a reading, as `FILE: REASON`, with paths in the folder.
    func troubles(_ reading: CertificateReading) -> [String] {
        reading.troubles.map { "\($0.place.dropFirst(root.count + 1)): \($0.reason)" }
    }
}
