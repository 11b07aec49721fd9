// World: how the simulated instances really are, which nobody but the simulation knows, and what
// the registry says of them.

import Backends
import Endpoints

/// What is the matter with an instance.
enum Condition: CaseIterable {
    /// Nothing.
    case well
    /// It refuses connections.
    case crashed
    /// It takes connections and requests, and never answers.
    case hung
    /// It answers 35 times as late.
    case slow
    /// It answers 500, and its check 200.
    case failing
    /// It answers 500, its check as well.
    case sick
    /// It works, and its check fails.
    case maligned

    /// Whether clients get good answers from it.
    var serves: Bool {
        switch self {
        case .well, .slow, .maligned: true
        case .crashed, .hung, .failing, .sick: false
        }
    }

    /// Whether its checks pass.
    var passesChecks: Bool {
        switch self {
        case .well, .slow, .failing: true
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
        /// Since when it serves without a break, in microseconds; nil while it does not.
        var servesSince: Int?
        var isRegistered = true
    }

    private(set) var instances: [Int: Instance] = [:]
    var mood = RegistryMood.truthful

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

    /// The numbers of those that are registered, in order.
    var registered: [Int] {
        instances.filter { $0.value.isRegistered }.keys.sorted()
    }

    /// Whether nothing is the matter with anything.
    var isWell: Bool {
        guard case .truthful = mood else { return false }
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
        instance.condition = condition
        instance.servesSince = condition.serves ? instance.servesSince ?? time : nil
        instances[number] = instance
    }

    mutating func add(_ number: Int, at time: Int) {
        instances[number] = Instance(servesSince: time)
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
