// AddressFamily: which of a host's addresses are wanted, and so which questions are asked.

package import Endpoints

/// Which addresses of a host are used. The raw value is the name in the configuration.
package enum AddressFamily: String, Sendable, Hashable, CaseIterable {
    /// IPv4 where there is any, else IPv6. Asks for both.
    case ipv4First = "ipv4-first"
    /// IPv6 where there is any, else IPv4. Asks for both.
    case ipv6First = "ipv6-first"
    /// IPv4 alone; AAAA is not asked for.
    case ipv4
    /// IPv6 alone; A is not asked for.
    case ipv6
    /// Both: every address of either family is an instance.
    case both

    /// The types of records to ask for, in the order of preference.
    package var recordTypes: [RecordType] {
        switch self {
        case .ipv4First, .both: [.a, .aaaa]
        case .ipv6First: [.aaaa, .a]
        case .ipv4: [.a]
        case .ipv6: [.aaaa]
        }
    }

    /// The `addresses` that are wanted, in their order within each family.
    package func choose(from addresses: [IPAddress]) -> [IPAddress] {
        let v4 = addresses.filter { if case .v4 = $0 { true } else { false } }
        let v6 = addresses.filter { if case .v6 = $0 { true } else { false } }
        return switch self {
        case .ipv4First: v4.isEmpty ? v6 : v4
        case .ipv6First: v6.isEmpty ? v4 : v6
        case .ipv4: v4
        case .ipv6: v6
        case .both: v4 + v6
        }
    }

    /// Whether addresses that came along with an answer are enough, so that no question is needed:
    /// an additional section may hold one family of a host and leave out the other.
    package func isServed(by addresses: [IPAddress]) -> Bool {
        guard self == .both else { return !choose(from: addresses).isEmpty }
        return AddressFamily.ipv4.isServed(by: addresses)
            && AddressFamily.ipv6.isServed(by: addresses)
    }
}
