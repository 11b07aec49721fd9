// Comparison: every scenario, round after round, for a few proxies at a time. Those of one run see
// the same instances at the same instants, each under a load of its own.

internal import BenchSupport
internal import FoundationEssentials
internal import Glibc

/// What came of one proxy in one scenario.
struct Outcome: Codable, Sendable {
    var peer: String
    /// One a round; fewer when a run was not to be had.
    var tallies: [Tally] = []
    /// Why there is none; nil when there is one.
    var refusal: String?
    /// Why a tally may say more of the machine than of the proxy, though the run was repeated.
    var doubts: [String] = []
    /// What of the bar was missed, for Fairlead; empty for peers.
    var misses: [String] = []

    mutating func add(_ result: Result<Tally, BenchError>) {
        switch result {
        case .success(let tally): tallies.append(tally)
        case .failure(let error):
            refusal = error.description.split(separator: "\n").joined(separator: "; ")
        }
    }
}

/// Plays scenarios and tells how it goes. Main thread only.
struct Comparison {
    /// A load that sent a request later than this measured the machine, and is repeated.
    static let latenessMaxSeconds = 0.1
    /// With less of the processors left over, proxies wait for them.
    static let idleShareMin = 0.2
    /// How often a run is tried.
    private static let triesMax = 3

    let discovery: Discovery
    let effort: Effort
    let consul: String
    /// Of the whole comparison.
    let folder: String

    /// All rounds of `scenario`.
    func play(_ scenario: Scenario, _ peers: [Peer]) -> [Outcome] {
        var outcomes = peers.map { Outcome(peer: $0.name) }
        for (index, peer) in peers.enumerated() where !scenario.has(peer) {
            outcomes[index].refusal = "can't tell instances apart by their ports"
        }
        let taking = peers.indices.filter { scenario.has(peers[$0]) }
        for round in 1...effort.rounds {
            for start in stride(from: 0, to: taking.count, by: effort.together) {
                let some = taking[start..<min(start + effort.together, taking.count)]
                let (results, doubt) = played(scenario, some.map { peers[$0] })
                for (index, result) in zip(some, results) {
                    outcomes[index].add(result)
                    if let doubt { outcomes[index].doubts.append(doubt) }
                    let what = "\(scenario.name) \(round)/\(effort.rounds): \(peers[index].name)"
                    say("\(what): \((try? result.get().cell) ?? "no figure")")
                }
            }
        }
        for (index, peer) in peers.enumerated() where peer.isOwn {
            outcomes[index].misses = misses(scenario, outcomes[index])
        }
        return outcomes
    }

    /// What any round missed, each once; not to have run at all is a miss too.
    private func misses(_ scenario: Scenario, _ outcome: Outcome) -> [String] {
        if outcome.tallies.count < effort.rounds { return [outcome.refusal ?? "it did not run"] }
        var seen = Set<String>()
        return outcome.tallies.flatMap {
            scenario.bar.misses($0, rate: (scenario.schedule ?? effort.schedule).rate)
        }
        .filter { seen.insert($0).inserted }
    }

    /// One run, tried again while it measured something else than the scenario; the last doubt
    /// about it, if there is one.
    private func played(
        _ scenario: Scenario, _ peers: [Peer]
    ) -> (results: [Result<Tally, BenchError>], doubt: String?) {
        for attempt in 1... {
            let before = ProcessorTime()
            let results = playedOnce(scenario, peers)
            let idle = ProcessorTime().idleShare(since: before)
            let tallies = results.compactMap { try? $0.get() }
            guard let doubt = doubt(tallies, idleShare: idle) else { return (results, nil) }
            if attempt == Self.triesMax { return (results, doubt) }
            say("\(scenario.name): \(doubt): again")
        }
        preconditionFailure("the loop above ends with a run")
    }

    /// Why a run says more of the machine than of the proxies; nil when it does not.
    private func doubt(_ tallies: [Tally], idleShare: Double) -> String? {
        let lateness = tallies.map(\.latenessSeconds).max() ?? 0
        if lateness > Self.latenessMaxSeconds {
            return "the load was \(decimals(lateness * 1000, 0)) ms late"
        }
        if idleShare < Self.idleShareMin {
            return "the processors were idle for \(decimals(idleShare * 100, 0)) % of the time"
        }
        let bad = tallies.map(\.badBefore).max() ?? 0
        return bad > 0 ? "\(bad) requests were in trouble before anything had happened" : nil
    }

    private func playedOnce(
        _ scenario: Scenario, _ peers: [Peer]
    ) -> [Result<Tally, BenchError>] {
        let own = "\(folder)/\(scenario.name)"
        defer { try? FileManager.default.removeItem(atPath: own) }
        do {
            try FileManager.default.createDirectory(atPath: own, withIntermediateDirectories: true)
            let stage = Stage(scenario, peers, discovery, effort, consul: consul, folder: own)
            return try stage.run()
        } catch {
            return peers.map { _ in .failure(BenchError("the run failed: \(error)")) }
        }
    }
}
