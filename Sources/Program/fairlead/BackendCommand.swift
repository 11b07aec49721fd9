// `fairlead backend`: a web server whose answers are asked for by the path, to test and to load a
// proxy with.

import ArgumentParser
import Configuration
import Control
import Endpoints
import Events
import Glibc
import TestBackend

struct BackendCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backend",
        abstract: "Run a web server to test and to load a proxy with.",
        discussion: """
            Its paths: / (its name), /health, /bytes/N, /chunked/N, /delay/MS, /status/N, \
            /flaky/P (P of each 100 requests get 500), /echo (the request's body) and /head (the \
            request's head). Bodies repeat every 64 bytes. Connections are kept for as long as \
            clients like. It ends with SIGTERM or SIGINT, after the requests under way.
            """)

    @Option(help: ArgumentHelp("Where it listens.", valueName: "address:port"))
    var listen = "127.0.0.1:9000"
    @Option(help: ArgumentHelp("What / answers with; by default host and port.", valueName: "name"))
    var name: String?
    @Option(help: ArgumentHelp("Threads, 1 to 64.", valueName: "n"))
    var workers = 1

    func validate() throws {
        guard (1...64).contains(workers) else {
            throw ValidationError("--workers: found \(workers), expected 1 to 64")
        }
    }

    func run() throws {
        let endpoint = try PlaceArgument(flag: "--listen", text: listen).listening()
        let loop = EventLoop()
        let signals = [SIGTERM, SIGINT].map { SignalWatch($0, on: loop) { loop.stop() } }
        let backend: TestBackend
        do {
            var options = TestBackendOptions(on: endpoint, name: name ?? Self.ownName(listen))
            options.workers = workers
            backend = try TestBackend(options)
        } catch {
            printError("fairlead: cannot listen on \(endpoint): \(error)")
            throw ExitCode(1)
        }
        Log(level: .info).write(
            .info, "backend.started",
            ["listen": "\(backend.endpoint)", "workers": "\(workers)"])
        withExtendedLifetime(signals) { loop.run() }
        backend.stop()
    }

    /// Host and port: in a container the host is its name.
    private static func ownName(_ listen: String) -> String {
        var name = [CChar](repeating: 0, count: 256)
        // The call writes at most `count` bytes, and the last one stays zero.
        unsafe _ = gethostname(&name, name.count - 1)
        let host = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let port = listen.split(separator: ":").last ?? ""
        return "\(String(decoding: host, as: UTF8.self)):\(port)"
    }
}
