// VirtualHost: nginx-proxy's variables: `VIRTUAL_HOST`, `VIRTUAL_PORT`, `VIRTUAL_PATH`.

enum VirtualHost {
    /// Reads the variables; whether there is a host.
    static func read(_ environment: [String: String], into wishes: inout ContainerWishes) -> Bool {
        guard let hosts = environment["VIRTUAL_HOST"]?.asList, !hosts.isEmpty else { return false }
        var offer = ContainerOffer()
        let path = environment["VIRTUAL_PATH"]?.trimmed ?? ""
        let prefix = path.isEmpty || path == "/" ? nil : path
        if let text = environment["VIRTUAL_PORT"]?.trimmed, !text.isEmpty {
            offer.port = UInt16(text).flatMap { $0 == 0 ? nil : $0 }
            if offer.port == nil {
                wishes.add(problem: "VIRTUAL_PORT: found \(text.shown), expected a port")
            }
        }
        defer { wishes.offers = [offer] }
        if let refusal = refusal(environment) {
            wishes.add(problem: "\(refusal), so it has no route")
            return true
        }
        for host in hosts.prefix(ContainerWishes.routesMax) {
            if host.hasPrefix("~") {
                wishes.add(
                    problem: "VIRTUAL_HOST: \(host.shown) is a regular expression, which is not "
                        + "supported")
            } else if host.hasSuffix(".*") {
                wishes.add(
                    problem: "VIRTUAL_HOST: \(host.shown) has its * at the end, expected *.NAME")
            } else {
                offer.routes.append(.init(host: host, pathPrefix: prefix))
            }
        }
        return true
    }

    /// What is asked for and can't be had; nil for nothing.
    private static func refusal(_ environment: [String: String]) -> String? {
        if let scheme = environment["VIRTUAL_PROTO"]?.trimmed, !["", "http"].contains(scheme) {
            return "VIRTUAL_PROTO: \(scheme.shown) is not supported"
        }
        if let path = environment["VIRTUAL_DEST"]?.trimmed, !path.isEmpty {
            return "VIRTUAL_DEST: another path for the container is not supported"
        }
        return nil
    }
}
