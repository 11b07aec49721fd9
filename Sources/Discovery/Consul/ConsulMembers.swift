// ConsulMembers: the instances of one service that pass their checks, by name, as soon as they
// change. For those who count them and connect to none; ConsulSource has what it takes to connect.

internal import ConsulQuery
internal import JSON

/// A watch of who passes. Loop thread only.
package final class ConsulMembers {
    /// `Consul service fairlead`.
    package let summary: String
    private let watch: ConsulValueWatch<[String]>

    /// A watch of the service `name` in the agents' own datacentre.
    package init(_ name: String, agents: ConsulAgents) {
        summary = "Consul service \(name)"
        watch = ConsulValueWatch(
            "/v1/health/service/\(PercentEncoding.encode(name))?passing", of: agents,
            read: Self.read)
    }

    /// Asks at once, and reports the ids of the instances whose checks all pass, sorted, when they
    /// are first known and when they differ from the last report; a failure is told too. Instances
    /// of several nodes may have one id.
    package func start(
        reportingTo listener: @escaping (Result<[String], ConsulFailure>) -> Void
    ) {
        watch.start(reportingTo: listener)
    }

    /// Drops the question under way and asks no more.
    package func stop() { watch.stop() }

    static func read(_ answer: ConsulAnswer) -> Result<[String], ConsulFailure> {
        guard answer.status == 200 else { return .failure(.status(answer.status, "")) }
        do throws(JSON.Malformed) {
            let health = try HealthAnswer(service: answer.body, passingOnly: true)
            // Some of them may be hidden as well as all.
            if let doubt = answer.doubt { return .failure(doubt) }
            return .success(health.items.map { $0.metadata["id"] ?? "" }.sorted())
        } catch {
            return .failure(.malformed(error.reason))
        }
    }
}
