// Endpoint: where a connection goes to or comes from.

/// An address and a port. Value type, any thread.
package struct Endpoint: Hashable, Sendable {
    /// The unspecified address, where something listens, stands for every address of this machine.
    package var address: IPAddress
    /// 0 to 65535; 0 lets the kernel choose where something listens, and can't be connected to.
    package var port: UInt16
    /// The number of the interface that a link-local address (`fe80::1`) is reached by (RFC 4007);
    /// 0 for every other address.
    package var zone: UInt32

    /// Any address with any port.
    package init(_ address: IPAddress, _ port: UInt16, zone: UInt32 = 0) {
        self.address = address
        self.port = port
        self.zone = zone
    }

    /// The endpoint that `text` spells: `192.0.2.1:80`, `[2001:db8::1]:80`, `[fe80::1%eth0]:80`, or
    /// `:80` for every address of this machine. Nil when the host is a name, the zone is no
    /// interface of this machine, or the port is not 0 to 65535.
    package init?(_ text: String) {
        self.init(text[...])
    }

    /// The endpoint that a part of a text spells; see `init(_: String)`.
    package init?(_ text: Substring) {
        guard let parts = HostAndPort(text) else { return nil }
        if parts.host.isEmpty {
            self.init(.any, parts.port)
        } else {
            guard let (address, zone) = Zone.split(parts.host) else { return nil }
            self.init(address, parts.port, zone: zone)
        }
    }
}

extension Endpoint {
    /// Whether both cannot be listened on at once: one port other than 0, and one address, or one
    /// that stands for the other too.
    package func overlaps(_ other: Endpoint) -> Bool {
        guard port == other.port, port != 0 else { return false }
        return address == other.address || address.covers(other.address)
            || other.address.covers(address)
    }
}

extension IPAddress {
    /// Whether a listener on this address gets connections to `other` too.
    fileprivate func covers(_ other: IPAddress) -> Bool {
        if self == .any { return true }
        if case .v4(0) = self, case .v4 = other { return true }
        return false
    }
}

extension Endpoint: CustomStringConvertible, Comparable {
    /// `192.0.2.1:80` or `[2001:db8::1]:80`.
    package var description: String {
        switch address {
        case .v4: "\(address):\(port)"
        case .v6 where zone != 0: "[\(address)%\(Zone.name(of: zone))]:\(port)"
        case .v6: "[\(address)]:\(port)"
        }
    }

    /// By address, then by port.
    package static func < (left: Endpoint, right: Endpoint) -> Bool {
        (left.address, left.port, left.zone) < (right.address, right.port, right.zone)
    }
}

/// A host, by name or by address, and a port, not yet resolved: what an operator writes.
package struct HostAndPort: Hashable, Sendable {
    /// A name or an address without brackets; empty in `:80`.
    package var host: String
    /// 0 to 65535.
    package var port: UInt16

    /// A host that is known to be one, and a port.
    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Splits `host:port`, `[v6]:port` or `:port`; nil without a port of 0 to 65535, or when a bare
    /// IPv6 address leaves it unclear where the port begins.
    package init?(_ text: String) {
        self.init(text[...])
    }

    /// The host and port that a part of a text spells; see `init(_: String)`.
    package init?(_ text: Substring) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits)
        else { return nil }
        var host = text[..<colon]
        if host.first == "[" {
            guard host.last == "]" else { return nil }
            host = host.dropFirst().dropLast()
            guard host.contains(":") else { return nil }
        } else if host.contains(":") {
            return nil
        }
        self.host = String(host)
        self.port = port
    }
}
