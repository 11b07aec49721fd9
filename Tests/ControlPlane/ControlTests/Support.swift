// Support: configurations from texts as the loader reads them.

import Configuration
import Documents
import Endpoints
import Events
import Glibc
import TestSupport
import Testing

@testable import Control

/// A configuration of services and listeners, as written in a file, on two processors.
func configuration(
    _ text: String, adding documents: [(key: String, text: String)] = []
) throws -> Configuration {
    let file = NamedText(name: "test.yaml", text: "workers: 2\nadmin: off\n" + text)
    let fragments = try documents.map {
        try ConfigurationFragment(key: $0.key, NamedText(name: $0.key, text: $0.text))
    }
    return try ConfigurationLoader.load(file: file, fragments: fragments, processorCount: 2)
        .configuration
}

/// A port of the loopback that nobody has at the moment.
func freePort() throws -> UInt16 {
    let socket = try Socket.listen(on: Endpoint(.loopback, 0), isShared: false)
    defer { socket.close() }
    guard let port = socket.localEndpoint?.port else { throw TestSupportError("no port") }
    return port
}

/// A configuration file, gone with the test. Any thread.
final class ConfigurationFile: Sendable {
    let path: String

    init(_ text: String) throws {
        path = "/tmp/fairlead-\(getpid())-\(UInt64.random(in: .min ... .max)).yaml"
        try write(text)
    }

    deinit { remove() }

    /// Replaces it as a whole, by renaming.
    func write(_ text: String) throws {
        let other = path + ".new"
        let file = unsafe open(other, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw TestSupportError.system("open") }
        writeAll(file, text)
        close(file)
        guard unsafe rename(other, path) == 0 else { throw TestSupportError.system("rename") }
    }

    func remove() { unsafe _ = unlink(path) }
}

extension String {
    /// With `replacement` wherever `text` is.
    func replacing(_ text: String, _ replacement: String) -> String {
        split(separator: text, omittingEmptySubsequences: false).joined(separator: replacement)
    }
}
