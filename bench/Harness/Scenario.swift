// Scenario: one question, the same for every proxy, and its answer in one number.

/// One figure of one proxy in one round.
struct Sample: Codable, Sendable {
    /// The figure, in the scenario's unit. Less is better, always.
    var value: Double
    /// What was measured beside it, by what it is.
    var details: [String: Double] = [:]
    /// See `Cost`; 0 where no processor time was measured.
    var foreignShare = 0.0
}

/// What is measured.
struct Scenario: Sendable {
    /// The name as on the command line.
    let name: String
    /// The title as over a table.
    let title: String
    /// What a figure is, as `µs of processor time a request`.
    let unit: String
    /// The peers that take part; nil for all that can.
    var only: [String]?
    /// Peers that take part only here, since their difference shows nowhere else.
    var alsoSplicing = false
    /// Whether the same is measured without any proxy, and its figure taken off.
    var subtractsDirect = false
    /// The command of an origin of its own, of a setup; nil for the one that all share.
    var origin: (@Sendable (Setup) -> [String])?
    /// Whether the measure starts the proxy itself.
    var startsProxy = false
    /// What the proxy has to be.
    var prepare: @Sendable (inout Setup) throws -> Void = { _ in }
    /// Measures for about so many seconds.
    let measure: @Sendable (Running, _ seconds: Int) async throws -> Sample

    /// All of them, in the order of the report. Those of the start come first, while the harness is
    /// young: a process takes the longer to fork the more memory it has.
    static let all: [Scenario] =
        program + requests + bulk + streams + connections + secure + secureNames
        + multiplexed + scale(of: .backends) + scale(of: .services)

    /// Whether the peer takes part.
    func has(_ peer: Peer) -> Bool {
        if let only { return only.contains(peer.name) }
        return alsoSplicing || peer.name != "haproxy-splice"
    }
}

/// Processor time of each request of a load, with a second of it before.
func perRequest(
    _ running: Running, seconds: Int, load: (Int) async throws -> Load
) async throws -> Sample {
    _ = try await load(1)
    let (spent, load) = try await cost(of: running.process) { try await load(seconds) }
    return Sample(
        value: spent.nanoseconds / 1_000 / Double(load.requests),
        details: ["requests/s": Double(load.requests) / load.seconds],
        foreignShare: spent.foreignShare)
}

/// Processor time of each GiB of a load, with some of it before.
func perGibibyte(
    _ running: Running, seconds: Int, load: (Int) async throws -> (bytes: UInt64, seconds: Double)
) async throws -> Sample {
    _ = try await load(1)
    let (spent, load) = try await cost(of: running.process) { try await load(seconds) }
    let gibibytes = Double(load.bytes) / 1_073_741_824
    return Sample(
        value: spent.nanoseconds / 1_000_000 / gibibytes,
        details: ["GiB/s": gibibytes / load.seconds], foreignShare: spent.foreignShare)
}

/// The median time of a request among `rate` a second, with a second of them before.
func latency(_ running: Running, rate: Int, seconds: Int) async throws -> Sample {
    _ = try paced(running, rate: rate, connections: 64, seconds: 1)
    let (spent, pace) = try await cost(of: running.process) {
        try paced(running, rate: rate, connections: 64, seconds: Double(seconds))
    }
    return Sample(
        value: pace.percentile(0.5),
        details: [
            "p99": pace.percentile(0.99), "p99.9": pace.percentile(0.999),
            "CPU µs/request": spent.nanoseconds / 1_000 / Double(pace.latencies.count),
        ], foreignShare: spent.foreignShare)
}
