// EnvironmentRunner: runs a command with keys of Consul as its environment, for as long as it
// lasts. CommandPlan decides; here are the watches, the signals, the process and the log.
//
// The log names keys and variables, and never a value.

internal import Configuration
package import Consul
package import Control
package import Events
internal import Glibc
internal import InstanceSources
internal import Processes
internal import Wording

/// What is to be run, and how. Value type.
package struct EnvironmentOptions {
    /// The prefixes; later ones win.
    package var places: [KeyPlace]
    /// The program and its arguments; at least the program.
    package var command: [String]
    /// Whether the command gets nothing of the environment of this process.
    package var isPristine = false
    /// Whether letters of keys stay as they are.
    package var keepsCase = false
    /// Whether changes after the start mean nothing.
    package var isOnce = false
    /// Names of variables without which the command is not started.
    package var required: [String] = []
    /// How long to wait for Consul and for what is required; nil is no limit.
    package var startLimit: Duration?
    /// The signal that tells the command of a change; nil restarts it.
    package var signal: Int32?
    /// How long variables must have rested before a change counts, 0 s to 1 h.
    package var settle = Duration.seconds(1)
    /// The longest random wait after that.
    package var splay = Duration.zero
    /// How long the command may take to end before it is killed.
    package var killAfter = Duration.seconds(30)

    /// The command with the keys of `places`, and defaults otherwise.
    package init(_ places: [KeyPlace], _ command: [String]) {
        self.places = places
        self.command = command
    }

    fileprivate var plan: CommandPlan.Options {
        var plan = CommandPlan.Options()
        plan.required = required
        plan.startLimit = startLimit
        if let signal { plan.reaction = .signal(signal) }
        plan.settle = settle
        plan.splay = splay
        plan.killAfter = killAfter
        return plan
    }
}

/// One command and what it runs with. Control thread only.
package final class EnvironmentRunner {
    /// The signals that are passed on. SIGKILL and SIGSTOP can't be, and the kernel tells the
    /// command itself of its terminal.
    private static let passed = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2]

    private let options: EnvironmentOptions
    private let loop: EventLoop
    private let log: Log
    private let inherited: ProcessEnvironment
    private var plan: CommandPlan
    private var keys: KnownKeys
    private var watches: [ConsulKV] = []
    /// Of each watch, why it fails; nil while it works.
    private var failures: [String?]
    /// What was said of keys, so that it is said once.
    private var problems: Set<String> = []
    private var random = SystemRandomNumberGenerator()
    private var child: ChildCommand?
    private var timer: Timer?
    private var signals: [SignalWatch] = []
    private var exitCode: Int32?

    /// Nothing is asked or started yet.
    package init(
        _ options: EnvironmentOptions, agents: ConsulAgents, log: Log, on loop: EventLoop
    ) {
        self.options = options
        self.loop = loop
        self.log = log
        inherited = options.isPristine ? ProcessEnvironment() : .ofThisProcess()
        plan = CommandPlan(options.plan, now: .now)
        keys = KnownKeys(options.places)
        failures = options.places.map { _ in nil }
        watches = options.places.map {
            ConsulKV($0.prefix, datacenter: $0.datacenter, agents: agents)
        }
    }

    /// Runs the command to its end, and returns the code with which this process is to end. Where
    /// changes mean nothing and this is not the first process of a container, which has orphans to
    /// care for, the command takes the place of this process, and this does not return.
    package func run() -> Int32 {
        timer = Timer(on: loop) { [unowned self] in
            carryOut(plan.wake(now: .now))
        }
        signals = Self.passed.filter { !ProcessSignal.isIgnored($0) }.map { number in
            SignalWatch(number, on: loop) { [unowned self] in carryOut(plan.signalled(number)) }
        }
        signals.append(SignalWatch(SIGCHLD, on: loop) { [unowned self] in reap() })
        for (index, watch) in watches.enumerated() {
            watch.start { [unowned self] in handle($0, of: index) }
        }
        schedule()
        loop.run()
        for watch in watches { watch.stop() }
        signals = []
        return exitCode ?? CommandPlan.ownFailure
    }

    // MARK: - Consul

    private func handle(_ answer: Result<ConsulKV.Contents, ConsulFailure>, of index: Int) {
        let name = "\(options.places[index])"
        switch answer {
        case .failure(let failure):
            if failures[index] == nil {
                log.write(
                    .warning, "env.keys_failed",
                    [
                        "prefix": name, "cause": "\(failure)",
                        "effect": child == nil
                            ? "the command waits" : "the command goes on with what it has",
                    ])
            }
            failures[index] = "\(failure)"
        case .success(let contents):
            if failures[index] != nil {
                log.write(.info, "env.keys_recovered", ["prefix": name])
            }
            failures[index] = nil
            guard keys.answered(index, contents.entries) else {
                log.write(
                    .warning, "env.keys_empty",
                    [
                        "prefix": name, "cause": "it is empty at once",
                        "effect": "the command goes on with what it has",
                    ])
                return
            }
            read(omitted: contents.omissions.lines)
        }
    }

    private func read(omitted: [String]) {
        guard let all = keys.all else { return }
        let reading = KeyVariables.read(all, keepsCase: options.keepsCase)
        let found = Set(omitted + reading.problems + [reading.refusal].compactMap(\.self))
        for problem in found.subtracting(problems).sorted() {
            log.write(.warning, "env.key_refused", ["what": problem])
        }
        problems = found
        guard reading.refusal == nil else { return }
        carryOut(plan.know(reading.variables, now: .now, using: &random))
    }

    // MARK: - The command

    private func carryOut(_ actions: [CommandPlan.Action]) {
        for action in actions {
            switch action {
            case .start(let variables): start(variables)
            case .signal(let number): send(number)
            case .kill: child?.killAll()
            case .exit(let code): end(code)
            case .report(let report): tell(report)
            }
        }
        schedule()
    }

    private func schedule() {
        guard let time = plan.wakeAt else {
            timer?.cancel()
            return
        }
        timer?.schedule(after: ContinuousClock.now.duration(to: time))
    }

    private func start(_ variables: KeyVariables) {
        var environment = inherited
        variables.forEach { environment.set($0, to: $1) }
        let name = options.command[0]
        if options.isOnce {
            for watch in watches { watch.stop() }
            if getpid() != 1 {
                tellStart(variables, process: getpid())
                signals = []
                let error = ChildCommand.replaceThisProcess(by: options.command, environment)
                return fail(name, error)
            }
        }
        do throws(Errno) {
            let child = try ChildCommand(options.command, environment)
            self.child = child
            tellStart(variables, process: child.process)
        } catch {
            fail(name, error)
        }
    }

    private func tellStart(_ variables: KeyVariables, process: Int32) {
        log.write(
            .info, "env.started",
            [
                "command": options.command[0], "pid": "\(process)",
                "variables": "\(variables.count)",
            ])
    }

    /// Ends as env(1) does for a program that can't be run.
    private func fail(_ name: String, _ error: Errno) {
        log.write(.error, "env.not_started", ["command": name, "cause": "\(error)"])
        end(error == .noSuchFile ? 127 : 126)
    }

    private func send(_ number: Int32) {
        // A terminal has sent these to the command as well.
        if ChildCommand.sharesTerminal, number == SIGINT || number == SIGQUIT { return }
        child?.signal(number)
    }

    private func reap() {
        guard let child, let ending = child.reap(killsRest: plan.replaces) else { return }
        self.child = nil
        carryOut(plan.ended(ending.exitCode))
    }

    private func end(_ code: Int32) {
        exitCode = code
        loop.stop()
    }

    private func tell(_ report: CommandPlan.Report) {
        switch report {
        case .waiting(let missing):
            log.write(
                .warning, "env.waiting",
                ["missing": missing.joined(separator: ","), "effect": "the command waits"])
        case .gaveUp(let missing):
            let cause =
                failures.compactMap(\.self).first
                ?? (keys.all == nil
                    ? "Consul has not answered"
                    : "these variables are missing: \(missing.joined(separator: ","))")
            log.write(
                .error, "env.gave_up", ["cause": cause, "effect": "the command is not started"])
        case .kept(let missing):
            log.write(
                .warning, "env.kept",
                [
                    "missing": missing.joined(separator: ","),
                    "effect": "the command goes on with what it has",
                ])
        case .changed(let names):
            let effect = options.signal.map { "the command gets signal \($0)" }
            log.write(
                .info, "env.changed",
                [
                    "variables": names.joined(separator: ","),
                    "effect": effect ?? "the command is restarted",
                ])
        case .killed:
            log.write(
                .warning, "env.killed",
                [
                    "command": options.command[0],
                    "cause": "it did not end within \(options.killAfter.spoken)",
                ])
        }
    }
}
