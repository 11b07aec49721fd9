// ConsulWatch: asks the same question again and again, and hands on each outcome. BlockingQuery
// decides when to ask, or a RefreshSchedule for prepared queries, which can't be waited on.

internal import Events
internal import InstanceSources
internal import Lookups

/// A question that is repeated. Loop thread only; ends with `stop()`.
final class ConsulWatch {
    /// How it is repeated.
    enum Repetition {
        /// Consul is asked to answer when something has changed.
        case blocking
        case polling(RefreshSchedule)
    }

    private let agents: ConsulAgents
    private let target: String
    private var repetition: Repetition
    /// Handles an outcome. Returns whether it was an answer that could be read.
    private let handle: (ConsulOutcome) -> Bool
    private var query = BlockingQuery()
    private var random = SystemRandomNumberGenerator()
    private var exchange: ConsulExchange?
    private var timer: Timer?

    init(
        _ target: String, of agents: ConsulAgents, by repetition: Repetition,
        handle: @escaping (ConsulOutcome) -> Bool
    ) {
        self.target = target
        self.agents = agents
        self.repetition = repetition
        self.handle = handle
    }

    deinit { stop() }

    /// Asks at once, and again and again from then on. Harmless when repeated.
    func start() {
        guard timer == nil else { return }
        if case .blocking = repetition { agents.addWatch() }
        timer = Timer(on: agents.loop) { [unowned self] in ask() }
        ask()
    }

    /// Harmless when it was never started, or repeated.
    func stop() {
        guard timer != nil else { return }
        if case .blocking = repetition { agents.removeWatch() }
        timer?.cancel()
        timer = nil
        exchange?.cancel()
        exchange = nil
    }

    private func ask() {
        var request = ConsulRequest(target)
        if case .blocking = repetition, let agent = query.agent {
            request.position = .init(index: query.index, agent: agent)
        }
        exchange = agents.send(request) { [weak self] outcome in
            guard let self else { return }
            exchange = nil
            let isGood = handle(outcome)
            // The handler may have stopped the watch.
            guard let timer else { return }
            timer.schedule(after: wait(after: outcome, isGood: isGood))
        }
    }

    private func wait(after outcome: ConsulOutcome, isGood: Bool) -> Duration {
        switch repetition {
        case .blocking:
            guard isGood, case .answer(let answer) = outcome else {
                return query.failed(using: &random)
            }
            return query.answered(
                field: answer.index, by: answer.agent, bytes: answer.body.count, now: .now)
        case .polling(var schedule):
            let wait =
                isGood
                ? schedule.waitAfterAnswer(timeToLive: nil, using: &random)
                : schedule.waitAfterFailure(using: &random)
            repetition = .polling(schedule)
            return wait
        }
    }
}
