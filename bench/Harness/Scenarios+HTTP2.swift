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
        Scenario(
            name: "h2-tls-idle",
            title: "HTTP/2 by TLS: 5000 idle clients, each 4 s after one request",
            unit: "resident bytes a connection", only: multiplexers,
            prepare: {
                try $0.speakTLS()
                $0.speaksHTTP2 = true
                $0.connections = 6_000
            }
        ) { running, _ in
            let count = idleConnections(wanted: 5_000)
            let bytes = try await idleBytes(running, count: count, rest: .seconds(4))
            return Sample(value: bytes, details: ["connections": Double(count)])
        },
        Scenario(
            name: "h2-grpc",
            title: "gRPC: unary calls of 8 connections of 32 streams, HTTP/2 on both sides",
            unit: "µs of processor time a call", only: multiplexers,
            // A message comes back as it is, with the trailers of a call that succeeded.
            origin: {
                [
                    "nghttpd", "--no-tls", "--htdocs=\($0.folder)", "--echo-upload",
                    "--trailer=grpc-status: 0", "\($0.origin)",
                ]
            },
            prepare: {
                $0.origin = BenchOrigin.callPort
                $0.speaksHTTP2 = true
                $0.originSpeaksHTTP2 = true
                _ = try write(callMessage, as: "call", of: $0)
                // What every proxy is asked for before it is measured.
                _ = try write("here\n", as: "head", of: $0)
            }
        ) { running, seconds in
            try await perRequest(running, seconds: seconds) {
                try await h2load(
                    running, "/bench.Echo/Say", connections: 8, streams: 32, seconds: $0,
                    arguments: [
                        "-d", "\(running.setup.folder)/call",
                        "-H", "content-type: application/grpc", "-H", "te: trailers",
                    ])
            }
        },
    ]

    /// A message of 64 bytes, not compressed, behind its length (gRPC over HTTP/2,
    /// "Length-Prefixed-Message").
    private static let callMessage = "\0\0\0\0@" + String(repeating: "a", count: 64)

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
