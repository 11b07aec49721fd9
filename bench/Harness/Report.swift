// Report: what was measured, on what, and how the proxies compare.

internal import BenchSupport

/// The outcome of one run, as it is written in JSON.
struct Report: Codable, Sendable {
    /// One scenario's part.
    struct Section: Codable, Sendable {
        var name: String
        var title: String
        var unit: String
        var outcomes: [Outcome]
    }

    var surroundings: Surroundings
    /// Of TCP, in the bench's own network.
    var congestionControl: String
    /// By peer.
    var versions: [String: String]
    var effort: Effort
    var sections: [Section] = []

    init(_ peers: [Peer], _ effort: Effort) {
        surroundings = Surroundings(folders: [
            "Sources", "bench/Harness", "bench/Servers", "bench/Support",
        ])
        let control = text("/proc/sys/net/ipv4/tcp_congestion_control")
        congestionControl = String(control.prefix { $0 != "\n" })
        versions = [:]
        for peer in peers { versions[peer.name] = version(of: peer.version) }
        self.effort = effort
    }
}

extension Report.Section {
    /// The median figure of `peer`; nil when it has none.
    func median(of peer: String) -> Double? {
        values(of: peer).map(BenchSupport.median)
    }

    /// The median over the rounds of what `peer` needs over what `other` needs.
    func ratio(of peer: String, to other: String) -> Double? {
        guard let own = values(of: peer), let others = values(of: other) else { return nil }
        return BenchSupport.median(zip(own, others).map { $0 / $1 })
    }

    /// The median of a detail.
    func median(of peer: String, _ detail: String) -> Double? {
        let samples = outcomes.first { $0.peer == peer }?.samples ?? []
        let values = samples.compactMap { $0.details[detail] }
        return values.isEmpty ? nil : BenchSupport.median(values)
    }

    /// One figure a round, in order.
    func values(of peer: String) -> [Double]? {
        guard let samples = outcomes.first(where: { $0.peer == peer })?.samples, !samples.isEmpty
        else { return nil }
        return samples.map(\.value)
    }
}
