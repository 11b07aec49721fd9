// Fairlead beside an engine: both on one machine of the test's own, and who answers there.

internal import TestSupport

/// Runs a test with an engine, which may listen by TLS, and with this thread in its network.
func withEngine(
    _ pair: TestAuthority.Pair? = nil, of authority: TestAuthority? = nil,
    _ test: (Stage, DockerEngine) throws -> Void
) throws {
    let engine = try DockerEngine(pair, of: authority)
    try engine.machine.inside {
        try withStage { stage in try test(stage, engine) }
    }
}

extension Stage {
    /// Fairlead without a file, which follows an engine.
    func fairlead(following engine: DockerEngine) throws -> Fairlead {
        try fairlead([], environment: engine.environment.merging(["FAIRLEAD_DOCKER": "on"]) { $1 })
    }
}

extension Fairlead {
    /// One request for a host, on a connection of its own.
    func ask(_ host: String) throws -> HTTPResponse {
        try HTTPConnection(port: port, host: host)
            .request("GET", "/index.html", headers: ["Connection: close"])
    }

    /// The containers that answer so many requests for a host.
    /// - Throws: on any status but 200.
    func answers(to host: String, _ requests: Int) throws -> Set<String> {
        Set(
            try (0..<requests).map { _ in
                let response = try ask(host)
                guard response.status == 200 else {
                    throw FlowError("status \(response.status): \(response.body)")
                }
                return response.body.filter { $0 != "\n" }
            })
    }

    /// Asks until all of these containers answer, and no other does.
    func waitForAnswers(to host: String, by containers: Set<String>) throws {
        var last: Set<String> = []
        try waitFor("\(containers) to answer; last were \(last):\n\(process.transcript)") {
            last = (try? answers(to: host, 3 * containers.count)) ?? []
            return last == containers ? () : nil
        }
    }

    /// Clients that ask for a host, each request on a connection of its own, 5 ms after an answer.
    func load(on host: String) throws -> Load {
        let load = Load { [self] _ in
            {
                pause(milliseconds: 5)
                let response = try self.ask(host)
                return response.status == 200 ? nil : "\(response)"
            }
        }
        try load.start(clients: 2)
        return load
    }
}
