// RouteTable: all routes of a listener, compiled once, read by every worker at once.
//
// Which route is for a request does not depend on their order alone: the more a route says about
// host and path, the earlier it is looked at, as in Kubernetes' Gateway API. An exact host goes
// before a wildcard, a longer wildcard before a shorter one, all before routes of any host. Within
// a host an exact path goes before a prefix and a longer prefix before a shorter one; then more
// conditions before fewer, and at last the order in which they were written. When no route of the
// best host is for the request, those of the next are looked at.

package import Backends
package import HTTP1
internal import RateLimits

/// What is to be done with a request.
package enum RouteDecision: Sendable {
    /// This route is for it.
    case route(Route)
    /// No route is.
    case none
    /// Its path means different things to different servers.
    case ambiguousPath
}

/// Compiled routes. Immutable, any thread; a lookup allocates nothing.
package final class RouteTable: Sendable {
    /// The services that routes forward to, each once.
    package let services: [ServiceID]

    /// Whether it matters to any of the routes who the client is.
    package let asksWho: Bool
    /// Whether any of the routes has limits of bodies.
    package let limitsBodies: Bool
    /// Whether any of the routes lets clients in by a password.
    package let checksPasswords: Bool

    /// A host, or a wildcard, and where it stands.
    private let hosts: ByteIndex
    private let wildcards: ByteIndex
    private let hostCount: Int
    /// Labels of the longest wildcard: no more of a host's labels need be tried.
    private let wildcardLabelsMax: Int
    private let hasAnyHost: Bool
    private let inspectsPaths: Bool

    /// Scoped by host.
    private let exactPaths: ByteIndex
    private let prefixes: ByteIndex
    private let prefixBytesMax: Int
    /// By number of an exact path, and of a prefix: where its routes are in `candidates`.
    private let exactRoutes: [Range<Int32>]
    private let prefixRoutes: [Range<Int32>]
    /// By number of a prefix: the next shorter one of the same host that it begins with; -1 for
    /// none.
    private let shorterPrefix: [Int32]
    private let candidates: [Route]
    /// What has counted the requests of the routes that limit them.
    private let limits: [RouteRule.Match: [RateLimit]]
    /// Whether any of them has responses compressed.
    package let compresses: Bool

    /// Bits of `scope` that tell hosts, wildcards and any host apart.
    private static let anyHost: Int32 = 0

    /// Compiles `rules`, in the order in which they were written. The limits of routes that `old`
    /// has as well, for the same requests, go on with what they have counted.
    package init(_ rules: [RouteRule], keeping old: RouteTable? = nil) {
        var scopes: [HostPattern: Int32] = [.any: Self.anyHost]
        var hosts: [(scope: Int32, key: [UInt8])] = []
        var wildcards: [(scope: Int32, key: [UInt8])] = []
        var labelsMax = 0
        // Any host is scope 0, hosts follow from 1 on, wildcards after them.
        for rule in rules {
            if case .exact(let name) = rule.host.folded, scopes[rule.host.folded] == nil {
                hosts.append((0, Array(name.utf8)))
                scopes[rule.host.folded] = Int32(hosts.count)
            }
        }
        for rule in rules {
            if case .under(let name) = rule.host.folded, scopes[rule.host.folded] == nil {
                wildcards.append((0, Array(name.utf8)))
                scopes[rule.host.folded] = Int32(hosts.count + wildcards.count)
                labelsMax = max(labelsMax, name.utf8.count { $0 == 0x2E } + 1)
            }
        }
        self.hosts = ByteIndex(hosts, foldsCase: true)
        self.wildcards = ByteIndex(wildcards, foldsCase: true)
        hostCount = hosts.count
        wildcardLabelsMax = labelsMax
        hasAnyHost = rules.contains { $0.host == .any }
        // A service that is asked about requests may go by their paths as well.
        inspectsPaths = rules.contains { $0.path != .any || $0.auth != nil }

        var paths = PathGroups()
        var services = ServicePlaces()
        var limits: [RouteRule.Match: [RateLimit]] = [:]
        for rule in rules {
            let kept = rule.rates.isEmpty ? [] : old?.limits[rule.match] ?? []
            let route = Route(rule, keeping: kept) { services.place(of: $0) }
            if !route.rates.isEmpty { limits[rule.match] = route.rates }
            paths.add(route, scope: scopes[rule.host.folded] ?? Self.anyHost, rule.path)
        }
        self.services = services.services
        let compiled = paths.compiled()
        exactPaths = ByteIndex(compiled.exact.map { ($0.scope, $0.key) })
        prefixes = ByteIndex(compiled.prefix.map { ($0.scope, $0.key) })
        prefixBytesMax = compiled.prefix.map(\.key.count).max() ?? 0
        exactRoutes = compiled.exact.map(\.routes)
        prefixRoutes = compiled.prefix.map(\.routes)
        shorterPrefix = compiled.shorterPrefix
        candidates = compiled.candidates
        self.limits = limits
        limitsBodies = compiled.candidates.contains { $0.bodyLimits?.areSet == true }
        checksPasswords = compiled.candidates.contains { $0.passwords != nil }
        asksWho =
            !limits.isEmpty
            || compiled.candidates.contains { $0.access != nil || $0.maintenance != nil }
        compresses = candidates.contains { $0.compression != nil }
    }

    /// What is to be done with the request of `head`, parsed from `bytes`.
    package func decide(
        _ head: borrowing RequestHead, _ bytes: Span<UInt8>
    ) -> RouteDecision {
        let parts = RequestParts(head, bytes)
        if inspectsPaths, AmbiguousPath.isAmbiguous(bytes, parts.path) { return .ambiguousPath }
        if hostCount > 0 {
            let host = hosts.find(scope: 0, bytes, parts.host)
            if host >= 0, let route = route(scope: Int32(host + 1), head, bytes, parts) {
                return .route(route)
            }
        }
        if wildcardLabelsMax > 0, let route = wildcardRoute(head, bytes, parts) {
            return .route(route)
        }
        if hasAnyHost, let route = route(scope: Self.anyHost, head, bytes, parts) {
            return .route(route)
        }
        return .none
    }

    private func wildcardRoute(
        _ head: borrowing RequestHead, _ bytes: Span<UInt8>, _ parts: RequestParts
    ) -> Route? {
        // From the right as far as the longest wildcard goes, then back: the longest first.
        var start = parts.host.upperBound
        var labels = 0
        while start > parts.host.lowerBound {
            if bytes[start - 1] == 0x2E {
                labels += 1
                if labels == wildcardLabelsMax { break }
            }
            start -= 1
        }
        while start < parts.host.upperBound {
            // A wildcard stands for a label at least, so something must be in front of the dot.
            if start > parts.host.lowerBound + 1, bytes[start - 1] == 0x2E {
                let found = wildcards.find(scope: 0, bytes, start..<parts.host.upperBound)
                if found >= 0,
                    let route = route(scope: Int32(hostCount + found + 1), head, bytes, parts)
                {
                    return route
                }
            }
            start += 1
        }
        return nil
    }

    /// The best route of one host.
    private func route(
        scope: Int32, _ head: borrowing RequestHead, _ bytes: Span<UInt8>, _ parts: RequestParts
    ) -> Route? {
        let exact = exactPaths.find(scope: scope, bytes, parts.path)
        if exact >= 0, let route = first(of: exactRoutes[exact], head, bytes) { return route }

        // The longest prefix that ends where a segment ends; each of its own prefixes is linked.
        var hash = ByteHash(scope)
        var longest = prefixes.find(
            hash, scope: scope, bytes, parts.path.lowerBound..<parts.path.lowerBound)
        let end = min(parts.path.upperBound, parts.path.lowerBound + prefixBytesMax)
        var at = parts.path.lowerBound
        while at < end {
            hash.add(bytes[at])
            at += 1
            guard at == parts.path.upperBound || bytes[at] == 0x2F else { continue }
            let found = prefixes.find(hash, scope: scope, bytes, parts.path.lowerBound..<at)
            if found >= 0 { longest = found }
        }
        while longest >= 0 {
            if let route = first(of: prefixRoutes[longest], head, bytes) { return route }
            longest = Int(shorterPrefix[longest])
        }
        return nil
    }

    private func first(
        of range: Range<Int32>, _ head: borrowing RequestHead, _ bytes: Span<UInt8>
    ) -> Route? {
        for index in range where candidates[Int(index)].admits(head, bytes) {
            return candidates[Int(index)]
        }
        return nil
    }
}

/// Numbers services in the order in which they are met.
private struct ServicePlaces {
    private(set) var services: [ServiceID] = []
    private var places: [ServiceID: Int] = [:]

    mutating func place(of service: ServiceID) -> Int {
        if let place = places[service] { return place }
        places[service] = services.count
        services.append(service)
        return services.count - 1
    }
}

extension RouteRule {
    /// Which requests a rule is for.
    struct Match: Hashable {
        let host: HostPattern
        let path: PathPattern
        let methods: [String]
        let headers: [HeaderCondition]
    }

    /// Which requests it is for.
    var match: Match { Match(host: host.folded, path: path, methods: methods, headers: headers) }
}

extension HostPattern {
    /// In lower case, without the dot that a complete name may end with.
    var folded: HostPattern {
        func fold(_ name: String) -> String {
            let name = name.lowercased()
            return name.hasSuffix(".") ? String(name.dropLast()) : name
        }
        return switch self {
        case .any: .any
        case .exact(let name): .exact(fold(name))
        case .under(let name): .under(fold(name))
        }
    }
}
