// ConsulValueWatch: a blocking query whose answer is one value, reported only when it differs: an
// index that moved is no change. ConsulKV and ConsulCatalog are made of it.

internal import Events

/// Watches one value. Loop thread only.
final class ConsulValueWatch<Value: Equatable & Sendable> {
    private let agents: ConsulAgents
    /// Path and query of what is asked.
    private let target: String
    /// Reads an answer of status 200 or 404.
    private let read: (ConsulAnswer) -> Result<Value, ConsulFailure>
    private var watch: ConsulWatch?
    private var listener: ((Result<Value, ConsulFailure>) -> Void)?
    private var last: Result<Value, ConsulFailure>?
    /// When the last good answer came, changed or not; nil before the first.
    private(set) var lastGoodAnswer: ContinuousClock.Instant?

    init(
        _ target: String, of agents: ConsulAgents,
        read: @escaping (ConsulAnswer) -> Result<Value, ConsulFailure>
    ) {
        self.agents = agents
        self.target = target
        self.read = read
        watch = ConsulWatch(target, of: agents, by: .blocking) { [unowned self] in handle($0) }
    }

    func start(reportingTo listener: @escaping (Result<Value, ConsulFailure>) -> Void) {
        self.listener = listener
        watch?.start()
    }

    func stop() {
        listener = nil
        watch?.stop()
    }

    private func handle(_ outcome: ConsulOutcome) -> Bool {
        var result: Result<Value, ConsulFailure>
        switch outcome {
        case .failed(let failure): result = .failure(failure)
        case .answer(let answer):
            result = read(answer)
            if case .failure(var failure) = result {
                if case .malformed(let reason) = failure {
                    failure = agents.recordMalformedJSON(reason, from: answer.agent)
                }
                result = .failure(agents.located(failure, at: answer.agent, target))
            }
        }
        let isGood: Bool
        switch result {
        case .success:
            lastGoodAnswer = .now
            isGood = true
        // The answer itself was a good one: it has an index to wait from.
        case .failure(let failure): isGood = failure.reason == .hidden
        }
        if result != last {
            last = result
            listener?(result)
        }
        return isGood
    }
}
