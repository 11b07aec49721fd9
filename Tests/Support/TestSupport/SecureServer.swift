// A server that speaks TLS, of another make than what is tested: Python's ssl.

internal import Glibc

/// The program `Tests/Support/secure-server.py`, which says what it does and what it can be told.
/// It ends with this object, or with the test. Any thread.
@safe package final class SecureServer: Sendable {
    /// Where it listens, at 127.0.0.1.
    package let port: UInt16
    // The program's standard input, at whose end it ends. Used by `deinit` alone.
    private nonisolated(unsafe) let input: UnsafeMutablePointer<FILE>

    /// Starts one that shows `pair`.
    package init(
        _ pair: TestAuthority.Pair, of authority: TestAuthority, _ options: String...
    ) throws {
        let portFile = "\(authority.folder)/port-\(UInt64.random(in: 0...UInt64.max))"
        let command =
            [
                "exec python3 \(PackageFolder.path)/Tests/Support/secure-server.py",
                "--cert \(pair.cert) --key \(pair.key) --port-file \(portFile)",
            ] + options + [">/dev/null 2>&1"]
        guard let opened = unsafe popen(command.joined(separator: " "), "we") else {
            throw TestSupportError.system("popen")
        }
        unsafe input = opened
        try waitUntil("the secure server listens") {
            !TestAuthority.bytes(of: portFile).isEmpty
        }
        let text = String(decoding: TestAuthority.bytes(of: portFile), as: UTF8.self)
        port = UInt16(text) ?? 0
    }

    deinit { unsafe _ = pclose(input) }
}
