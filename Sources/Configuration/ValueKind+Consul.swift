// The kinds of value that are about Consul.

internal import ConsulQuery
internal import Endpoints

extension ValueKind where Value == ConsulServiceQuery {
    /// A service or prepared query with its parameters.
    static var consulQuery: Self {
        Self("service in Consul, with parameters", write: { $0.description }) {
            (text) throws(Unexpected) in
            do throws(ConsulQueryError) {
                return try ConsulServiceQuery(text)
            } catch {
                throw Unexpected(expected: "", sentence: error.description)
            }
        }
    }
}

extension ValueKind where Value == AgentAddress {
    /// Where an agent listens: over TCP, on port 8500 unless told, or on a socket of this machine.
    static var agentAddress: Self {
        Self(
            "address, or `unix:` and a path",
            write: { address in
                switch address {
                case .endpoint(let endpoint): endpoint.description
                case .unix(let path): "unix:\(path)"
                }
            }
        ) { (text) throws(Unexpected) in
            if text.hasPrefix("unix:") {
                let path = text.dropFirst("unix:".count).drop { $0 == "/" }
                // What a sockaddr_un has room for, without its NUL.
                guard !path.isEmpty, path.utf8.count + 1 <= 107, !path.utf8.contains(0) else {
                    throw Unexpected(expected: "unix: and a path of at most 107 bytes")
                }
                return .unix("/\(path)")
            }
            if let address = IPAddress(text) { return .endpoint(Endpoint(address, 8500)) }
            guard let endpoint = Endpoint(text), endpoint.address != .any, endpoint.port > 0 else {
                throw Unexpected(
                    expected: "an agent's address, such as 127.0.0.1:8500 or unix:/run/consul.sock")
            }
            return .endpoint(endpoint)
        }
    }
}

extension ValueKind where Value == String {
    /// A secret of visible ASCII characters, as a header's value can hold it.
    static var token: Self {
        var kind = Self("text", write: { _ in "(secret)" }) { (text) throws(Unexpected) in
            guard !text.isEmpty, text.utf8.count <= 4096,
                text.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
            else { throw Unexpected(expected: "a token of visible ASCII characters") }
            return text
        }
        kind.isSecret = true
        return kind
    }

    /// A prefix of keys, with the slash at its end that keeps `fairlead` apart from `fairlead2`.
    static var keyPrefix: Self {
        Self("prefix of keys", write: { $0 }) { (text) throws(Unexpected) in
            let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
            guard text.first != "/", text.last == "/", isPlain, text.utf8.count <= 512 else {
                throw Unexpected(expected: "a prefix that ends in a slash, such as fairlead/")
            }
            return text
        }
    }

    /// What others call a host: a name or an address.
    static var host: Self {
        Self("host", write: { $0 }) { (text) throws(Unexpected) in
            guard IPAddress(text) != nil || isHostName(text) else {
                throw Unexpected(expected: "a name or an address, such as 10.0.0.7")
            }
            return text
        }
    }

    /// A tag of a service.
    static var tag: Self {
        Self("tag", write: { $0 }) { (text) throws(Unexpected) in
            let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
            guard !text.isEmpty, isPlain, text.utf8.count <= 255 else {
                throw Unexpected(expected: "a tag of up to 255 characters, on one line")
            }
            return text
        }
    }
}
