// RegistrationSchedule: what a registration does next. Pure.
//
//   registering ── accepted ──▶ registered ── 30 s ──▶ verifying ── there ──▶ registered
//     ▲   │ failed: 1, 2, 4 … 30 s                        │ │ failed: asked again in 30 s
//     │   └──▶ registering                                │ └──▶ registered
//     └───────────────────────────── forgotten ───────────┘
//   any ── deregister ──▶ deregistering ── failed: 0.2 s ──▶ deregistering ── done ──▶ over
//
// An agent that restarts without its data directory forgets the registration, and nobody tells us:
// that is why we verify it. Verifying is not repeated faster after a failure, since an agent that
// is away comes back with what it knew, or answers 404.

/// The states of one registration and the times between them. Value type.
struct RegistrationSchedule: Sendable {
    /// What to do after a wait.
    enum Step: Equatable, Sendable {
        case register(after: Duration)
        case verify(after: Duration)
        case deregister(after: Duration)
        /// Nothing more.
        case end
    }

    private static let retryMin = Duration.seconds(1)
    private static let retryMax = Duration.seconds(30)
    /// A process that is about to stop has no time to lose.
    private static let deregisterRetry = Duration.milliseconds(200)

    /// How long until the agent is asked whether it still has the registration; more than zero.
    let verifyInterval: Duration
    private(set) var isRegistered = false
    private(set) var isEnding = false
    private var failures = 0

    init(verifyInterval: Duration = .seconds(30)) {
        self.verifyInterval = verifyInterval
    }

    /// The agent took the registration, or still has it.
    mutating func accepted(using random: inout some RandomNumberGenerator) -> Step {
        failures = 0
        isRegistered = true
        guard !isEnding else { return .deregister(after: .zero) }
        return .verify(
            after: verifyInterval * Int.random(in: 90...110, using: &random) / 100)
    }

    /// The agent does not know the registration.
    mutating func forgotten() -> Step {
        isRegistered = false
        return isEnding ? .end : .register(after: .zero)
    }

    /// A request failed.
    mutating func failed(using random: inout some RandomNumberGenerator) -> Step {
        guard !isEnding else { return .deregister(after: Self.deregisterRetry) }
        guard !isRegistered else { return accepted(using: &random) }
        failures += 1
        let wait = min(Self.retryMin * (1 << min(failures - 1, 8)), Self.retryMax)
        return .register(after: wait * Int.random(in: 50...100, using: &random) / 100)
    }

    /// The process is about to stop. A request that is under way is waited for first: one that
    /// registers may arrive after one that deregisters.
    mutating func end(isRequestUnderWay: Bool) -> Step? {
        isEnding = true
        return isRequestUnderWay ? nil : .deregister(after: .zero)
    }

    /// The agent has it no more.
    mutating func deregistered() -> Step {
        isRegistered = false
        return .end
    }
}
