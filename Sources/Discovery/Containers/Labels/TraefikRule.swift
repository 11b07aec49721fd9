// TraefikRule: the simple forms of Traefik's rules: `Host` and `PathPrefix`, joined by `&&` and
// `||`, without parentheses around parts. `&&` binds tighter, as with Traefik.
//
// | rule                                             | routes                                  |
// |--------------------------------------------------|-----------------------------------------|
// | Host(`a.example.com`)                            | a.example.com                           |
// | Host(`a.example.com`, `b.example.com`)           | both                                    |
// | Host(`a.example.com`) && PathPrefix(`/api`)      | a.example.com below /api                |
// | Host(`a.example.com`) || PathPrefix(`/api`)      | a.example.com, and /api of any host     |
// | Headers(…), HostRegexp(…), !Host(…), (… || …)    | refused: the error names it             |

/// Reads rules. Pure.
enum TraefikRule {
    /// Bytes that a rule may have.
    static let bytesMax = 8192

    /// Why a rule is refused: a clause.
    struct Failure: Error, Hashable {
        let reason: String
    }

    /// The routes that `rule` asks for; never empty.
    static func routes(_ rule: String) throws(Failure) -> [ContainerOffer.Route] {
        guard rule.utf8.count <= bytesMax else {
            throw Failure(reason: "it has more than \(bytesMax) bytes")
        }
        var reader = Reader(rest: rule[...])
        var routes: [ContainerOffer.Route] = []
        repeat {
            routes += try reader.conjunction()
            guard routes.count <= ContainerWishes.routesMax else {
                throw Failure(reason: "it makes more than \(ContainerWishes.routesMax) routes")
            }
        } while reader.skip("||")
        guard reader.isAtEnd else {
            throw Failure(reason: "found \(String(reader.rest).shown) behind what can be read")
        }
        return routes
    }

    private struct Reader {
        var rest: Substring

        var isAtEnd: Bool {
            mutating get {
                skipSpace()
                return rest.isEmpty
            }
        }

        private mutating func skipSpace() {
            rest = rest.drop { $0 == " " || $0 == "\t" || $0 == "\n" || $0 == "\r" || $0 == "\r\n" }
        }

        /// Whether `token` was next, and is skipped.
        mutating func skip(_ token: String) -> Bool {
            skipSpace()
            guard rest.hasPrefix(token) else { return false }
            rest = rest.dropFirst(token.count)
            return true
        }

        /// Conditions that must hold together, as the routes that they make.
        mutating func conjunction() throws(Failure) -> [ContainerOffer.Route] {
            var hosts: [String]?
            var prefixes: [String]?
            repeat {
                let (name, values) = try condition()
                switch name {
                case "Host" where hosts == nil: hosts = values
                case "PathPrefix" where prefixes == nil: prefixes = values
                case "Host", "PathPrefix":
                    throw Failure(reason: "\(name) stands there twice, which nothing can meet")
                default:
                    throw Failure(
                        reason: "it asks for \(name), and only Host and PathPrefix are supported")
                }
            } while skip("&&")
            var routes: [ContainerOffer.Route] = []
            for host in hosts.map({ $0.map(Optional.some) }) ?? [nil] {
                for prefix in prefixes.map({ $0.map(Optional.some) }) ?? [nil] {
                    routes.append(.init(host: host, pathPrefix: prefix))
                }
            }
            return routes
        }

        /// `Name(`value`, …)`.
        private mutating func condition() throws(Failure) -> (name: String, values: [String]) {
            skipSpace()
            let name = rest.prefix { $0.isLetter }
            guard !name.isEmpty else {
                let what = rest.isEmpty ? "nothing" : String(rest.prefix(1)).shown
                throw Failure(
                    reason: "found \(what), expected Host(`…`) or PathPrefix(`…`)"
                        + (rest.hasPrefix("(") ? "; parentheses are not supported" : ""))
            }
            rest = rest.dropFirst(name.count)
            guard skip("(") else { throw Failure(reason: "found no ( behind \(name)") }
            var values: [String] = []
            repeat { values.append(try value()) } while skip(",")
            guard skip(")") else { throw Failure(reason: "found no ) behind \(name)(") }
            return (String(name), values)
        }

        /// A text in backticks or double quotes.
        private mutating func value() throws(Failure) -> String {
            skipSpace()
            guard let quote = rest.first, quote == "`" || quote == "\"",
                let end = rest.dropFirst().firstIndex(of: quote)
            else { throw Failure(reason: "a value is not between ` and `") }
            let value = String(rest[rest.index(after: rest.startIndex)..<end])
            rest = rest[rest.index(after: end)...]
            guard !value.isEmpty else { throw Failure(reason: "a value is empty") }
            return value
        }
    }
}
