// OperatorCommands: commands by the admin port about backends of one service. A command overrides
// what the configuration and the K/V store say on the same point. It lasts until it is taken back,
// the backend leaves the roster, or the process ends. It is written down nowhere, so a container
// that gets the address later must not inherit it.

internal import Backends
internal import Endpoints

/// The admin port's commands, by backend. Value type, control thread.
struct OperatorCommands {
    /// The sum of the commands about one backend.
    private struct Standing {
        let endpoint: Endpoint
        var weight: UInt16?
        /// Nil leaves it to the configuration and the store; false overrides their drain.
        var isDrained: Bool?
        var isCutOff = false

        var isEmpty: Bool { weight == nil && isDrained == nil }
    }

    private var commands: [BackendID: Standing] = [:]

    /// Records a command about `backend`. `written` is what the configuration and the store say of
    /// it, which `enable` may have to override.
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

    /// Forgets commands about backends that are gone. Returns whether there were any.
    mutating func keepOnly(_ isThere: (BackendID) -> Bool) -> Bool {
        let before = commands.count
        commands = commands.filter { isThere($0.key) }
        return commands.count != before
    }

    /// The overrides in force, given those `written` in the configuration and the store. An
    /// `enable` lasts as long as the drain that it overrides.
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

/// A lasting command about a backend. Value type.
enum OperatorCommand {
    case drain, disable, enable
    case weight(UInt16?)
}
