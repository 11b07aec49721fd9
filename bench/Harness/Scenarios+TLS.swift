// Scenarios of TLS: 1.3, AES-128-GCM, X25519, and a certificate for a key on P-256.

internal import BenchSupport

extension Scenario {
    static let secure = [
        Scenario(
            name: "tls-small", title: "TLS: small GET, 64 kept connections",
            unit: "µs of processor time a request", prepare: { try $0.speakTLS() }
        ) { running, seconds in
            try await perRequest(running, seconds: seconds) {
                try await wrk(running, seconds: $0)
            }
        },
        handshakes("tls-full", "TLS: full handshakes, a request each", resumes: false),
        handshakes("tls-resumed", "TLS: resumed handshakes, a request each", resumes: true),
        Scenario(
            name: "tls-idle", title: "TLS: 5000 idle clients, each 4 s after one request",
            unit: "resident bytes a connection",
            prepare: {
                try $0.speakTLS()
                $0.connections = 6_000
            }
        ) { running, _ in
            let count = idleConnections(wanted: 5_000)
            let bytes = try await idleBytes(running, count: count, rest: .seconds(4))
            return Sample(value: bytes, details: ["connections": Double(count)])
        },
        Scenario(
            name: "tls-large", title: "TLS: 1 MiB responses, 16 kept connections",
            unit: "ms of processor time a GiB", prepare: { try $0.speakTLS() }
        ) { running, seconds in
            try await perGibibyte(running, seconds: seconds) { seconds in
                let bytes = try download(
                    running, "/bytes/1048576", size: 1_048_576, connections: 16,
                    seconds: Double(seconds))
                return (bytes, Double(seconds))
            }
        },
        Scenario(
            name: "tls-latency", title: "TLS: latency added at 2,000 requests a second",
            unit: "µs, median, over the direct path's without TLS", subtractsDirect: true,
            prepare: { try $0.speakTLS() }
        ) { running, seconds in
            try await latency(running, rate: 2_000, seconds: seconds)
        },
        Scenario(
            name: "tls-flood",
            title: "TLS: 2,000 requests a second beside handshakes that are begun and left",
            unit: "µs, 99th percentile", prepare: { try $0.speakTLS() }
        ) { running, seconds in
            try await besideFlood(running, seconds: seconds)
        },
    ]

    /// Full handshakes of clients that ask for each name in turn.
    static let secureNames = [1, 1_000, 10_000].map { count in
        var scenario = handshakes(
            "tls-names-\(count)",
            "TLS: full handshakes, a request each, for \(count) names in turn", resumes: false)
        // nginx and Envoy would need a server or a chain for each.
        scenario.only = ["fairlead", "haproxy", "haproxy-2.8"]
        scenario.prepare = { try $0.speakTLS(names: count) }
        return scenario
    }

    /// The slowest percent of requests on kept connections while 256 clients flood the proxy.
    private static func besideFlood(_ running: Running, seconds: Int) async throws -> Sample {
        func pace() throws -> Pace {
            try paced(running, rate: 2_000, connections: 64, seconds: Double(seconds))
        }
        let before = try pace()
        let start = monotonic()
        let flood = Task.detached {
            try floodHandshakes(
                running.port, connections: 256, until: start + UInt64(seconds + 2) * 1_000_000_000)
        }
        try await Task.sleep(for: .seconds(1))
        let beside = Result { try pace() }
        let answered = try await flood.value
        let p99 = try beside.get().percentile(0.99)
        return Sample(
            value: p99,
            details: [
                "p99 before": before.percentile(0.99), "times": p99 / before.percentile(0.99),
                "handshakes/s": Double(answered) / Double(seconds + 2),
            ])
    }

    private static func handshakes(_ name: String, _ title: String, resumes: Bool) -> Scenario {
        Scenario(
            name: name, title: title, unit: "µs of processor time a handshake, with its request",
            prepare: { try $0.speakTLS() }
        ) { running, seconds in
            let clients = HandshakeLoad(running, resumes: resumes)
            var sample = try await perRequest(running, seconds: seconds) {
                try clients.run(seconds: Double($0))
            }
            sample.details["handshakes per processor second"] = 1_000_000 / sample.value
            return sample
        }
    }
}
