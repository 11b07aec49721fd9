// TicketKey: one key that session tickets are sealed with, and how files have several: 80 bytes
// each, as nginx and HAProxy have them.

internal import COpenSSL
internal import FoundationEssentials

/// A key for session tickets, with the name that tickets carry for it. Value type, any thread.
package struct TicketKey: Equatable, Sendable {
    let name: [UInt8]
    let cipher: [UInt8]
    let mac: [UInt8]

    /// How many bytes a key has: 16 of its name, 32 that encrypt (AES-256), 32 that authenticate
    /// (HMAC with SHA-256).
    package static let bytesCount = 80
    /// Keys of a file at most.
    package static let countMax = 16

    /// The key of these bytes; nil unless there are `bytesCount`.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.bytesCount else { return nil }
        name = Array(bytes.prefix(16))
        cipher = Array(bytes.dropFirst(16).prefix(32))
        mac = Array(bytes.dropFirst(48))
    }

    /// The key's bytes. Not to be shown anywhere.
    package var bytes: [UInt8] { name + cipher + mac }

    /// A new key; nil when the library, which is loaded by now, has no random bytes.
    package static func random() -> TicketKey? {
        randomBytes(bytesCount).flatMap { TicketKey($0) }
    }

    static func randomBytes(_ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        // The array's own memory, for the time of the call.
        let result = unsafe bytes.withUnsafeMutableBufferPointer { room in
            unsafe openssl().pointee.RAND_bytes(room.baseAddress, Int32(room.count))
        }
        return result == 1 ? bytes : nil
    }

    func isNamed(_ other: Span<UInt8>) -> Bool {
        guard other.count == name.count else { return false }
        for index in other.indices where other[index] != name[index] { return false }
        return true
    }

    /// Gives `mac` its key and its digest.
    func set(_ mac: OpaquePointer) -> Bool {
        unsafe openssl_set_mac_key(mac, self.mac, self.mac.count)
    }
}

/// Why a file has no ticket keys. Value type, any thread.
package struct TicketKeyProblem: Error, Equatable, CustomStringConvertible, Sendable {
    /// What was found, what was expected, and what to do.
    package let description: String

    fileprivate init(found: String) {
        description =
            "found \(found), expected keys of \(TicketKey.bytesCount) bytes, by themselves or each "
            + "in base64 on a line; make one: openssl rand -base64 80 | tr -d '\\n'"
    }
}

extension TicketKey {
    /// The keys of a file's bytes, 1 to `countMax`: each by itself, one behind the other (as nginx
    /// has one a file), or in base64, one a line (as HAProxy has them).
    package static func read(_ bytes: [UInt8]) throws(TicketKeyProblem) -> [TicketKey] {
        guard !bytes.isEmpty else { throw TicketKeyProblem(found: "no key") }
        // Random bytes are no text: one of them is no character of base64.
        let keys =
            bytes.allSatisfy(mayBeText) ? try readLines(bytes) : try readBytes(bytes)
        guard keys.count <= countMax else {
            throw TicketKeyProblem(found: "\(keys.count) keys, of which \(countMax) are taken")
        }
        for (place, key) in keys.enumerated()
        where keys[..<place].contains(where: { $0.name == key.name }) {
            throw TicketKeyProblem(found: "a second key of the same name (its first 16 bytes)")
        }
        return keys
    }

    private static func readBytes(_ bytes: [UInt8]) throws(TicketKeyProblem) -> [TicketKey] {
        guard bytes.count % bytesCount == 0 else {
            throw TicketKeyProblem(found: "\(bytes.count) bytes that are no base64")
        }
        return stride(from: 0, to: bytes.count, by: bytesCount).compactMap {
            TicketKey(bytes[$0..<$0 + bytesCount])
        }
    }

    private static func readLines(_ bytes: [UInt8]) throws(TicketKeyProblem) -> [TicketKey] {
        var keys: [TicketKey] = []
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        for (place, line) in lines.enumerated() {
            let text = line.filter { $0 > 0x20 }
            guard !text.isEmpty else { continue }
            guard let key = Data(base64Encoded: Data(text)).flatMap({ TicketKey($0) }) else {
                throw TicketKeyProblem(found: "something else on line \(place + 1)")
            }
            keys.append(key)
        }
        guard !keys.isEmpty else { throw TicketKeyProblem(found: "no key") }
        return keys
    }

    /// Whether a text in base64 (RFC 4648, section 4), of lines, may have the byte.
    private static func mayBeText(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"),
            UInt8(ascii: "="), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: " "):
            true
        default: false
        }
    }
}
