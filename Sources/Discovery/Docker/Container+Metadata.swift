// What people see of a container, on the admin page and in its documents.

internal import Containers
internal import DockerAPI
internal import Endpoints

extension Container {
    /// What is shown of it: `node` is the engine's host where that is not ours, `check` what its
    /// HEALTHCHECK said when it failed.
    func metadata(_ vantage: Vantage) -> [String: String] {
        var metadata = [
            "container": summary.name, "id": ContainerID.short(summary.id),
            "image": summary.image,
        ]
        if summary.health != .none { metadata["health"] = summary.health.rawValue }
        // It is read when the health changes: one that is healthy again has said nothing since.
        if summary.health == .unhealthy, let failure = details?.checkFailure {
            metadata["check"] = failure
        }
        if let project = summary.labels["com.docker.compose.project"] {
            metadata["project"] = project
        }
        if let started = details?.startedAt, !started.isEmpty { metadata["started"] = started }
        if let count = details?.restartCount, count > 0 { metadata["restarts"] = "\(count)" }
        if case .remote(let host) = vantage { metadata["node"] = "\(host)" }
        return metadata
    }
}
