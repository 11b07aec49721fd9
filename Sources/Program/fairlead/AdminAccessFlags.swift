// AdminAccessFlags: the flags by which commands reach the admin port of a Fairlead that runs.

import ArgumentParser
import Control
import Documents
import Glibc

/// Where the admin port is, and the token that it needs.
struct AdminAccessFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp("The admin port of the Fairlead to ask.", valueName: "address:port"))
    var admin = "127.0.0.1:9090"
    @Option(
        help: ArgumentHelp(
            "A file with the token that the port needs; FAIRLEAD_ADMIN_TOKEN has it otherwise.",
            valueName: "path"))
    var tokenFile: String?

    /// Where the port is.
    func addresses() throws -> AddressesInTurn {
        try PlaceArgument(flag: "--admin", text: admin).reachable()
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
