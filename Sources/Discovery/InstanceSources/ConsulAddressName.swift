// Consul names an instance that is registered by address `<hex>.addr.<datacentre>.consul`, or below
// the domain that it was given instead, of any number of labels: the name is the address, so no
// lookup is needed when the additional section was cut.

package import DNSWire
package import Endpoints

extension IPAddress {
    /// The address that a Consul `addr` name spells with 8 or 32 hexadecimal digits; nil for every
    /// other name.
    package init?(consulAddressName name: DomainName) {
        let labels = name.labels
        guard labels.count >= 4, String(decoding: labels[1], as: UTF8.self).lowercased() == "addr"
        else { return nil }
        let digits = String(decoding: labels[0], as: UTF8.self)
        // UInt64(_:radix:) would take a sign.
        guard digits.utf8.allSatisfy({ $0 != 0x2b && $0 != 0x2d }) else { return nil }
        switch digits.utf8.count {
        case 8:
            guard let bits = UInt32(digits, radix: 16) else { return nil }
            self = .v4(bits)
        case 32:
            guard let high = UInt64(digits.prefix(16), radix: 16),
                let low = UInt64(digits.suffix(16), radix: 16)
            else { return nil }
            self.init(high: high, low: low)
        default: return nil
        }
    }
}
