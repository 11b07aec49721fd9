// ConsulCatalog: which services exist, with the tags of all their instances. fabio's convention
// needs it: a service that wants traffic says so in a tag (`URLPrefixTag`).
//
// The catalogue knows no health: a service is listed while any instance of it is registered.

internal import ConsulQuery
package import InstanceSources
internal import JSON

/// A watch of the list of services. Loop thread only.
package final class ConsulCatalog {
    /// What the catalogue says. Any thread.
    package struct Contents: Sendable, Equatable {
        /// The tags of every service, sorted and without duplicates.
        package var tags: [String: [String]] = [:]
        /// Services and tags that can't be read.
        package var omissions = Omissions()
    }

    /// Services in one answer.
    package static let servicesMax = 10_000
    /// Tags of all services together.
    package static let tagsMax = 100_000

    /// `Consul catalogue`, with the datacentre when one was named.
    package let summary: String
    private let watch: ConsulValueWatch<Contents>

    /// A watch of all services; `datacenter` nil is the agent's own.
    package init(datacenter: String? = nil, agents: ConsulAgents) {
        var target = "/v1/catalog/services"
        if let datacenter { target += "?dc=\(PercentEncoding.encode(datacenter))" }
        summary = "Consul catalogue\(datacenter.map { " of \($0)" } ?? "")"
        watch = ConsulValueWatch(target, of: agents, read: Self.read)
    }

    /// When the last good answer came, changed or not; nil before the first.
    package var lastGoodAnswer: ContinuousClock.Instant? { watch.lastGoodAnswer }

    /// Asks at once, and reports the tags of every service, sorted and without duplicates, when
    /// they are first known and when they differ from the last report; a failure likewise.
    package func start(
        reportingTo listener: @escaping (Result<Contents, ConsulFailure>) -> Void
    ) {
        watch.start(reportingTo: listener)
    }

    /// Drops the question under way and asks no more.
    package func stop() {
        watch.stop()
    }

    static func read(_ answer: ConsulAnswer) -> Result<Contents, ConsulFailure> {
        guard answer.status == 200 else { return .failure(.status(answer.status, "")) }
        do throws(JSON.Malformed) {
            let services = try JSON.decode(
                [String: JSON.Tolerant<[JSON.Tolerant<String>]?>].self, from: answer.body)
            guard services.count <= servicesMax else {
                throw .init(
                    "there are \(services.count) services, at most \(servicesMax) are taken")
            }
            var contents = Contents()
            for (name, list) in services.sorted(by: { $0.key < $1.key }) {
                if let reason = list.reason { contents.omissions.add(reason) }
                let tags = (list.value ?? nil) ?? []
                for reason in tags.compactMap(\.reason) { contents.omissions.add(reason) }
                contents.tags[name] = Set(tags.compactMap(\.value)).sorted()
            }
            let count = contents.tags.values.reduce(0) { $0 + $1.count }
            guard count <= tagsMax else {
                throw .init("there are \(count) tags, at most \(tagsMax) are taken")
            }
            if services.isEmpty, let doubt = answer.doubt { return .failure(doubt) }
            return .success(contents)
        } catch {
            return .failure(.malformed(error.reason))
        }
    }
}
