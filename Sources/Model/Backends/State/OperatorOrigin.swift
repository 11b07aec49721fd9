// OperatorOrigin: where an operator's command came from, for the journal: a colleague who finds a
// backend drained wants to know whom to ask.

package import Endpoints

/// Where an operator's command came from. Value type, any thread.
package enum OperatorOrigin: Sendable, Hashable, CustomStringConvertible {
    /// The command is written down where the configuration is, or in the store that it follows.
    case store
    /// The command came to the admin port, from that address.
    case adminPort(from: IPAddress)

    /// The one who did something: `an operator`, `the admin port from 127.0.0.1`.
    package var description: String {
        switch self {
        case .store: "an operator"
        case .adminPort(let address): "the admin port from \(address)"
        }
    }
}

/// The outcome of an operator's command to eject a backend. Any thread.
package enum OperatorEjection: Sendable, Equatable {
    /// The backend is ejected.
    case done
    /// The backend is not up, so that there is nothing to eject.
    case notUp(BackendState.Phase)
    /// The backend stays: nothing else could take its requests.
    case refused(EjectionRefusal)
}

extension Cause {
    init(drainBy origin: OperatorOrigin) {
        switch origin {
        case .store: self = .drainedByOperator
        case .adminPort(let address): self = .drainedByAdminPort(address)
        }
    }

    init(drainLiftedBy origin: OperatorOrigin) {
        switch origin {
        case .store: self = .drainLifted
        case .adminPort(let address): self = .drainLiftedByAdminPort(address)
        }
    }
}
