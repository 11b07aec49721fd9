// HostsFile: what /etc/hosts says (hosts(5)). Docker (`extra_hosts`), Kubernetes (`hostAliases`)
// and people write names there that no nameserver knows.

package import Endpoints

/// The names that a hosts file gives addresses to. Value type, any thread.
package struct HostsFile: Equatable, Sendable {
    /// By name in small letters, without a final dot.
    private var addresses: [String: [IPAddress]] = [:]

    /// The most names of the whole file; those behind them are left out, so that a hostile file
    /// takes bounded memory.
    package static let namesMax = 65_536
    /// Addresses of one name.
    private static let addressesMax = 64

    /// Whether it has more names than are kept.
    package private(set) var isCut = false

    /// A file without a line.
    package init() {}

    /// Reads `text`: an address and its names a line, `#` begins a comment. Lines that make no
    /// sense are skipped, as in libc. A name on several lines has the addresses of all.
    package init(_ text: String) {
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
            let words = line.prefix { $0 != UInt8(ascii: "#") }
                .split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }
            guard words.count >= 2, let address = IPAddress(Substring(words[0])) else { continue }
            for word in words.dropFirst() {
                let name = Self.key(Substring(word))
                guard addresses[name] != nil || addresses.count < Self.namesMax else {
                    isCut = true
                    continue
                }
                let known = addresses[name, default: []]
                if known.count < Self.addressesMax, !known.contains(address) {
                    addresses[name, default: []].append(address)
                }
            }
        }
    }

    /// The addresses of `host` in the order of the file; empty when it is not there. Letter case
    /// and a final dot make no difference.
    package func addresses(of host: HostName) -> [IPAddress] {
        addresses.isEmpty ? [] : addresses[Self.key("\(host)")] ?? []
    }

    private static func key(_ name: some StringProtocol) -> String {
        let lower = name.lowercased()
        return lower.hasSuffix(".") ? String(lower.dropLast()) : lower
    }
}
