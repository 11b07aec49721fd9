// Scenarios of TCP, and of connections that wait.

extension Scenario {
    static let streams = [
        Scenario(
            name: "tcp-stream", title: "TCP: 4 downloads", unit: "ms of processor time a GiB",
            alsoSplicing: true, prepare: { $0.mode = .tcp }
        ) { running, seconds in
            try await perGibibyte(running, seconds: seconds) { seconds in
                let tebibyte: UInt64 = 1 << 40
                let bytes = try download(
                    running, "/bytes/\(tebibyte)", size: tebibyte, connections: 4,
                    seconds: Double(seconds))
                return (bytes, Double(seconds))
            }
        },
        Scenario(
            name: "tcp-ping-pong", title: "TCP: small messages to and fro on 64 connections",
            unit: "µs of processor time a round trip", prepare: { $0.mode = .tcp }
        ) { running, seconds in
            try await perRequest(running, seconds: seconds) {
                try await wrk(running, seconds: $0)
            }
        },
    ]

    static let connections = [5_000, 20_000].map { wanted in
        Scenario(
            // Or as many as descriptors allow: how many it were is told beside the figure.
            name: "idle-\(wanted)", title: "\(wanted) idle clients, each after one request",
            unit: "resident bytes a connection", prepare: { $0.connections = wanted + 1_000 }
        ) { running, _ in
            let count = idleConnections(wanted: wanted)
            let bytes = try await idleBytes(running, count: count)
            return Sample(value: bytes, details: ["connections": Double(count)])
        }
    }
}
