// Scenarios of HTTP/2 from clients, and HTTP/1.1 to the origin: streams of few connections.

internal import BenchSupport

extension Scenario {
    static let multiplexed = [
        small("h2-small", "HTTP/2 in the clear: small GET, 8 connections of 32 streams") { _ in },
        small("h2-tls-small", "HTTP/2 by TLS: small GET, 8 connections of 32 streams") {
            try $0.speakTLS()
        },
        Scenario(
            name: "h2-tls-large",
            title: "HTTP/2 by TLS: 1 MiB responses, 4 connections of 4 streams",
            unit: "ms of processor time a GiB", only: multiplexers,
            prepare: {
                try $0.speakTLS()
                $0.speaksHTTP2 = true
            }
        ) { running, seconds in
            try await perGibibyte(running, seconds: seconds) { seconds in
                let load = try await h2load(
                    running, "/bytes/1048576", connections: 4, streams: 4, seconds: seconds)
                return (UInt64(load.requests) * 1_048_576, load.seconds)
            }
        },
    ]

    /// Traefik speaks HTTP/2 in the clear by another configuration.
    private static let multiplexers = ["fairlead", "nginx", "haproxy", "haproxy-2.8", "envoy"]

    private static func small(
        _ name: String, _ title: String,
        _ secure: @escaping @Sendable (inout Setup) throws -> Void
    ) -> Scenario {
        Scenario(
            name: name, title: title, unit: "µs of processor time a request",
            only: multiplexers,
            prepare: {
                try secure(&$0)
                $0.speaksHTTP2 = true
            }
        ) { running, seconds in
            try await perRequest(running, seconds: seconds) {
                try await h2load(running, connections: 8, streams: 32, seconds: $0)
            }
        }
    }
}
