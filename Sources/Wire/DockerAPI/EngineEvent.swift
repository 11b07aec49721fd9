// EngineEvent: one event of `/events`, as far as it concerns where traffic goes.
//
// | event                                   | what it says here                                     |
// |-----------------------------------------|-------------------------------------------------------|
// | container kill, with a signal           | the process was sent that signal                      |
// | container die                           | it has ended                                          |
// | container destroy                       | it is no more                                         |
// | container pause                         | it is frozen                                          |
// | container start, restart, unpause,      | something is different: ask                           |
// |  rename, update, create, health_status… |                                                       |
// | network connect, disconnect             | the container's addresses may be different: ask       |
// | exec_…, attach, top, resize, other types| nothing                                               |
//
// Since API 1.52 engines leave out `status`, `id` and `from`, which say once more what `Type`,
// `Action` and `Actor` say: these are read.

package import JSON

/// What happened to a container. Value type, any thread.
package struct EngineEvent: Hashable, Sendable {
    /// What happened.
    package enum Action: Hashable, Sendable {
        /// The process was sent this signal; nil when the event does not say which.
        case kill(signal: Int?)
        /// Its process ended, with this exit code; nil when the event does not say.
        case die(exitCode: Int?)
        case destroy
        case pause
        /// Its process begins.
        case start
        /// Something else that may matter.
        case change
    }

    /// The id of the container.
    package let container: String
    /// What happened to it.
    package let action: Action

    /// That `action` happened to `container`.
    package init(container: String, _ action: Action) {
        self.container = container
        self.action = action
    }

    /// The event on one line of the stream; nil for one that concerns no container's traffic.
    ///
    /// - Throws: `JSON.Malformed`.
    package init?(line: [UInt8]) throws(JSON.Malformed) {
        let document = try JSON.decode(Document.self, from: line)
        let attributes = document.Actor?.Attributes?.value
        let id: String?
        switch document.kind {
        case "container":
            id = document.Actor?.ID
            guard let action = Action(document.Action, attributes) else { return nil }
            self.action = action
        case "network" where ["connect", "disconnect"].contains(document.Action):
            id = attributes?.container?.value
            action = .change
        default: return nil
        }
        guard let id, ContainerID.isValid(id) else {
            throw .init("an event \(document.Action.prefix(20)) names no container")
        }
        container = id
    }

    private struct Document: Decodable {
        struct Actor: Decodable {
            let ID: String?
            let Attributes: JSON.Tolerant<EventAttributes>?
        }

        let kind: String
        let Action: String
        let Actor: Actor?

        enum CodingKeys: String, CodingKey {
            case kind = "Type"
            case Action, Actor
        }
    }

    /// The query of `/events` for these events alone: those of health checks that run in
    /// containers would be most of the stream.
    package static let query = EngineFilter.query([
        ("type", ["container", "network"]),
        (
            "event",
            [
                "create", "start", "restart", "kill", "die", "oom", "pause", "unpause", "rename",
                "update", "destroy", "health_status", "connect", "disconnect",
                // Podman tells of `die` and `destroy` too, but lets through what is asked for by
                // its own names.
                "died", "remove",
            ]
        ),
    ])
}

/// The attributes of an event that are read: all labels of its container are among the others.
private struct EventAttributes: Decodable {
    let container: JSON.Tolerant<String>?
    let exitCode: JSON.Tolerant<String>?
    let signal: JSON.Tolerant<String>?
}

extension EngineEvent.Action {
    fileprivate init?(_ name: String, _ attributes: EventAttributes?) {
        switch name {
        case "kill": self = .kill(signal: attributes?.signal?.value.flatMap { Signal.number($0) })
        case "die", "died": self = .die(exitCode: attributes?.exitCode?.value.flatMap { Int($0) })
        case "destroy", "remove": self = .destroy
        case "pause": self = .pause
        case "start": self = .start
        case "create", "restart", "unpause", "rename", "update", "oom": self = .change
        default:
            guard name.hasPrefix("health_status") else { return nil }
            self = .change
        }
    }
}

/// Ids of containers.
package enum ContainerID {
    /// Whether `text` is the id of a container: 12 to 64 hexadecimal digits in lower case, so that
    /// it may stand in a path.
    package static func isValid(_ text: String) -> Bool {
        (12...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    /// The beginning of an id that people read: 12 digits.
    package static func short(_ id: String) -> String { String(id.prefix(12)) }
}

/// Signals, as engines spell them.
package enum Signal {
    private static let numbers = [
        "HUP": 1, "INT": 2, "QUIT": 3, "KILL": 9, "USR1": 10, "USR2": 12, "TERM": 15, "CONT": 18,
        "STOP": 19, "WINCH": 28,
    ]
    /// The signals that end a process: INT, QUIT, KILL and TERM.
    package static let ending: Set<Int> = [2, 3, 9, 15]

    /// The number that `text` spells: `15`, `TERM` or `SIGTERM`; nil when it spells none of Linux'
    /// own, as `SIGRTMIN+3`.
    package static func number(_ text: String) -> Int? {
        if let number = Int(text) { return (1...64).contains(number) ? number : nil }
        let name = text.uppercased()
        return numbers[name.hasPrefix("SIG") ? String(name.dropFirst(3)) : name]
    }
}
