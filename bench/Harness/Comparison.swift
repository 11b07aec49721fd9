// Comparison: every scenario, round after round, each proxy in turn: only figures of the same
// minute on the same machine can be compared.

internal import BenchSupport
internal import Glibc

/// The origin: `fairlead backend`.
enum BenchOrigin {
    /// What it answers with.
    static let name = "bench-origin"
    static let port: UInt16 = 19_080
    /// Where an origin for gRPC listens.
    static let callPort: UInt16 = 19_083
}

private let proxyPort: UInt16 = 19_081

/// What came of one proxy in one scenario.
struct Outcome: Codable, Sendable {
    var peer: String
    /// One a round; empty when refused.
    var samples: [Sample]
    /// Why there is no figure; nil when there is one.
    var refusal: String?
}

/// How much is measured.
struct Effort: Codable, Sendable {
    var rounds: Int
    var seconds: Int
    /// Samples beside which others had more than this share of the proxy's processor are taken
    /// again, twice at most, and the quietest counts.
    var foreignShareMax = 0.15
}

/// Measures `peers` in `scenario`.
func compare(
    _ peers: [Peer], in scenario: Scenario, _ effort: Effort, folder: String
) async throws -> [Outcome] {
    var setup = Setup(origin: BenchOrigin.port, port: proxyPort, folder: folder)
    try scenario.prepare(&setup)
    var commands: [(peer: Peer, command: [String])] = []
    for peer in peers where scenario.has(peer) {
        if let command = try peer.command(setup) { commands.append((peer, command)) }
    }
    var outcomes: [String: Outcome] = [:]
    for round in 1...effort.rounds {
        var direct: Sample?
        if scenario.subtractsDirect {
            let running = Running(process: 0, port: BenchOrigin.port, setup: setup)
            let sample = try await scenario.measure(running, effort.seconds)
            direct = sample
            outcomes["direct", default: Outcome(peer: "direct", samples: [])].samples.append(sample)
        }
        for (peer, command) in commands {
            var outcome = outcomes[peer.name] ?? Outcome(peer: peer.name, samples: [])
            guard outcome.refusal == nil else { continue }
            do {
                var sample = try await quietest(peer, command, scenario, effort, setup)
                if let direct { sample.subtract(direct) }
                outcome.samples.append(sample)
                say(
                    "\(scenario.name) \(round)/\(effort.rounds): \(peer.name) "
                        + "\(decimals(sample.value, 1)) \(scenario.unit)")
            } catch let error as BenchError {
                outcome.samples = []
                outcome.refusal = error.description
                say("\(scenario.name): \(peer.name) has no figure: \(error)")
            }
            outcomes[peer.name] = outcome
        }
    }
    let order = (scenario.subtractsDirect ? ["direct"] : []) + commands.map(\.peer.name)
    return order.compactMap { outcomes[$0] }
}

extension Sample {
    fileprivate mutating func subtract(_ direct: Sample) {
        value -= direct.value
        for (name, other) in direct.details where name.hasPrefix("p9") {
            details[name]? -= other
        }
    }
}

/// The sample beside which others had least of the processor, of up to three; of starts the median.
private func quietest(
    _ peer: Peer, _ command: [String], _ scenario: Scenario, _ effort: Effort, _ setup: Setup
) async throws -> Sample {
    if scenario.startsProxy {
        return try await medianStart(peer, command, scenario, effort, setup)
    }
    var best: Sample?
    for _ in 0..<3 {
        let sample = try await measureOnce(peer, command, scenario, effort, setup)
        if sample.foreignShare < best?.foreignShare ?? .infinity { best = sample }
        if sample.foreignShare <= effort.foreignShareMax { break }
    }
    guard let best else { preconditionFailure("the loop above ends with a sample") }
    return best
}

/// The median of several starts: each is over in milliseconds, of which the machine may take as
/// many.
private func medianStart(
    _ peer: Peer, _ command: [String], _ scenario: Scenario, _ effort: Effort, _ setup: Setup
) async throws -> Sample {
    var samples: [Sample] = []
    for _ in 0..<11 {
        samples.append(try await measureOnce(peer, command, scenario, effort, setup))
    }
    samples.sort { $0.value < $1.value }
    return samples[samples.count / 2]
}

private func measureOnce(
    _ peer: Peer, _ command: [String], _ scenario: Scenario, _ effort: Effort, _ setup: Setup
) async throws -> Sample {
    // The string lives across the call.
    unsafe _ = unlink(setup.logPath)
    // HAProxy logs to its standard output.
    let output = setup.hasAccessLog && peer.name.hasPrefix("haproxy") ? setup.logPath : nil
    guard let origin = scenario.origin else {
        return try await measureBehind(peer, command, scenario, effort, setup, output: output)
    }
    return try await serving(origin(setup), processor: Processor.load) { process, _ in
        try await waitForPort(setup.origin, of: "the origin", process)
        return try await measureBehind(peer, command, scenario, effort, setup, output: output)
    }
}

private func measureBehind(
    _ peer: Peer, _ command: [String], _ scenario: Scenario, _ effort: Effort, _ setup: Setup,
    output: String?
) async throws -> Sample {
    try await serving(command, processor: Processor.proxy, output: output) {
        process, started in
        let running = Running(
            process: process, port: setup.port, setup: setup, started: started)
        if scenario.startsProxy { return try await scenario.measure(running, effort.seconds) }
        try await waitForPort(setup.port, of: peer.name, process)
        try waitUntilServing(peer, running)
        return try await scenario.measure(running, effort.seconds)
    }
}

/// The head that a request comes to the origin with, as the origin answers, behind the head of that
/// answer; in lower case. Empty when there is none.
private func askedByHTTP1(_ running: Running) -> String {
    guard let connection = running.connect() else { return "" }
    defer { connection.close() }
    let request = "GET /head HTTP/1.1\r\nHost: \(Setup.host(0))\r\nConnection: close\r\n\r\n"
    return connection.send(request) ? connection.receiveToEnd().lowercased() : ""
}

/// What `askedByHTTP1` returns, of a proxy whose clients speak HTTP/2.
private func askedByHTTP2(_ running: Running) throws -> String {
    try BenchSupport.run([
        "curl", "-sik", "--max-time", "2", "--http2-prior-knowledge", running.url("/head"),
    ]).output.lowercased()
}

/// Waits until requests get through, since some listen before they know where to send them; and
/// refuses a proxy that does less than is asked for: without `X-Forwarded-For` it has less to do.
private func waitUntilServing(_ peer: Peer, _ running: Running) throws {
    var answer = ""
    let good = running.setup.speaksHTTP2 ? "http/2 200" : "http/1.1 200"
    for _ in 0..<200 {
        answer = running.setup.speaksHTTP2 ? try askedByHTTP2(running) : askedByHTTP1(running)
        if answer.hasPrefix(good) { break }
        usleep(50_000)
    }
    guard answer.hasPrefix(good) else {
        throw BenchError("\(peer.name) does not serve: \(answer)")
    }
    guard
        running.setup.mode == .tcp || !peer.addsForwardedFor || running.setup.originSpeaksHTTP2
            || answer.contains("x-forwarded-for: 127.0.0.1")
    else {
        throw BenchError("\(peer.name) adds no X-Forwarded-For; the origin got: \(answer)")
    }
}
