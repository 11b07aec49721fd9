// The kinds of value that are about Docker.

internal import DockerAPI
internal import Documents
internal import Endpoints
internal import Wording

extension ValueKind where Value == Target {
    /// Where an engine listens, as its own programs write it.
    static var engineHost: Self {
        Self(
            "`unix://` and a path, or `tcp://` and an address and port",
            write: { target in
                switch target {
                case .unix(let path): "unix://\(path)"
                case .endpoint(let endpoint): "tcp://\(endpoint)"
                }
            }
        ) { (text) throws(Unexpected) in
            var place = text
            for scheme in ["tcp://", "http://"] where text.hasPrefix(scheme) {
                place = String(text.dropFirst(scheme.count))
                if place.last == "/" { place.removeLast() }
            }
            do throws(TargetError) {
                return try Target(place)
            } catch {
                throw Unexpected(
                    expected: "unix:///var/run/docker.sock or tcp://ADDRESS:PORT such as "
                        + "tcp://127.0.0.1:2375")
            }
        }
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
