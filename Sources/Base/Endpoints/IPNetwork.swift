// IPNetwork: a range of addresses in CIDR form (RFC 4632, RFC 4291 section 2.3).

/// A network: every address that shares its first bits. Value type, any thread.
package struct IPNetwork: Hashable, Sendable {
    /// The first address; its bits behind the prefix are zero.
    package let address: IPAddress
    /// Bits that its addresses share: 0 to 32 for IPv4, 0 to 128 for IPv6.
    package let prefix: Int

    /// The network of `prefix` bits that `address` is in; nil when the address has fewer bits.
    package init?(containing address: IPAddress, prefix: Int) {
        switch address {
        case .v4(let bits):
            guard (0...32).contains(prefix) else { return nil }
            self.address = .v4(bits & Self.mask(prefix))
        case .v6(let high, let low):
            guard (0...128).contains(prefix) else { return nil }
            self.address = .v6(
                high & Self.mask(min(prefix, 64)), low & Self.mask(max(prefix - 64, 0)))
        }
        self.prefix = prefix
    }

    /// Whether `other` is one of its addresses.
    package func contains(_ other: IPAddress) -> Bool {
        switch (address, other) {
        case (.v4(let own), .v4(let bits)): own == bits & Self.mask(prefix)
        case (.v6(let ownHigh, let ownLow), .v6(let high, let low)):
            ownHigh == high & Self.mask(min(prefix, 64))
                && ownLow == low & Self.mask(max(prefix - 64, 0))
        case (.v4, .v6), (.v6, .v4): false
        }
    }

    /// A number whose first `count` bits are set; `count` is at most the width.
    private static func mask<Bits: FixedWidthInteger>(_ count: Int) -> Bits {
        count == 0 ? 0 : ~0 << (Bits.bitWidth - count)
    }
}

extension IPNetwork: CustomStringConvertible {
    /// `10.0.0.0/8`, `fd00::/8`.
    package var description: String { "\(address)/\(prefix)" }
}
