// AdminJSON+Discovery: the document at /discovery: each source's last answer, what follows from it,
// and the servers that are asked.

internal import Backends

/// `/discovery`.
struct DiscoveryDocument: Encodable {
    struct Service: Encodable {
        let name: String
        let sources: [Source]
        let holds: [Hold]
    }

    struct Source: Encodable {
        let summary: String
        let lastGoodAt: String?
        let lastGoodAgeSeconds: Double?
        let lastGoodCount: Int
        let lastFailureAt: String?
        let lastFailure: String
        let failing: Bool
        let findings: [String]
        let leftOut: Int
        let idle: [IdleView]?
        /// Answers so far by kind.
        let answers: [String: Int]
        /// When it is asked again; nil while it is being asked, or when it reports changes by
        /// itself.
        let nextAskAt: String?
        let nextAskInSeconds: Double?
        /// What the last good answer names, as far as it is used.
        let instances: [Instance]
        /// Backends that it does not name, and that are kept.
        let kept: [String]
    }

    struct Instance: Encodable {
        let address: String
        let hostName: String
        let priority: UInt16
        let weight: UInt16
    }

    struct Hold: Encodable {
        let kind: String
        let backends: Int
        let until: String
        let leftSeconds: Double
    }

    let time: String
    let services: [Service]
    let registries: [RegistryView]

    init(_ snapshot: AdminSnapshot) {
        let now = snapshot.takenAt
        time = timeText(now)
        registries = snapshot.registries.map(RegistryView.init)
        services = snapshot.services.map { service in
            Service(
                name: service.name,
                sources: service.sources.enumerated().map { place, source in
                    Source(source, service.backends.filter { $0.tier.place == place }, at: now)
                },
                holds: service.holds.map {
                    Hold(
                        kind: $0.kind, backends: $0.backends, until: timeText($0.until),
                        leftSeconds: rounded(max(0, $0.until - now)))
                })
        }
    }
}

extension DiscoveryDocument.Source {
    fileprivate init(
        _ source: AdminSnapshot.Source, _ backends: [AdminSnapshot.Backend], at now: Double
    ) {
        summary = source.summary
        lastGoodAt = source.lastGoodAt.map(timeText)
        lastGoodAgeSeconds = source.lastGoodAt.map { rounded(max(0, now - $0)) }
        lastGoodCount = source.lastGoodCount
        lastFailureAt = source.lastFailureAt.map(timeText)
        lastFailure = source.lastFailure
        failing = source.isFailing
        findings = source.findings
        leftOut = source.leftOutCount
        idle = source.idle.isEmpty ? nil : source.idle.map(IdleView.init)
        answers = source.answers
        nextAskAt = source.nextAskAt.map(timeText)
        nextAskInSeconds = source.nextAskAt.map { rounded(max(0, $0 - now)) }
        instances = backends.filter(\.isNamed).map {
            DiscoveryDocument.Instance(
                address: "\($0.endpoint)", hostName: $0.hostName, priority: $0.tier.priority,
                weight: $0.namedWeight)
        }
        kept = backends.filter { !$0.isNamed }.map { "\($0.endpoint)" }
    }
}

/// To a thousandth.
private func rounded(_ seconds: Double) -> Double { (seconds * 1000).rounded() / 1000 }
