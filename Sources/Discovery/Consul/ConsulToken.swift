// ConsulToken: a secret that can be sent and not be printed.

/// An ACL token. Its text is nowhere in a description or a mirror. Any thread.
package struct ConsulToken: Sendable, Equatable {
    /// Bytes that a token may have; Consul's own are UUIDs, those of identity providers longer.
    private static let bytesMax = 2048

    /// The secret itself, for the one field that it is sent in.
    let secret: String

    /// The token that `text` is, without the line end that a file may have behind it; nil when it
    /// is empty, too long, or has a byte that no token has: spaces, control characters, anything
    /// but ASCII.
    package init?(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while let last = bytes.last, last == 0x0A || last == 0x0D { bytes.removeLast() }
        guard (1...Self.bytesMax).contains(bytes.count),
            bytes.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return nil }
        secret = String(decoding: bytes, as: UTF8.self)
    }

    /// `text` without the secret.
    func redacted(from text: String) -> String {
        text.replacing(secret, by: "[token]")
    }
}

extension ConsulToken: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Not the secret.
    package var description: String { "[token]" }
    /// Not the secret.
    package var debugDescription: String { "[token]" }
    /// Nothing: `dump` shows what a mirror has.
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
