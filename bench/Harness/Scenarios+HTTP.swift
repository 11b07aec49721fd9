// Scenarios of requests: small ones in every circumstance, and bodies.

internal import BenchSupport
internal import FoundationEssentials
internal import Glibc

extension Scenario {
    private static let perRequestUnit = "µs of processor time a request"
    private static let perGibibyteUnit = "ms of processor time a GiB"

    static let requests = [
        Scenario(
            name: "small", title: "Small GET, 64 kept connections", unit: perRequestUnit
        ) { running, seconds in
            try await perRequest(running, seconds: seconds) {
                try await wrk(running, seconds: $0)
            }
        },
        Scenario(
            name: "log", title: "The same with an access log, to a file", unit: perRequestUnit,
            prepare: { $0.hasAccessLog = true }
        ) { running, seconds in
            let sample = try await perRequest(running, seconds: seconds) {
                try await wrk(running, seconds: $0)
            }
            // Whoever logs nothing has less to do.
            var status = stat()
            guard unsafe stat(running.setup.logPath, &status) == 0, status.st_size > 1_000_000
            else { throw BenchError("\(running.setup.logPath) has no lines") }
            return sample
        },
        Scenario(
            name: "latency", title: "Latency added at 4,000 requests a second",
            unit: "µs, median, over the direct path's", subtractsDirect: true
        ) { running, seconds in
            try await latency(running, rate: 4_000, seconds: seconds)
        },
        Scenario(
            name: "connection", title: "A connection for each request", unit: perRequestUnit
        ) { running, seconds in
            try await perRequest(running, seconds: seconds) {
                try await wrk(
                    running, seconds: $0, arguments: ["-H", "Connection: close"])
            }
        },
        Scenario(
            name: "chunked", title: "16 KiB in chunks of 4 KiB, 64 kept connections",
            unit: perRequestUnit
        ) { running, seconds in
            try await perRequest(running, seconds: seconds) {
                try await wrk(running, "/chunked/16384", seconds: $0)
            }
        },
    ]

    static let bulk = [
        Scenario(
            name: "large", title: "1 MiB responses, 16 kept connections", unit: perGibibyteUnit,
            alsoSplicing: true
        ) { running, seconds in
            try await perGibibyte(running, seconds: seconds) { seconds in
                let bytes = try download(
                    running, "/bytes/1048576", size: 1_048_576, connections: 16,
                    seconds: Double(seconds))
                return (bytes, Double(seconds))
            }
        },
        Scenario(
            name: "upload", title: "1 MiB uploads, 16 kept connections", unit: perGibibyteUnit,
            alsoSplicing: true
        ) { running, seconds in
            let body = "\(running.setup.folder)/upload"
            try Data(repeating: 0x61, count: 1_048_576).write(to: URL(filePath: body))
            return try await perGibibyte(running, seconds: seconds) { seconds in
                // h2load counts requests, not seconds: about a GiB a second.
                let load = try await h2load(
                    running.port, body: body, connections: 16, requests: 1_000 * seconds)
                return (UInt64(load.requests) * 1_048_576, load.seconds)
            }
        },
    ]
}
