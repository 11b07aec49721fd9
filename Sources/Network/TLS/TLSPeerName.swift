// TLSPeerName: the name that a server's certificate has to be for.

package import Endpoints

/// A server's name, as its certificate has it (subjectAltName, RFC 9525). Value type, any thread.
package enum TLSPeerName: Hashable, Sendable {
    /// A host's name, in lower case and without a final dot. The server is told it (SNI, RFC 6066,
    /// section 3).
    case host(String)
    /// An address, which is never told.
    case address(IPAddress)

    /// The name that `text` spells: `api.example.com` or an address. Nil when it spells none: a
    /// name's labels are letters, digits, `-` and `_`, of 63 at most, of 253 in all.
    package init?(_ text: String) {
        if let address = IPAddress(text) {
            self = .address(address)
            return
        }
        let name = text.hasSuffix(".") ? String(text.dropLast()) : text
        let labels = name.utf8.split(separator: 0x2E, omittingEmptySubsequences: false)
        let isName = labels.allSatisfy { label in
            (1...63).contains(label.count)
                && label.allSatisfy { byte in
                    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                        || (0x61...0x7A).contains(byte) || byte == 0x2D || byte == 0x5F
                }
        }
        guard isName, name.utf8.count <= 253 else { return nil }
        self = .host(name.lowercased())
    }
}

extension TLSPeerName: CustomStringConvertible {
    /// `api.example.com` or `192.0.2.1`.
    package var description: String {
        switch self {
        case .host(let name): name
        case .address(let address): "\(address)"
        }
    }
}
