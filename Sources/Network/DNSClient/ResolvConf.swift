// ResolvConf: what resolv.conf(5) says, read as libc reads it, so that a name which works beside
// Fairlead works in it. Pure; lines of a hostile file are skipped.
//
// | line                  | what is taken of it                                             |
// |-----------------------|-----------------------------------------------------------------|
// | `nameserver ADDRESS`  | the first three; a zone (`fe80::1%eth0`) is kept                 |
// | `search A B`          | the last such line, up to 32 domains (what Kubernetes allows)    |
// | `domain A`            | the same with one domain                                        |
// | `options ndots:N`     | 0 to 15, more is 15                                             |
// | `options timeout:N`   | 1 to 30 s, more is 30                                           |
// | `options attempts:N`  | 1 to 5, more is 5                                               |
// | `options use-vc`      | TCP from the start                                              |

package import DNSWire
package import Endpoints

/// What a resolv.conf says. Value type, any thread.
package struct ResolvConf: Equatable, Sendable {
    /// A nameserver as it is written there.
    package struct Server: Equatable, Sendable {
        /// Its address.
        package let address: IPAddress
        /// The name or number of the interface behind the `%` of a link-local address; nil for
        /// none.
        package let zone: String?
    }

    /// At most three, in the order of the file; empty when it names none.
    package private(set) var servers: [Server] = []
    /// How names without a final dot are completed.
    package private(set) var search = SearchList()
    /// How long one server has for one answer, 1 to 30 s; nil when nothing is said.
    package private(set) var timeout: Duration?
    /// How often each server is asked, 1 to 5; nil when nothing is said.
    package private(set) var attempts: Int?
    /// Whether questions go over TCP from the start.
    package private(set) var usesTCP = false

    /// libc's own limit (MAXNS): programs have never used what stands after the third line.
    private static let serversMax = 3

    /// What an absent file stands for: a nameserver on this machine, and no search list.
    package init() {}

    /// Reads `text`; lines that say nothing known are skipped, as libc does.
    package init(_ text: String) {
        // One grapheme can be a CR and an LF together: split by bytes.
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
            let words = line.split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }
                .map { (start: $0.startIndex, text: String(Substring($0))) }
            // libc does not read indented lines either.
            guard words.count >= 2, words[0].start == line.startIndex else { continue }
            let values = words.dropFirst().map(\.text)
            switch words[0].text {
            case "nameserver": addServer(values[0])
            case "search": search.domains = SearchList.domains(values)
            case "domain": search.domains = SearchList.domains([values[0]])
            case "options": for option in values { parse(option) }
            default: continue
            }
        }
    }

    /// Where to ask: `servers` on port 53, except those whose zone is no interface of this machine.
    /// Without any it is this machine's own, 127.0.0.1, as resolv.conf(5) says.
    package func endpoints(
        zone number: (String) -> UInt32? = { Zone.number(of: $0) }
    ) -> [Endpoint] {
        let endpoints = servers.compactMap { server -> Endpoint? in
            guard let name = server.zone else { return Endpoint(server.address, 53) }
            return number(name).map { Endpoint(server.address, 53, zone: $0) }
        }
        return endpoints.isEmpty ? [Endpoint(.loopback, 53)] : endpoints
    }

    private mutating func addServer(_ text: String) {
        let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        guard servers.count < Self.serversMax, let address = parts.first.flatMap({ IPAddress($0) }),
            parts.count == 1 || address.isLinkLocal
        else { return }
        servers.append(Server(address: address, zone: parts.count == 2 ? String(parts[1]) : nil))
    }

    private mutating func parse(_ option: String) {
        if option == "use-vc" { usesTCP = true }
        let parts = option.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return
        }
        // More digits than a number has are more than any bound.
        let number = Int(parts[1]) ?? .max
        switch parts[0] {
        case "ndots": search.ndots = min(number, 15)
        case "timeout": if number > 0 { timeout = .seconds(min(number, 30)) }
        case "attempts": if number > 0 { attempts = min(number, 5) }
        default: break
        }
    }
}

/// How names that are not written with a final dot are completed. Value type, any thread.
package struct SearchList: Equatable, Sendable {
    /// Domains to try a name in, in this order; at most 32.
    package var domains: [DomainName] = []
    /// A name with so many dots, 0 to 15, is tried as it stands first; one with fewer is tried so
    /// last.
    package var ndots = 1

    /// What Kubernetes allows; libc has no limit.
    private static let domainsMax = 32

    /// No domains: each name is taken as it stands.
    package init() {}

    /// The domains that `texts` spell, without those that are no names, and the root.
    static func domains(_ texts: [String]) -> [DomainName] {
        texts.prefix(domainsMax).compactMap { try? DomainName($0) }.filter { !$0.isRoot }
    }

    /// The names to ask for in the place of `host`, in this order; at least one, each once.
    package func candidates(for host: HostName) -> [DomainName] {
        guard !host.isAbsolute, !domains.isEmpty else { return [host.name] }
        let completed = domains.compactMap { try? DomainName("\(host.name)\($0)") }
        let all =
            host.name.labels.count > ndots ? [host.name] + completed : completed + [host.name]
        var seen: Set<DomainName> = []
        return all.filter { seen.insert($0).inserted }
    }
}
