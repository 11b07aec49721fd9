// `fairlead version`: what a report of a fault should say of the program.

import ArgumentParser
import Control
import JSON

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version",
        abstract: "Print the version, the commit it was built from, and those of its libraries.")

    @Flag(help: "Print it as JSON, in one line.")
    var json = false

    func run() {
        let version = ProgramVersion()
        let bytes = json ? JSON.encode(version) : nil
        writeAll(1, bytes.map { String(decoding: $0, as: UTF8.self) + "\n" } ?? version.text)
    }
}
