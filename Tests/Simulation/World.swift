// World: how the simulated instances really are, which nobody but the simulation knows, and what
// the registry says of them.

import Backends
import Endpoints

/// What is the matter with an instance.
enum Condition: CaseIterable {
    /// Nothing.
    case well
    /// The instance refuses connections.
    case crashed
    /// The instance takes connections and requests, and never answers.
    case hung
    /// The instance takes requests and never answers, and its check passes.
    case mute
    /// The instance answers 35 times as late.
    case slow
    /// The instance answers 500, and its check 200.
    case failing
    /// The instance answers 500, its check as well.
    case sick
    /// The instance works, and its check fails.
    case maligned
    /// Every other answer is a 500, and its check 200.
    case flaky

    /// Whether clients get good answers from it.
    var serves: Bool {
        switch self {
        case .well, .slow, .maligned, .flaky: true
        case .crashed, .hung, .mute, .failing, .sick: false
        }
    }

    /// Whether it answers at all.
    var answers: Bool {
        switch self {
        case .well, .slow, .maligned, .flaky, .failing, .sick: true
        case .crashed, .hung, .mute: false
        }
    }

    /// Whether its checks pass.
    var passesChecks: Bool {
        switch self {
        case .well, .slow, .failing, .mute, .flaky: true
        case .crashed, .hung, .sick, .maligned: false
        }
    }
}

/// What the registry answers.
enum RegistryMood {
    /// What is registered.
    case truthful
    /// Nothing but this failure.
    case failing(DiscoveryFailure)
    /// Only the first so many of those that are registered.
    case forgetful(Int)
}

/// The instances of one service, by number. Value type.
struct World {
    struct Instance {
        var condition = Condition.well
        /// Since when it is so, in microseconds.
        var conditionSince = 0
        /// Since when it serves without a break, in microseconds; nil while it does not.
        var servesSince: Int?
        var isRegistered = true
    }

    private(set) var instances: [Int: Instance] = [:]
    var mood = RegistryMood.truthful
    /// Some pages take long, wherever they are asked for.
    var hasSlowPages = false

    init(count: Int) {
        for number in 0..<count { instances[number] = Instance(servesSince: 0) }
    }

    /// 10.0.0.0 and so on, port 80.
    static func endpoint(_ number: Int) -> Endpoint {
        Endpoint(.v4(0x0A00_0000 + UInt32(number)), 80)
    }

    /// The number of the instance at `endpoint`.
    static func number(_ endpoint: Endpoint) -> Int {
        guard case .v4(let bits) = endpoint.address else { preconditionFailure("no such endpoint") }
        return Int(bits - 0x0A00_0000)
    }

    /// How an instance is; one that is no more refuses connections.
    func condition(_ number: Int) -> Condition { instances[number]?.condition ?? .crashed }

    /// Whether an answer of an instance is a good one; `number` counts those that a worker had of
    /// it before.
    func isAnswerGood(_ instance: Int, number: UInt64) -> Bool {
        let condition = condition(instance)
        return condition == .flaky ? number % 2 == 0 : condition.serves
    }

    /// The one instance that is not well, among three or more that are all named; nil when there is
    /// none or another.
    var onlyUnwell: (number: Int, instance: Instance)? {
        guard instances.count >= 3, case .truthful = mood else { return nil }
        let unwell = instances.filter { $0.value.condition != .well }
        return unwell.count == 1 ? unwell.first.map { ($0.key, $0.value) } : nil
    }

    /// The numbers of those that are registered, in order.
    var registered: [Int] {
        instances.filter { $0.value.isRegistered }.keys.sorted()
    }

    /// Whether nothing is the matter with anything.
    var isWell: Bool {
        guard case .truthful = mood, !hasSlowPages else { return false }
        return instances.values.allSatisfy { $0.condition == .well && $0.isRegistered }
    }

    /// Whether a registered instance has served for so long at `time`.
    func hasServed(for age: Int, at time: Int) -> Bool {
        instances.values.contains { instance in
            guard let since = instance.servesSince else { return false }
            return instance.isRegistered && time - since >= age
        }
    }

    mutating func set(_ number: Int, to condition: Condition, at time: Int) {
        guard var instance = instances[number] else { return }
        if condition != instance.condition { instance.conditionSince = time }
        instance.condition = condition
        instance.servesSince = condition.serves ? instance.servesSince ?? time : nil
        instances[number] = instance
    }

    mutating func add(_ number: Int, at time: Int) {
        instances[number] = Instance(conditionSince: time, servesSince: time)
    }

    mutating func deregister(_ number: Int) { instances[number]?.isRegistered = false }

    mutating func remove(_ number: Int) { instances[number] = nil }

    /// What one lookup comes to.
    func answer() -> DiscoveryAnswer {
        let registered = registered
        switch mood {
        case .failing(let failure): return .failure(failure)
        case .truthful: return .instances(registered.map { .init(Self.endpoint($0)) })
        case .forgetful(let count):
            return .instances(registered.prefix(count).map { .init(Self.endpoint($0)) })
        }
    }
}
