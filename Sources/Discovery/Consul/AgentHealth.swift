// AgentHealth: whether an agent is asked, or left for the next one. Pure.
//
// Not the health of a backend: nothing is evicted here. An agent that failed is only asked after
// the others, until its back-off is over. Then one request tries it, and the others go on as before
// until that is answered: an agent that accepts and says nothing would hold all of them up, again
// and again. When all agents fail, all are asked.

/// What is known of one agent. Value type.
struct AgentHealth: Sendable {
    private static let backOffMin = Duration.seconds(1)
    private static let backOffMax = Duration.seconds(60)

    private(set) var failuresInRow = 0
    /// Nil while it is asked in its turn.
    private(set) var leftUntil: ContinuousClock.Instant?
    /// Whether a request tries it out after its back-off.
    private var isOnTrial = false

    func isAvailable(now: ContinuousClock.Instant) -> Bool {
        leftUntil.map { $0 <= now } ?? true
    }

    /// A request that takes at most `limit` is sent to it.
    mutating func asked(now: ContinuousClock.Instant, limit: Duration) {
        guard failuresInRow > 0, isAvailable(now: now) else { return }
        isOnTrial = true
        // A request that is cancelled says nothing: then the next one is the trial.
        leftUntil = now + limit
    }

    mutating func answered() {
        failuresInRow = 0
        leftUntil = nil
        isOnTrial = false
    }

    /// A hundred requests that break together are one failure: those that end while it is left
    /// already say nothing new.
    mutating func failed(
        now: ContinuousClock.Instant, using random: inout some RandomNumberGenerator
    ) {
        guard isAvailable(now: now) || isOnTrial else { return }
        isOnTrial = false
        failuresInRow += 1
        let wait = min(Self.backOffMin * (1 << min(failuresInRow - 1, 8)), Self.backOffMax)
        leftUntil = now + wait * Int.random(in: 50...100, using: &random) / 100
    }

    /// The agents in the order in which to ask them: those available as they are listed, then the
    /// others, the one that is left for the shortest time first.
    static func order(_ agents: [AgentHealth], now: ContinuousClock.Instant) -> [Int] {
        let available = agents.indices.filter { agents[$0].isAvailable(now: now) }
        let left = agents.indices.filter { !agents[$0].isAvailable(now: now) }
        return available
            + left.sorted {
                (agents[$0].leftUntil ?? now, $0) < (agents[$1].leftUntil ?? now, $1)
            }
    }
}
