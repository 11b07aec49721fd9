// OperatorCommands: what the admin port was told about backends of one service. Each command goes
// before what the configuration and the K/V store say of the same thing. It lasts until it is taken
// back, the backend leaves the roster, or the process ends: nobody wrote it down, so that a
// container which gets the address later must not inherit it.

internal import Backends
internal import Endpoints

/// The admin port's commands, by backend. Value type, control thread.
struct OperatorCommands {
    /// What the commands about one backend come to.
    private struct Standing {
        let endpoint: Endpoint
        var weight: UInt16?
        /// Nil leaves it to the others; false goes before their drain.
        var isDrained: Bool?
        var isCutOff = false

        var isEmpty: Bool { weight == nil && isDrained == nil }
    }

    private var commands: [BackendID: Standing] = [:]

    /// Records a command about `backend`. What is `written` elsewhere decides whether `enable` has
    /// anything to go before.
    mutating func record(
        _ change: OperatorCommand, about backend: Backend, written: BackendOverride?
    ) {
        var standing = commands[backend.id] ?? Standing(endpoint: backend.endpoint)
        switch change {
        case .drain:
            standing.isDrained = true
            standing.isCutOff = false
        case .disable:
            standing.isDrained = true
            standing.isCutOff = true
        case .enable:
            standing.isDrained = written?.isDrained == true ? false : nil
            standing.isCutOff = false
        case .weight(let weight): standing.weight = weight
        }
        commands[backend.id] = standing.isEmpty ? nil : standing
    }

    /// Forgets what was said of backends that are gone. Returns whether there was any.
    mutating func keepOnly(_ isThere: (BackendID) -> Bool) -> Bool {
        let before = commands.count
        commands = commands.filter { isThere($0.key) }
        return commands.count != before
    }

    /// What holds, given what is `written` elsewhere. An `enable` lasts as long as the drain that
    /// it goes before.
    mutating func merged(with written: BackendOverrides) -> BackendOverrides {
        var all = written
        for (id, standing) in commands {
            var override = all[standing.endpoint] ?? BackendOverride()
            if standing.isDrained == false, !override.isDrained { commands[id]?.isDrained = nil }
            if commands[id]?.isEmpty == true { commands[id] = nil }
            override.weight = standing.weight ?? override.weight
            override.isDrained = standing.isDrained ?? override.isDrained
            override.isCutOff = standing.isCutOff
            all[standing.endpoint] = override
        }
        return all
    }
}

/// A command about a backend that lasts. Value type.
enum OperatorCommand {
    case drain, disable, enable
    case weight(UInt16?)
}
