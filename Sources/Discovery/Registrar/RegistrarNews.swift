// RegistrarNews: what a registrar did and met, for the log.

package import Consul
package import Docker

/// Something that happened. Value type, any thread.
package enum RegistrarNews: Sendable, Equatable {
    /// The agent holds a service that it did not hold, or not so, and why.
    case registered(ContainerRegistration, Cause)
    /// The agent holds a service no more, and why: a clause.
    case deregistered(id: String, name: String, cause: String)
    /// The agent was told that a service is otherwise than before.
    case reported(ContainerRegistration)
    /// The agent refused to hold or to remove a service.
    case refused(id: String, name: String, ConsulFailure)
    /// The agent holds a service of that id which is not ours, and is left as it is.
    case conflict(ContainerRegistration)
    /// The agent has forgotten so many of so many services.
    case forgotten(Int, of: Int)
    /// The agent can't be asked, and why; or it answers again.
    case agentFailed(ConsulFailure)
    case agentAnswers
    /// The engine can't be followed, and why; or it is again.
    case engineFailed(EngineFailure)
    case engineFollowed
    /// What a container asks for can't be done so: a sentence without its full stop.
    case problem(container: String, String)

    /// Why a service was registered.
    package enum Cause: String, Sendable {
        case new = "its container runs"
        case changed = "it is different from what the agent held"
        case forgotten = "the agent had forgotten it"
        case adopted = "it takes the place of a Registrator's"
    }
}
