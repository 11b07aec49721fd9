// Zone: the interface that a link-local IPv6 address belongs to (RFC 4007, section 11:
// `fe80::1%eth0`). The kernel knows it by a number, people by a name.

internal import Glibc

/// Names and numbers of interfaces. Any thread; asks the kernel.
package enum Zone {
    /// The address that `text` spells and the number of its zone, which is 0 without one. Nil when
    /// it spells none, when an address other than a link-local one has a zone, or when this machine
    /// has no interface of that name.
    package static func split(_ text: some StringProtocol) -> (address: IPAddress, zone: UInt32)? {
        let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = parts.first.flatMap({ IPAddress($0) }) else { return nil }
        guard parts.count == 2 else { return (address, 0) }
        guard address.isLinkLocal, let zone = number(of: String(parts[1])) else { return nil }
        return (address, zone)
    }

    /// The number of the interface called `name`, or the number that `name` spells; nil for none.
    package static func number(of name: String) -> UInt32? {
        // IF_NAMESIZE is 16, the NUL included.
        guard (1...15).contains(name.utf8.count), !name.utf8.contains(0) else { return nil }
        let index = unsafe if_nametoindex(name)
        if index > 0 { return index }
        guard name.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let spelled = UInt32(name),
            spelled > 0
        else { return nil }
        return spelled
    }

    /// What the interface with this number is called; the number itself when there is none.
    static func name(of number: UInt32) -> String {
        var name = InlineArray<16, CChar>(repeating: 0)
        var span = name.mutableSpan
        // The kernel's names have at most IF_NAMESIZE bytes, which is 16, the NUL included.
        let isFound = unsafe span.withUnsafeMutableBufferPointer { buffer in
            unsafe if_indextoname(number, buffer.baseAddress) != nil
        }
        guard isFound else { return "\(number)" }
        var bytes: [UInt8] = []
        for index in name.indices where name[index] != 0 {
            bytes.append(UInt8(bitPattern: name[index]))
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension IPAddress {
    /// Whether it is valid on one link alone (fe80::/10; RFC 4291, section 2.5.6).
    package var isLinkLocal: Bool {
        if case .v6(let high, _) = self { high >> 54 == 0xfe80 >> 6 } else { false }
    }
}
