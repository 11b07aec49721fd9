// ConsulServiceQuery: which instances an operator wants from Consul, in the words of Consul's API:
// `web?dc=dc2&tag=v1&passing`. A pure module of its own, so that the configuration is validated by
// the same code that the source asks with, without importing it.

/// A question for the instances of a service. Value type, any thread.
package struct ConsulServiceQuery: Hashable, Sendable {
    /// What is asked for.
    package enum Subject: Hashable, Sendable {
        /// A service by its name: `web`.
        case service(String)
        /// A prepared query by its name or id: `query/web`. It can't be waited on, only repeated.
        case preparedQuery(String)
    }

    /// The service or prepared query; its name is not empty.
    package let subject: Subject
    /// The datacentre to ask; nil for the one that the agent is configured with.
    package private(set) var datacenter: String?
    /// Tags that an instance must all have.
    package private(set) var tags: [String] = []
    /// Whether instances with a warning are left out too; those that are critical always are.
    package private(set) var isPassingOnly = false
    /// Where the answer is sorted by distance from: `_agent` or a node's name; nil for nowhere.
    package private(set) var near: String?
    /// An expression in Consul's filter language; nil for none.
    package private(set) var filter: String?
    /// `key:value` pairs that the instance's node must all have.
    package private(set) var nodeMeta: [String] = []
    /// The namespace (Consul Enterprise); nil for the token's own.
    package private(set) var namespace: String?
    /// The admin partition (Consul Enterprise); nil for the agent's own.
    package private(set) var partition: String?
    /// The cluster peer that the service was imported from; nil for this cluster.
    package private(set) var peer: String?

    /// Bytes that the text of a query may have.
    static let textBytesMax = 4096

    /// Reads `NAME?parameters` or `query/NAME?parameters`, with or without `consul://` before it.
    ///
    /// Bytes may be percent-encoded or, but for `%` and `&` (and `?`, `/` in a name), stand for
    /// themselves: `filter=Service.Meta.tier == "gold"` is as good as its encoded form. A `+` is a
    /// plus. `tag` and `node-meta` may be repeated, the others not.
    ///
    /// - Throws: `ConsulQueryError` that says what was found and what was expected.
    package init(_ text: String) throws(ConsulQueryError) {
        guard text.utf8.count <= Self.textBytesMax else {
            throw ConsulQueryError(
                "found \(text.utf8.count) bytes, expected at most \(Self.textBytesMax)")
        }
        var rest = text[...]
        if rest.hasPrefix("consul://") { rest = rest.dropFirst("consul://".count) }
        let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let name = parts.first ?? ""
        if name.hasPrefix("query/") {
            subject = .preparedQuery(try Self.name(name.dropFirst("query/".count), in: text))
        } else {
            subject = .service(try Self.name(name, in: text))
        }
        guard parts.count > 1, !parts[1].isEmpty else { return }
        var seen: Set<ConsulParameter> = []
        for part in parts[1].split(separator: "&", omittingEmptySubsequences: false) {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = pair.count > 1 ? try PercentEncoding.decode(pair[1]) : ""
            let key = try PercentEncoding.decode(pair.first ?? "")
            let parameter = try parameter(key)
            guard seen.insert(parameter).inserted || parameter.mayRepeat else {
                throw ConsulQueryError(
                    "found the parameter \(key) twice, expected it at most once")
            }
            try set(parameter, to: value)
        }
    }

    private static func name(
        _ encoded: Substring, in text: String
    ) throws(ConsulQueryError) -> String {
        guard !encoded.contains("/") else {
            throw ConsulQueryError(
                "found a / in the name of \"\(text)\", expected NAME or query/NAME; "
                    + "a / of the name itself is written %2F")
        }
        let name = try PercentEncoding.decode(encoded)
        guard name != ".", name != ".." else {
            throw ConsulQueryError("found the name \(name), which a path can't have")
        }
        guard !name.isEmpty else {
            throw ConsulQueryError(
                "found no name in \"\(text)\", expected NAME or query/NAME, "
                    + "and parameters behind a ?")
        }
        return name
    }

    private func parameter(_ key: String) throws(ConsulQueryError) -> ConsulParameter {
        let known: [ConsulParameter]
        switch subject {
        case .service: known = ConsulParameter.allCases
        case .preparedQuery: known = ConsulParameter.ofPreparedQueries
        }
        guard let parameter = ConsulParameter(rawValue: key), known.contains(parameter) else {
            let names = known.map(\.rawValue).joined(separator: ", ")
            let subject =
                switch subject {
                case .service: "a service"
                case .preparedQuery: "a prepared query"
                }
            throw ConsulQueryError(
                "found the parameter \"\(key)\", expected one of \(subject): \(names)")
        }
        return parameter
    }

    private mutating func set(
        _ parameter: ConsulParameter, to value: String
    ) throws(ConsulQueryError) {
        if parameter == .passing {
            switch value {
            case "", "true", "1": isPassingOnly = true
            case "false", "0": isPassingOnly = false
            default:
                throw ConsulQueryError(
                    "found passing=\(value), expected passing alone, true or false")
            }
            return
        }
        guard !value.isEmpty else {
            throw ConsulQueryError(
                "found \(parameter.rawValue) without a value, expected \(parameter.rawValue)=…")
        }
        switch parameter {
        case .passing: break
        case .datacenter: datacenter = value
        case .tag: tags.append(value)
        case .near: near = value
        case .filter: filter = value
        case .nodeMeta:
            guard let colon = value.firstIndex(of: ":"), colon != value.startIndex else {
                throw ConsulQueryError("found node-meta=\(value), expected node-meta=KEY:VALUE")
            }
            nodeMeta.append(value)
        case .namespace: namespace = value
        case .partition: partition = value
        case .peer: peer = value
        }
    }
}

/// The parameters that an operator may write, by Consul's own names.
enum ConsulParameter: String, CaseIterable {
    case datacenter = "dc"
    case tag
    case passing
    case near
    case filter
    case nodeMeta = "node-meta"
    case namespace = "ns"
    case partition
    case peer

    /// The rest is part of the prepared query's own definition.
    static let ofPreparedQueries: [ConsulParameter] = [.datacenter, .near, .namespace, .partition]

    var mayRepeat: Bool { self == .tag || self == .nodeMeta }
}

/// Why a text is no query: a phrase that says what was found and what was expected. Any thread.
package struct ConsulQueryError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The phrase, without a full stop.
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
