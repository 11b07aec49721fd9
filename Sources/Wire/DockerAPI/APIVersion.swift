// APIVersion: which version of the Engine API is spoken. An engine refuses a version that is newer
// than its own (400), and engines of today refuse those before 1.24 or 1.44; so it is asked first,
// at a path without a version.

package import JSON

/// A version of the Engine API. Value type, any thread.
package struct APIVersion: Hashable, Sendable, Comparable {
    /// 1 in every version so far.
    package let major: Int
    /// 0 or more.
    package let minor: Int

    /// The newest version whose documents this module was written for.
    package static let newest = APIVersion(major: 1, minor: 52)
    /// The oldest one that has all that is asked for: events of networks and of health.
    package static let oldest = APIVersion(major: 1, minor: 24)

    /// That version.
    package init(major: Int, minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// The version that `text` spells: `1.41`; nil when it spells none.
    package init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, text.utf8.count <= 9,
            text.utf8.allSatisfy({ $0 == 0x2E || (0x30...0x39).contains($0) }),
            let major = Int(parts[0]), let minor = Int(parts[1])
        else { return nil }
        self.init(major: major, minor: minor)
    }

    /// By major, then by minor number.
    package static func < (left: APIVersion, right: APIVersion) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }
}

extension APIVersion: CustomStringConvertible {
    /// `1.41`.
    package var description: String { "\(major).\(minor)" }
}

/// What an engine says of itself at `/version`. Value type, any thread.
package struct EngineVersion: Hashable, Sendable {
    /// Bytes that the document may have.
    package static let bytesMax = 64 * 1024

    /// The newest version that the engine speaks.
    package let newest: APIVersion
    /// The oldest version that the engine speaks.
    package let oldest: APIVersion
    /// The engine's own version as it spells it: `20.10.24+dfsg1`.
    package let engine: String
    /// Whether it is Podman, which says so among its components.
    package let isPodman: Bool

    /// Reads the answer of `/version`.
    ///
    /// - Throws: `JSON.Malformed`.
    package init(_ bytes: [UInt8]) throws(JSON.Malformed) {
        let document = try JSON.decode(Document.self, from: bytes)
        guard let newest = APIVersion(document.ApiVersion) else {
            throw .init("ApiVersion is \(document.ApiVersion.prefix(20)), and not as 1.41")
        }
        self.newest = newest
        oldest = document.MinAPIVersion.flatMap { APIVersion($0) } ?? .oldest
        engine = String((document.Version ?? "").prefix(64))
        isPodman = (document.Components ?? []).contains { $0.Name?.contains("Podman") == true }
    }

    /// The version to speak: the newest that both know; nil when there is none.
    package var common: APIVersion? {
        let version = min(newest, .newest)
        return version >= max(oldest, .oldest) ? version : nil
    }

    private struct Document: Decodable {
        struct Component: Decodable {
            let Name: String?
        }

        let ApiVersion: String
        let MinAPIVersion: String?
        let Version: String?
        let Components: [Component]?
    }
}
