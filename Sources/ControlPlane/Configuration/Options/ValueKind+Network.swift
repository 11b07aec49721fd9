// The kinds of value that name something on the network. What ends up in a request or a question is
// checked here byte by byte, so that nothing written in a file can split a header or a packet.

internal import Endpoints
internal import Wording

extension ValueKind where Value == Place {
    /// Where to listen; `:PORT` means every address, port 0 any free port.
    static var listenAddress: Self {
        place(expected: "an address with a port, such as :8080 or 127.0.0.1:8080") { Endpoint($0) }
    }

    /// A nameserver, on port 53 unless told.
    static var nameserver: Self {
        place(
            port: 53, expected: "a nameserver's address, such as 127.0.0.1:8600 or 10.0.0.2"
        ) { $0.endpoint }
    }

    /// An address with a port, or a host name with one; with `port` it may be left out.
    static func place(
        port: UInt16? = nil, expected: String,
        endpoint: @escaping @Sendable (String) -> Endpoint?
    ) -> Self {
        Self("address or host name, with a port", write: { $0.description }) {
            (text) throws(Unexpected) in
            guard let place = Place(text, port: port, endpoint: endpoint) else {
                throw Unexpected(expected: expected)
            }
            return place
        }
    }
}

extension Place {
    /// Where something is to listen: `127.0.0.1:80`, `:80` or `web:80`. Nil for anything else.
    package init?(listening text: String) {
        self.init(text, port: nil) { Endpoint($0) }
    }

    /// Where something is to be reached: `127.0.0.1:80` or `web:80`. Nil for anything else.
    package init?(reachable text: String) {
        self.init(text, port: nil) { $0.endpoint }
    }

    /// What `text` spells: an address as `endpoint` reads it, an address alone on `port`, or a host
    /// name with a port, or alone on `port`. Nil for anything else.
    init?(_ text: String, port: UInt16?, endpoint: (String) -> Endpoint?) {
        if let endpoint = endpoint(text) {
            self = .endpoint(endpoint)
        } else if let port, let (address, zone) = Zone.split(text), address != .any {
            self = .endpoint(Endpoint(address, port, zone: zone))
        } else if let name = HostAndPort(text), name.port > 0, isHostToLookUp(name.host) {
            self = .name(name)
        } else if let port, isHostToLookUp(text) {
            self = .name(HostAndPort(host: text, port: port))
        } else {
            return nil
        }
    }
}

extension String {
    /// The endpoint that it spells, if something can be sent there; nil for none.
    var endpoint: Endpoint? {
        Endpoint(self).flatMap { $0.address.isWildcard || $0.port == 0 ? nil : $0 }
    }
}

extension ValueKind where Value == IPNetwork {
    /// A range of addresses, or one address.
    static var network: Self {
        Self("network", write: { $0.description }) { (text) throws(Unexpected) in
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            let bits = parts.count == 2 ? Units.digits(parts[1]) : nil
            guard parts.count <= 2, let address = IPAddress(parts[0]),
                parts.count == 1 || bits != nil,
                let network = IPNetwork(containing: address, prefix: bits ?? address.bitWidth)
            else {
                throw Unexpected(expected: "a network, such as 10.0.0.0/8, or an address")
            }
            guard network.address == address else {
                throw Unexpected(
                    expected: "a network's first address: \(network), or \(address)")
            }
            return network
        }
    }
}

extension ValueKind where Value == HostAndPort {
    /// A backend's name or address, and a port other than 0.
    static var backendAddress: Self {
        Self(
            "HOST:PORT",
            write: { $0.description }
        ) { (text) throws(Unexpected) in
            guard let address = HostAndPort(text), address.port > 0,
                IPAddress(address.host) != nil || isHostToLookUp(address.host)
            else {
                throw Unexpected(expected: "HOST:PORT, such as 10.0.0.1:8080 or db.internal:5432")
            }
            return address
        }
    }
}

extension ValueKind where Value == String {
    /// What an operator calls a listener or a service; it becomes a label of metrics.
    static var name: Self {
        Self("name", write: { $0 }) { (text) throws(Unexpected) in
            guard isName(text) else {
                throw Unexpected(expected: "a name of 1 to 63 letters, digits, dots, - or _")
            }
            return text
        }
    }

    /// A name to ask SRV records of (RFC 2782; a Consul name without `_service._proto` too). At
    /// least two labels: one alone is a service's name in the wrong place.
    static var srvName: Self {
        Self("DNS name", write: { $0 }) { (text) throws(Unexpected) in
            let name = text.hasSuffix(".") ? String(text.dropLast()) : text
            guard isHostName(name), name.contains(".") else {
                throw Unexpected(expected: "a DNS name, such as _web._tcp.service.consul")
            }
            return name
        }
    }

    /// The path of a file.
    static var filePath: Self {
        Self("path", write: { $0 }) { (text) throws(Unexpected) in
            guard !text.isEmpty, text.utf8.count <= 4095, !text.utf8.contains(0) else {
                throw Unexpected(expected: "the path of a file")
            }
            return text
        }
    }

    /// A user of the machine.
    static var userName: Self {
        Self("user", write: { $0 }) { (text) throws(Unexpected) in
            guard (1...32).contains(text.utf8.count), text.utf8.allSatisfy(isNameByte),
                text.first != "-"
            else { throw Unexpected(expected: "a user's name or number") }
            return text
        }
    }

    /// A request's path and query (RFC 9112, section 3.2.1), without a fragment.
    static var urlPath: Self {
        Self("path", write: { $0 }) { (text) throws(Unexpected) in
            guard text.first == "/", text.utf8.count <= 1024, isVisible(text),
                !text.utf8.contains(UInt8(ascii: "#"))
            else { throw Unexpected(expected: "a path that starts with /, such as /health") }
            return text
        }
    }

    /// A Host header (RFC 9110, section 7.2).
    static var hostHeader: Self {
        Self("host", write: { $0 }) { (text) throws(Unexpected) in
            let host = HostAndPort(text)?.host ?? text
            // A bare IPv6 address is no Host header: it needs brackets.
            let isBareV6 = host == text && text.contains(":")
            guard !isBareV6, IPAddress(host) != nil || isHostName(host) else {
                throw Unexpected(expected: "a host, such as web.internal or web.internal:8080")
            }
            return text
        }
    }
}

extension ValueKind where Value == ClosedRange<Int> {
    /// HTTP statuses: one, or first and last.
    static var statusRange: Self {
        Self("status or range of them", write: { "\($0.lowerBound)-\($0.upperBound)" }) {
            (text) throws(Unexpected) in
            let bounds = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
                .map { Units.digits($0) ?? 0 }
            guard let first = bounds.first, let last = bounds.last, first <= last,
                (100...599).contains(first), (100...599).contains(last)
            else {
                throw Unexpected(expected: "a status or a range of them, such as 200 or 200-399")
            }
            return first...last
        }
    }
}

/// Whether `text` may name a listener or a service.
func isName(_ text: String) -> Bool {
    (1...63).contains(text.utf8.count) && text.utf8.allSatisfy { isNameByte($0) || $0 == 0x2e }
}

/// Whether `text` is a DNS name of letters, digits, `-` and `_` in labels of 1 to 63 bytes (RFC
/// 1035, section 2.3.1, with RFC 2782's underscores). One whose last label is a number is a
/// mistyped IPv4 address.
func isHostName(_ text: String) -> Bool {
    let labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard text.utf8.count <= ConfigurationLimits.nameBytesMax, let last = labels.last else {
        return false
    }
    return labels.allSatisfy { (1...63).contains($0.count) && $0.allSatisfy(isNameByte) }
        && !last.allSatisfy { (0x30...0x39).contains($0) }
}

/// Whether `text` names a host to look up: a host name, with a final dot when it is absolute.
func isHostToLookUp(_ text: String) -> Bool {
    isHostName(text.hasSuffix(".") ? String(text.dropLast()) : text)
}

private func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "-"), UInt8(ascii: "_"): true
    default: false
    }
}

/// Whether `text` has only visible ASCII characters.
func isVisible(_ text: String) -> Bool {
    text.utf8.allSatisfy { (0x21...0x7e).contains($0) }
}
