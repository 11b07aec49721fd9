// A query as text again: as the operator would write it, and as Consul's API takes it.

extension ConsulServiceQuery: CustomStringConvertible {
    /// The query in the form that `init` reads, which gives the same value again, in an order of
    /// its own: `web?dc=dc2&tag=v1&passing`.
    package var description: String { text(isPassingOnly: isPassingOnly) }

    /// The query without `passing`, for a display that says it in another way.
    package var descriptionWithoutPassing: String {
        text(isPassingOnly: false)
    }

    private func text(isPassingOnly: Bool) -> String {
        let name: String
        switch subject {
        case .service(let service): name = PercentEncoding.encode(service)
        case .preparedQuery(let query): name = "query/\(PercentEncoding.encode(query))"
        }
        let parameters = parameters(isPassingOnly: isPassingOnly)
        return parameters.isEmpty ? name : "\(name)?\(parameters)"
    }

    /// The path and query of a request for it.
    package var requestTarget: String {
        let path: String
        switch subject {
        case .service(let service): path = "/v1/health/service/\(PercentEncoding.encode(service))"
        case .preparedQuery(let query): path = "/v1/query/\(PercentEncoding.encode(query))/execute"
        }
        let parameters = parameters(isPassingOnly: isPassingOnly)
        return parameters.isEmpty ? path : "\(path)?\(parameters)"
    }

    private func parameters(isPassingOnly: Bool) -> String {
        var parts: [String] = []
        func add(_ parameter: ConsulParameter, _ value: String?) {
            guard let value else { return }
            parts.append("\(parameter.rawValue)=\(PercentEncoding.encode(value))")
        }
        add(.datacenter, datacenter)
        for tag in tags { add(.tag, tag) }
        if isPassingOnly { parts.append(ConsulParameter.passing.rawValue) }
        add(.near, near)
        add(.filter, filter)
        for pair in nodeMeta { add(.nodeMeta, pair) }
        add(.namespace, namespace)
        add(.partition, partition)
        add(.peer, peer)
        return parts.joined(separator: "&")
    }
}
