// The kinds of value that are about Consul.

internal import ConsulQuery
internal import Documents
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

extension ValueKind where Value == RegistryPlace {
    /// Where an agent listens: over TCP, on port 8500 unless told, or on a socket of this machine.
    static var agent: Self {
        Self(
            "address or host name, `http://` or `https://` and one of these, or `unix:` and a path",
            write: { agent in
                agent.scheme == .http && !agent.isSecure ? "http://\(agent)" : "\(agent)"
            }
        ) { (text) throws(Unexpected) in
            if text.hasPrefix("unix:") {
                do throws(TargetError) {
                    return RegistryPlace(.target(try Target(text)))
                } catch {
                    throw Unexpected(expected: "", sentence: error.description)
                }
            }
            guard let agent = RegistryPlace(text, port: 8500) else {
                throw Unexpected(
                    expected: "HOST:PORT such as 127.0.0.1:8500 or consul:8500, "
                        + "https://HOST:PORT, or unix:/PATH")
            }
            return agent
        }
    }
}

extension ValueKind where Value == IPAddress {
    /// An address of one host.
    static var address: Self {
        Self("address", write: { $0.description }) { (text) throws(Unexpected) in
            guard let address = IPAddress(text), address != .any else {
                throw Unexpected(expected: "an address, such as 10.0.0.7")
            }
            return address
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
            guard text.last == "/" else {
                throw Unexpected(expected: "a prefix that ends in a slash, such as fairlead/")
            }
            return try checkedPrefix(text)
        }
    }

    private static func checkedPrefix(_ text: String) throws(Unexpected) -> String {
        do throws(ConsulQueryError) {
            return try ConsulKeyPrefix(text).text
        } catch {
            throw Unexpected(expected: "", sentence: error.description)
        }
    }

    /// A key of the K/V store that has secrets.
    static var secretKey: Self {
        Self("key", write: { $0 }) { (text) throws(Unexpected) in
            let end = text.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
            guard isPlainKey(text), !["", ".", ".."].contains(end) else {
                throw Unexpected(
                    expected: "a key of letters, digits and - _ . /, such as "
                        + "fairlead-secrets/ticket-keys")
            }
            return try checkedPrefix(text)
        }
    }

    /// A prefix of keys of the K/V store that have secrets.
    static var secretPrefix: Self {
        Self("prefix of keys", write: { $0 }) { (text) throws(Unexpected) in
            guard isPlainKey(text), text.last == "/" else {
                throw Unexpected(
                    expected: "a prefix of letters, digits and - _ . / that ends in a slash, such "
                        + "as fairlead-certificates/")
            }
            return try checkedPrefix(text)
        }
    }

    /// Whether `text` has only characters that every version of Consul takes in a key.
    private static func isPlainKey(_ text: String) -> Bool {
        text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            default: "-_./".utf8.contains(byte)
            }
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
