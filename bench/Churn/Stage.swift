// Stage: one run: a registry, three instances, and some proxies under load, from the first start to
// the last stop. What happens meanwhile is the scenario's; everything here is the same for all.

internal import BenchSupport
internal import FoundationEssentials
internal import Glibc
internal import HTTP1

/// How much of everything there is.
struct Effort: Codable, Sendable {
    var schedule: Schedule
    /// How long an instance takes for an answer.
    var delayMilliseconds: Int
    var rounds: Int
    /// Proxies in one run.
    var together: Int
}

/// What happens on it. Main thread only.
final class Stage {
    let peers: [Peer]
    let caller = Caller()
    let registry: any Registry
    /// Registered, in the order of their starts.
    private(set) var instances: [Instance] = []
    /// Everything that was started, in order: `marks` has numbers of these.
    private var everyInstance: [Instance] = []
    var marks = Marks()
    private let scenario: Scenario
    private let discovery: Discovery
    private let effort: Effort
    private let folder: String
    /// Running, and those that run beside them in their place, by peer.
    private var processes: [ChildProcess] = []
    private var successors: [ChildProcess] = []

    /// - Parameter consul: the path of the program.
    init(
        _ scenario: Scenario, _ peers: [Peer], _ discovery: Discovery, _ effort: Effort,
        consul: String, folder: String
    ) {
        self.scenario = scenario
        self.peers = peers
        self.discovery = discovery
        self.effort = effort
        self.folder = folder
        registry =
            switch discovery {
            case .named: NamedRegistry(folder: folder)
            case .consul: ConsulRegistry(program: consul, folder: folder, caller: caller)
            }
    }

    /// Plays the scenario; the tally of each peer, or why it has none: a proxy that does not serve
    /// takes nothing from the others.
    func run() throws -> [Result<Tally, BenchError>] {
        defer { tearDown() }
        try registry.start()
        try register(try launch(scenario.instances))
        processes = try peers.indices.map { try start($0, isSuccessor: false) }
        let problems = peers.indices.map { problem($0) }
        sleep(1)
        let loads = try peers.enumerated().map { index, peer in
            try Load(
                schedule, by: peer.clientProtocol, streams: scenario.streams, on: port(index),
                name: peer.name)
        }
        sleep(2)
        marks.event = monotonic()
        let outcome = Result { try scenario.events(self) }
        for load in loads { load.stop() }
        let results = loads.map { $0.result() }
        try outcome.get()
        let executions = Self.executions(text(Instance.postsPath(folder)))
        return peers.indices.map { index in
            if let problem = problems[index] { return .failure(problem) }
            let result = results[index]
            return .success(
                Tally(
                    result.exchanges, marks, movement: scenario.movement, streams: result.streams,
                    streamsRefused: result.streamsRefused,
                    executions: executions[peers[index].name] ?? [],
                    latenessSeconds: result.latenessSeconds))
        }
    }

    private var schedule: Schedule { scenario.schedule ?? effort.schedule }

    /// How often each POST was executed, by the name of its load; `text` has an id a line, each
    /// execution.
    static func executions(_ text: String) -> [String: [Int]] {
        var counts: [Substring: Int] = [:]
        for id in text.split(separator: "\n") { counts[id, default: 0] += 1 }
        var executions: [String: [Int]] = [:]
        for (id, count) in counts {
            guard let end = id.lastIndex(of: "-") else { continue }
            executions[String(id[..<end]), default: []].append(count)
        }
        return executions
    }

    // MARK: - What scenarios do

    func sleep(_ seconds: Double) {
        usleep(UInt32(seconds * 1_000_000))
    }

    /// Takes note that it happens now.
    func mark() {
        marks.event = monotonic()
    }

    /// Takes note that it is repaired now.
    func markRecovery() {
        marks.recovery = monotonic()
    }

    /// From now on, until the recovery or the end, so many instances are to get equal shares.
    func markFair(among count: Int) {
        marks.fairFrom = monotonic()
        marks.fairCount = count
    }

    /// Starts instances that nobody knows of yet; returns when they listen.
    func launch(_ count: Int, sharingAddress: Bool = false) throws -> [Instance] {
        let launched = try (0..<count).map { _ in
            let instance = try Instance(
                everyInstance.count + 1, sharesAddress: sharingAddress,
                delayMilliseconds: effort.delayMilliseconds, idleSeconds: scenario.idleSeconds,
                folder: folder)
            everyInstance.append(instance)
            return instance
        }
        for instance in launched {
            try waitUntil("instance \(instance.number): \(instance.process.output)", seconds: 10) {
                caller.call(
                    .get, InstanceServer.checkPath, on: instance.port, of: instance.address) != nil
            }
        }
        return launched
    }

    /// Returns as `Registry.register` does.
    @discardableResult
    func register(_ more: [Instance]) throws -> UInt64 {
        let told = try registry.register(more)
        instances += more
        return told
    }

    func deregister(_ instance: Instance) throws {
        try registry.deregister(instance)
        instances.removeAll { $0 === instance }
    }

    /// Puts `newcomers` in the place of `leavers`; returns as `Registry.register` does.
    @discardableResult
    func replace(_ leavers: [Instance], by newcomers: [Instance]) throws -> UInt64 {
        let told = try registry.replace(leavers, by: newcomers)
        instances.removeAll { instance in leavers.contains { $0 === instance } }
        instances += newcomers
        return told
    }

    /// Sets what is wrong with these.
    func set(_ fault: Fault, on instances: [Instance]) throws {
        for instance in instances {
            let answer = caller.call(
                .put, "/fault/\(fault.rawValue)", on: instance.port, of: instance.address)
            guard answer?.status == 200 else {
                throw BenchError("instance \(instance.number) does not answer its harness")
            }
        }
    }

    /// Starts a second process of each proxy on the same port, and stops the first one in the way
    /// that is meant to lose nothing. Returns when the first ones have ended, or after 8 s at most.
    func replaceProxies() throws {
        successors = try peers.indices.map { try start($0, isSuccessor: true) }
        sleep(4)
        for (peer, successor) in zip(peers, successors) {
            if let exit = successor.exit {
                say("\(peer.name): a second process does not run beside the first: \(exit)")
            }
        }
        mark()
        for index in peers.indices {
            if let path = peers[index].drainPath {
                _ = caller.call(.post, path, on: port(index) + 1)
            } else {
                processes[index].signal(peers[index].stopSignal)
            }
        }
        sleep(Double(Peer.drainSeconds))
        for index in peers.indices where peers[index].drainPath != nil {
            processes[index].signal(peers[index].stopSignal)
        }
        for _ in 0..<50 where processes.contains(where: { $0.exit == nil }) { sleep(0.1) }
    }

    // MARK: - Proxies

    private func port(_ index: Int) -> UInt16 { 19_100 + UInt16(index) * 10 }

    private func start(_ index: Int, isSuccessor: Bool) throws -> ChildProcess {
        let peer = peers[index]
        let own = "\(folder)/\(peer.name)\(isSuccessor ? "-successor" : "")"
        try FileManager.default.createDirectory(atPath: own, withIntermediateDirectories: true)
        let setup = Setup(
            // Fairlead's second process waits until the first has left the port.
            port: port(index), adminPort: port(index) + (isSuccessor && !peer.isOwn ? 2 : 1),
            discovery: discovery, dnsPort: registry.dnsPort, checksByHTTP: scenario.checksByHTTP,
            sharesPort: scenario.sharesPorts, workers: scenario.workers,
            settings: scenario.settings, folder: own)
        let command = try peer.command(setup)
        return try ChildProcess(
            command.words, environment: command.environment, outputPath: "\(own)/output")
    }

    /// Waits until requests get through, since proxies listen before they know where to send them,
    /// and some forget once more; says why when they do not.
    private func problem(_ index: Int) -> BenchError? {
        let limit = monotonic() + 30_000_000_000
        var inRow = 0
        while inRow < 50 {
            let isServed = caller.call(.get, "/", on: port(index))?.status == 200
            inRow = isServed ? inRow + 1 : 0
            if isServed { continue }
            guard processes[index].exit == nil, monotonic() < limit else {
                return BenchError("\(peers[index].name) does not serve: \(processes[index].output)")
            }
            sleep(0.02)
        }
        return nil
    }

    private func tearDown() {
        for process in processes + successors { process.stop() }
        registry.stop()
        for instance in everyInstance { instance.process.stop(with: SIGKILL) }
    }
}
