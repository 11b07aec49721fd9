// The kinds of value that are about Docker.

internal import DockerAPI
internal import Documents
internal import Endpoints
internal import Wording

extension ValueKind where Value == RegistryPlace {
    /// Where an engine listens, as its own programs write it: over TCP, on port 2375 unless told,
    /// or on a socket of this machine.
    static var engineHost: Self {
        Self(
            "`unix://` and a path, or `tcp://` and an address or host name",
            write: { engine in
                if case .target(.unix(let path)) = engine.place { return "unix://\(path)" }
                return "\(engine.scheme?.rawValue ?? "tcp")://\(engine.place)"
            }
        ) { (text) throws(Unexpected) in
            if text.hasPrefix("unix:") {
                do throws(TargetError) {
                    return RegistryPlace(.target(try Target(text)))
                } catch {
                    throw Unexpected(expected: "", sentence: error.description)
                }
            }
            if let objection = engineObjection(to: text) { throw objection }
            guard let engine = RegistryPlace(text, port: 2375, prefix: "tcp://") else {
                throw Unexpected(
                    expected: "unix:///var/run/docker.sock or tcp://HOST:PORT such as "
                        + "tcp://docker:2375")
            }
            return engine
        }
    }

    /// Why an engine is not asked in the way that `text` says; nil when its scheme is one of ours.
    private static func engineObjection(to text: String) -> Unexpected? {
        let way: String
        switch text.lowercased().prefix(while: { $0 != ":" }) {
        case "ssh": way = "Docker's engine is not asked over SSH"
        case "fd", "npipe": way = "this is how an engine listens"
        default: return nil
        }
        return Unexpected(
            expected: "",
            sentence: "found \(quoted(text)): \(way); expected unix:///var/run/docker.sock or "
                + "tcp://HOST:PORT such as tcp://docker:2375")
    }
}

extension ValueKind where Value == [DockerPart] {
    /// Which containers: a query, or a mapping of its parts.
    static var dockerQuery: Self {
        var kind = list(of: part, countMax: DockerQuery.labelsMax)
        kind.takesMapping = true
        return kind
    }

    private static var part: ValueKind<DockerPart> {
        ValueKind<DockerPart>("query of containers", write: { $0.text }) {
            (text) throws(Unexpected) in
            // A mapping comes as a line for each of its parts.
            guard let sign = text.firstIndex(of: ":"), text[sign...].hasPrefix(": ") else {
                do throws(DockerQueryError) {
                    return .query(try DockerQuery(text))
                } catch {
                    throw Unexpected(expected: "", sentence: error.description)
                }
            }
            let key = String(text[..<sign])
            let value = String(text[sign...].dropFirst(2))
            let known = ["service", "label", "network", "port"]
            guard known.contains(key) else {
                let hint = nearest(to: key, among: known) ?? "one of: service, label, network, port"
                throw Unexpected(
                    expected: "", sentence: "unknown key \(quoted(key)), expected \(hint)")
            }
            return .parameter(key: key, value: value)
        }
    }
}

/// What is written of a query: all of it, or one part.
enum DockerPart: Hashable, Sendable {
    case query(DockerQuery)
    case parameter(key: String, value: String)

    /// The text of a part, as an item of a list.
    var text: String {
        switch self {
        case .query(let query): query.description
        case .parameter(let key, let value): "\(key): \(value)"
        }
    }
}

extension DockerQuery {
    /// The query that these parts are together; nil for none.
    ///
    /// - Throws: `DockerQueryError`, as for any query.
    init?(_ parts: [DockerPart]) throws(DockerQueryError) {
        guard !parts.isEmpty else { return nil }
        if case .query(let query) = parts[0], parts.count == 1 {
            self = query
            return
        }
        var service = ""
        var parameters: [String] = []
        for part in parts {
            switch part {
            case .query: throw DockerQueryError("found several queries, expected one query")
            case .parameter("service", let value): service = value
            case .parameter(let key, let value): parameters.append("\(key)=\(value)")
            }
        }
        let tail = parameters.isEmpty ? "" : "?" + parameters.joined(separator: "&")
        try self.init(service + tail)
    }
}
