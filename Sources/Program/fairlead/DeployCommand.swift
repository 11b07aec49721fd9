// `fairlead deploy SERVICE --to ADDRESS…`: other instances in the place of a service's list, by the
// admin port of the Fairlead that runs.

import ArgumentParser
import Configuration
import Control
import Endpoints
import HTTP1
import Wording

struct DeployCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deploy",
        abstract: "Replace the instances of a service of a running Fairlead.",
        discussion: """
            Brings the new instances in beside the old ones, waits until all of them pass their checks, \
            moves the requests, watches the new ones while the old ones stand by, and then drains these. \
            When a new one does not come up, or fails while it is watched, everything is undone. For \
            services whose instances are a list of the configuration. What was deployed holds until the \
            configuration has another list. If the terminal is lost, the deploy goes on; Ctrl-C undoes \
            it. Exit code 0 when it is done, 1 when it was undone, 2 when it did not begin, 130 when \
            Ctrl-C has undone it and 143 when SIGTERM has.
            """)

    @Argument(help: "The service.")
    var service: String
    @Option(
        help: ArgumentHelp(
            "The instances that it is to have; the option repeats, or takes commas. A name is "
                + "looked up once, where this command runs, and stands for all of its addresses.",
            valueName: "host:port"))
    var to: [String] = []
    @Flag(help: "Call off the deploy under way, or deploy what there was before the last one.")
    var undo = false
    @Flag(help: "Say how far the deploy under way is, or what came of the last one.")
    var status = false
    @Option(
        help: ArgumentHelp("How long new instances have to come up.", valueName: "duration"))
    var timeout = "30s"
    @Option(
        help: ArgumentHelp(
            "How long the old ones stand by while the new ones serve.", valueName: "duration"))
    var watch = "10s"
    @Option(
        help: ArgumentHelp(
            "How long what is in flight on the old ones may take at the end; without it, the "
                + "service's drain-limit.", valueName: "duration"))
    var drain: String?
    @Flag(help: "Say what would happen, and change nothing.")
    var dryRun = false
    @Flag(help: "Write the outcome as JSON, and no progress.")
    var json = false
    @OptionGroup var access: AdminAccessFlags

    func validate() throws {
        let wishes = [!to.isEmpty, undo, status].count { $0 }
        guard wishes == 1 else {
            throw ValidationError(
                "found \(wishes == 0 ? "none" : "several") of --to, --undo and --status, expected "
                    + "one of them")
        }
        guard !dryRun || !to.isEmpty else {
            throw ValidationError("found --dry-run without --to, expected both")
        }
    }

    func run() throws {
        let path = "/services/\(percentEncoded(service))/deploy"
        let client = DeployClient(
            path, try access.addresses(), token: try access.token(), tls: try access.security(),
            isJSON: json)
        if status {
            try client.follow(.get, "", isOnce: true)
        } else if undo {
            try client.follow(.post, "/undo")
        } else {
            let seconds = (
                try seconds("--timeout", timeout, 1...3600), try seconds("--watch", watch, 0...3600)
            )
            var query = "?to=\(percentEncoded(try addresses().joined(separator: ",")))"
            query += "&timeout=\(seconds.0)&watch=\(seconds.1)"
            if let drain { query += "&drain=\(try self.seconds("--drain", drain, 0...86400))" }
            if dryRun { query += "&trial=yes" }
            try client.follow(.post, query)
        }
    }

    /// The addresses of `to`, each name resolved, which is told.
    private func addresses() throws -> [String] {
        let parts = to.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }
        return try parts.flatMap { part in
            // What is written as an address is judged by the admin port, as a program's is.
            if Endpoint(String(part)) != nil { return [String(part)] }
            let found = try PlaceArgument(flag: "--to", text: String(part)).resolved()
            let addresses = found.map { "\($0)" }
            if !json { writeAll(1, "\(part) is \(addresses.joined(separator: ", "))\n") }
            return addresses
        }
    }

    /// A duration as the configuration has them, in whole seconds.
    private func seconds(
        _ flag: String, _ text: String, _ range: ClosedRange<Int>
    ) throws -> Int {
        guard let duration = Units.duration(text),
            duration.components.attoseconds == 0,
            let seconds = Int(exactly: duration.components.seconds), range.contains(seconds)
        else {
            throw ValidationError(
                "\(flag): found \"\(text)\", expected whole seconds from \(range.lowerBound)s to "
                    + "\(range.upperBound)s, such as 30s")
        }
        return seconds
    }
}

/// `text` as a part of a path or a query (RFC 3986, section 2.3).
private func percentEncoded(_ text: String) -> String {
    text.utf8.map { byte in
        let character = Character(UnicodeScalar(byte))
        let isPlain =
            character.isASCII
            && (character.isLetter || character.isNumber || "-._~:,".contains(character))
        let hex = String(byte, radix: 16, uppercase: true)
        return isPlain ? String(character) : "%\(hex.count == 1 ? "0" : "")\(hex)"
    }.joined()
}
