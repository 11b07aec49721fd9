// EngineNetworks: what `/networks` says.

package import JSON

/// Which driver each network has. Any thread.
package enum EngineNetworks {
    /// Bytes that the document may have.
    package static let bytesMax = 4 * 1024 * 1024

    /// The driver of each network by its name: `bridge`, `host`, `null`, `overlay`, `macvlan` …
    ///
    /// - Throws: `JSON.Malformed`.
    package static func drivers(_ bytes: [UInt8]) throws(JSON.Malformed) -> [String: String] {
        let entries = try JSON.decode([JSON.Tolerant<Entry>].self, from: bytes)
        return Dictionary(
            entries.compactMap(\.value).map { ($0.Name, $0.Driver ?? "") },
            uniquingKeysWith: { first, _ in first })
    }

    private struct Entry: Decodable {
        let Name: String
        let Driver: String?
    }
}
