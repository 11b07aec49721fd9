// AdminAccessFlags: the flags by which commands reach the admin port of a Fairlead that runs.

import ArgumentParser
import Control
import Documents
import Glibc
import HTTPClient
import TLS

/// Where the admin port is, and the token that it needs.
struct AdminAccessFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The admin port of the Fairlead to ask; https:// before it for one that speaks TLS.",
            valueName: "address:port"))
    var admin = "127.0.0.1:9090"
    @Option(
        help: ArgumentHelp(
            "A file with the token that the port needs; FAIRLEAD_ADMIN_TOKEN has it otherwise.",
            valueName: "path"))
    var tokenFile: String?

    @Option(
        help: ArgumentHelp(
            "The certificates of authorities that the port's has to lead to, in place of this "
                + "machine's list; FAIRLEAD_ADMIN_CA_FILE otherwise.", valueName: "path"))
    var caFile: String?
    @Option(
        help: ArgumentHelp(
            "The certificate to show to the port; FAIRLEAD_ADMIN_CERT otherwise.",
            valueName: "path"))
    var cert: String?
    @Option(
        help: ArgumentHelp(
            "The key of that certificate, if it is in another file; FAIRLEAD_ADMIN_KEY otherwise.",
            valueName: "path"))
    var key: String?

    private static let scheme = "https://"

    /// Where the port is, by its host and port.
    private var place: String {
        admin.hasPrefix(Self.scheme) ? String(admin.dropFirst(Self.scheme.count)) : admin
    }

    /// Where the port is.
    func addresses() throws -> AddressesInTurn {
        try PlaceArgument(flag: "--admin", text: place).reachable()
    }

    /// How the port is asked by TLS, on the thread that calls this; nil: it is not.
    func security() throws -> HTTPClient.Security? {
        let authorities = setting(caFile, "FAIRLEAD_ADMIN_CA_FILE")
        let certificate = setting(cert, "FAIRLEAD_ADMIN_CERT")
        guard admin.hasPrefix(Self.scheme) || authorities != nil || certificate != nil else {
            return nil
        }
        let host = place.split(separator: ":").dropLast().joined(separator: ":")
        let bare = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        do {
            try OpenSSL.load()
            guard let name = TLSPeerName(bare) else {
                throw FileTextError(text: "found \"\(bare)\", expected a host name or an address")
            }
            var options = TLSClientOptions(protocols: [.http1])
            if let authorities {
                options.trust = .authorities(try NamedText.readBytes(path: authorities))
            }
            if let certificate {
                let key = setting(key, "FAIRLEAD_ADMIN_KEY") ?? certificate
                options.certificate = try TLSCertificate(
                    chain: NamedText.readBytes(path: certificate),
                    key: NamedText.readBytes(path: key))
            }
            return HTTPClient.Security(try TLSClient(options), for: name)
        } catch {
            let text = (error as? FileTextError)?.text ?? "\(error)"
            printError("fairlead: the TLS of --admin: \(text)")
            throw ExitCode(1)
        }
    }

    private func setting(_ flag: String?, _ variable: String) -> String? {
        if let flag { return flag }
        return unsafe getenv(variable).map { unsafe String(cString: $0) }
    }

    /// The token; nil for none.
    func token() throws -> String? {
        guard let tokenFile else {
            return unsafe getenv("FAIRLEAD_ADMIN_TOKEN").map { unsafe String(cString: $0) }
        }
        do throws(FileTextError) {
            return try NamedText.read(path: tokenFile).firstLine
        } catch {
            printError("fairlead: --token-file: \(tokenFile) \(error.text)")
            throw ExitCode(1)
        }
    }
}
