// CommandPlan: when a command is started, restarted, signalled and given up. Pure: it is told what
// happened and when, and says what to do.
//
// | phase      | what happens                        | what follows                                |
// |------------|-------------------------------------|---------------------------------------------|
// | waiting    | all prefixes are known, nothing that| it is started                               |
// |            | is required is missing              |                                             |
// |            | something required is missing       | told; waiting goes on                       |
// |            | the limit of waiting is over        | this process ends with 125                  |
// |            | SIGTERM, SIGINT, SIGQUIT, SIGHUP    | this process ends with 128 and the signal   |
// | running    | variables differ                    | once they have rested for `settle`, and a   |
// |            |                                     | random part of `splay` is over: SIGTERM, or |
// |            |                                     | the signal that was asked for               |
// |            | … and are as before again           | nothing                                     |
// |            | something required is missing now   | told; it goes on with what it has           |
// |            | SIGTERM, SIGINT, SIGQUIT            | passed on; it is not restarted any more     |
// |            | another signal                      | passed on                                   |
// |            | it ends                             | this process ends with its exit code        |
// | restarting | it ends                             | it is started with what is known by then    |
// |            | `killAfter` is over                 | SIGKILL                                     |
// |            | SIGTERM, SIGINT, SIGQUIT            | passed on; it is not started again          |
// | stopping   | it ends                             | this process ends with its exit code        |

internal import Glibc

/// What becomes of one command. Value type; its owner calls `wake` at `wakeAt`.
struct CommandPlan {
    /// What a change of variables does to a command that runs.
    enum Reaction: Equatable, Sendable {
        case restart
        /// The command is sent this signal, and keeps the environment that it has.
        case signal(Int32)
    }

    /// How it is treated.
    struct Options: Sendable {
        /// Names of variables without which it is not started.
        var required: [String] = []
        /// How long to wait for Consul, and for what is required; nil is no limit.
        var startLimit: Duration?
        var reaction = Reaction.restart
        /// How long variables must have rested before a change counts: a deploy writes key by key.
        /// Ten times as long at most.
        var settle = Duration.seconds(1)
        /// The longest random wait after that, so that many processes don't restart at once.
        var splay = Duration.zero
        /// How long it may take to end before it is killed.
        var killAfter = Duration.seconds(30)
    }

    /// What to do, in order.
    enum Action: Equatable {
        case start(KeyVariables)
        case signal(Int32)
        /// SIGKILL, to it and all that it has started.
        case kill
        /// This process ends with that code.
        case exit(Int32)
        case report(Report)
    }

    /// What an operator should know.
    enum Report: Equatable {
        case waiting(missing: [String])
        case gaveUp(missing: [String])
        /// These variables differ, and the reaction follows.
        case changed([String])
        /// What is known now is not used, since these required variables are missing.
        case kept(missing: [String])
        case killed
    }

    private enum Phase {
        case waiting
        case running
        case restarting
        case stopping
        case ended
    }

    /// A code that a command hardly uses itself, as of env(1) and timeout(1): the tool failed.
    static let ownFailure: Int32 = 125

    let options: Options
    private var phase = Phase.waiting
    /// What the command has, or was told of.
    private var current = KeyVariables()
    /// What it should have; nil when it has that.
    private var wanted: KeyVariables?
    /// What was missing when that was reported last.
    private var missing: [String] = []
    private var firstChangeAt: ContinuousClock.Instant?
    private var splay = Duration.zero
    private var changeAt: ContinuousClock.Instant?
    private var killAt: ContinuousClock.Instant?
    private var giveUpAt: ContinuousClock.Instant?

    init(_ options: Options, now: ContinuousClock.Instant) {
        self.options = options
        giveUpAt = options.startLimit.map { now + $0 }
    }

    /// When to call `wake`; nil for never.
    var wakeAt: ContinuousClock.Instant? {
        [changeAt, killAt, giveUpAt].compactMap(\.self).min()
    }

    /// Whether what the command leaves behind is to end with it: another one takes its place.
    var replaces: Bool { phase == .restarting }

    // MARK: - What happens

    /// These are the variables now.
    mutating func know(
        _ new: KeyVariables, now: ContinuousClock.Instant,
        using random: inout some RandomNumberGenerator
    ) -> [Action] {
        let lacking = new.missing(of: options.required)
        let isNews = lacking != missing
        missing = lacking
        switch phase {
        case .waiting:
            guard lacking.isEmpty else {
                return isNews ? [.report(.waiting(missing: lacking))] : []
            }
            giveUpAt = nil
            phase = .running
            current = new
            return [.start(new)]
        case .running, .restarting:
            guard lacking.isEmpty else {
                forgetChange()
                return isNews ? [.report(.kept(missing: lacking))] : []
            }
            consider(new, now: now, using: &random)
            return []
        case .stopping, .ended: return []
        }
    }

    private mutating func consider(
        _ new: KeyVariables, now: ContinuousClock.Instant,
        using random: inout some RandomNumberGenerator
    ) {
        guard new != current else { return forgetChange() }
        guard new != wanted else { return }
        wanted = new
        // What restarts takes up whatever is known when it starts.
        guard phase == .running else { return }
        if firstChangeAt == nil {
            firstChangeAt = now
            splay = options.splay * Double.random(in: 0...1, using: &random)
        }
        let latest = (firstChangeAt ?? now) + options.settle * 10
        changeAt = min(now + options.settle, latest) + splay
    }

    private mutating func forgetChange() {
        wanted = nil
        firstChangeAt = nil
        changeAt = nil
    }

    /// A time that was waited for may have come.
    mutating func wake(now: ContinuousClock.Instant) -> [Action] {
        if let time = giveUpAt, time <= now {
            giveUpAt = nil
            phase = .ended
            return [.report(.gaveUp(missing: missing)), .exit(Self.ownFailure)]
        }
        if let time = killAt, time <= now {
            killAt = nil
            return [.report(.killed), .kill]
        }
        guard let time = changeAt, time <= now, let wanted else { return [] }
        let names = wanted.names(differingFrom: current)
        current = wanted
        forgetChange()
        switch options.reaction {
        case .signal(let number): return [.report(.changed(names)), .signal(number)]
        case .restart:
            phase = .restarting
            killAt = now + options.killAfter
            return [.report(.changed(names)), .signal(SIGTERM)]
        }
    }

    /// The command has ended, as a shell's exit code says it.
    mutating func ended(_ code: Int32) -> [Action] {
        killAt = nil
        changeAt = nil
        guard phase == .restarting else {
            phase = .ended
            return [.exit(code)]
        }
        phase = .running
        current = wanted ?? current
        forgetChange()
        return [.start(current)]
    }

    /// This process got a signal.
    mutating func signalled(_ number: Int32) -> [Action] {
        let isStop = number == SIGTERM || number == SIGINT || number == SIGQUIT
        switch phase {
        case .waiting:
            guard isStop || number == SIGHUP else { return [] }
            phase = .ended
            giveUpAt = nil
            return [.exit(128 + number)]
        case .running, .restarting:
            guard isStop else { return [.signal(number)] }
            phase = .stopping
            forgetChange()
            return [.signal(number)]
        case .stopping: return [.signal(number)]
        case .ended: return []
        }
    }
}
