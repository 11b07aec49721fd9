// Scenarios that ask whether what a proxy knows makes a request dearer: backends, and services.

internal import FoundationEssentials

extension Scenario {
    /// What there are many of.
    enum Dimension: String { case backends, services }

    static func scale(of dimension: Dimension) -> [Scenario] {
        [1, 10, 1_000, 10_000].map { count in
            Scenario(
                name: "\(dimension)-\(count)",
                title: "\(count) \(dimension == .backends ? "backends" : "services, by host")",
                unit: "µs of processor time a request", only: ["fairlead", "haproxy", "nginx"],
                prepare: { setup in
                    setup.connections = 1_000
                    switch dimension {
                    case .backends: setup.backends = count
                    case .services: setup.services = count
                    }
                }
            ) { running, seconds in
                // One script for both: each request names the next host.
                let script = try write(hosts(count), as: "hosts.lua", of: running.setup)
                return try await perRequest(running, seconds: seconds) { seconds in
                    try await wrk(running, seconds: seconds, arguments: ["-s", script])
                }
            }
        }
    }

    private static func hosts(_ count: Int) -> String {
        """
        local requests, last = {}, 0
        init = function()
            for i = 0, \(count - 1) do
                requests[i + 1] = wrk.format("GET", "/", {["Host"] = "s" .. i .. ".bench"})
            end
        end
        request = function()
            last = last % \(count) + 1
            return requests[last]
        end

        """
    }
}
