// RegistrarLines: what a registrar did and met, as lines of the log.

internal import Configuration
internal import Consul
internal import Endpoints
internal import Registrar

/// Writes the news of a registrar. Any thread.
struct RegistrarLines {
    private let log: Log
    private let node: String

    init(_ log: Log, node: String) {
        self.log = log
        self.node = node
    }

    func write(_ news: RegistrarNews) {
        switch news {
        case .registered(let registration, let cause):
            let service = registration.service
            log.write(
                .info, "registrar.registered",
                [
                    "service": service.name, "id": service.id,
                    "at": "\(service.address ?? "the node"):\(service.port)",
                    "container": registration.container, "cause": cause.rawValue,
                ])
        case .deregistered(let id, let name, let cause):
            log.write(
                .info, "registrar.deregistered", ["service": name, "id": id, "cause": cause])
        case .reported(let registration):
            guard let report = registration.report else { return }
            log.write(
                .info, "registrar.reported",
                [
                    "service": registration.service.name, "id": registration.service.id,
                    "to": report.status.rawValue, "cause": report.text,
                ])
        case .refused, .conflict, .forgotten, .problem: writeTrouble(news)
        case .agentFailed(let failure):
            log.write(
                .warning, "registrar.agent_failed",
                [
                    "cause": "\(failure)",
                    "effect": "registrations stay as they are until it answers",
                ])
        case .agentAnswers: log.write(.info, "registrar.agent_answers", [:])
        case .engineFailed(let failure):
            log.write(
                .warning, "registrar.engine_failed",
                [
                    "cause": "\(failure)",
                    "effect": "its containers go on, and so do their registrations",
                ])
        case .engineFollowed: log.write(.info, "registrar.engine_followed", [:])
        }
    }

    private func writeTrouble(_ news: RegistrarNews) {
        switch news {
        case .refused(let id, let name, let failure):
            log.write(
                .warning, "registrar.refused",
                ["service": name, "id": id, "cause": "\(failure)"])
        case .conflict(let registration):
            log.write(
                .warning, "registrar.conflict",
                [
                    "service": registration.service.name, "id": registration.service.id,
                    "container": registration.container,
                    "cause": "the agent holds a service of that id which is not ours",
                    "effect": "it is left as it is; remove it, give the container a SERVICE_ID, "
                        + "or take over what a Registrator has left with registrar.adopt",
                ])
        case .forgotten(let count, let all) where count == all:
            log.write(
                .warning, "registrar.forgotten",
                [
                    "services": "\(count)",
                    "cause":
                        "the agent has forgotten all of them: has it restarted without its data?",
                ])
        case .forgotten(let count, let all):
            log.write(
                .warning, "registrar.forgotten",
                [
                    "services": "\(count) of \(all)",
                    "cause": "somebody else has removed them: does another registrar use the name "
                        + "\(node)?",
                ])
        case .problem(let container, let text):
            log.write(.warning, "registrar.problem", ["container": container, "cause": text])
        case .registered, .deregistered, .reported, .agentFailed, .agentAnswers, .engineFailed,
            .engineFollowed:
            break
        }
    }
}
