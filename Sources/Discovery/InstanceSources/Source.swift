// Source: where a service's instances come from. A source reports all instances each time; the
// roster decides what that means for the backends.

package import Backends
package import DNSClient

/// Something that reports a service's instances. Control thread only.
package protocol Source: AnyObject {
    /// What it asks and whom, for the admin port: `SRV _web._tcp.service.consul`.
    var summary: String { get }
    /// Whether its last report holds until the next: changes are pushed to it, and it has nothing
    /// to repeat while there are none. False for one that asks again and again.
    var answersStand: Bool { get }
    /// Whether what it reports is what somebody wrote down, so that however much it takes away is
    /// meant.
    var isDeliberate: Bool { get }
    /// When it asks again; nil while it asks, and when changes are pushed to it.
    var nextAsk: ContinuousClock.Instant? { get }
    /// What is odd about its last answer.
    var findings: SourceFindings { get }
    /// Begins to report to `listener`: at once, or as soon as the first lookup ends, and from then
    /// on whenever one does.
    func start(reportingTo listener: @escaping (DiscoveryAnswer) -> Void)
    /// Reports nothing more.
    func stop()
}

/// A source that asks DNS, and can be watched doing so. Control thread only.
package protocol DNSSource: Source {
    /// Called with every answer that a lookup is made of, before the result is reported; nil for no
    /// call.
    var onAnswer: ((DNSAnswer) -> Void)? { get set }
}

extension Source {
    /// Most ask again and again.
    package var answersStand: Bool { false }

    /// Registries are machines, and forget.
    package var isDeliberate: Bool { false }

    /// Not all ask by a timer.
    package var nextAsk: ContinuousClock.Instant? { nil }

    /// Most report nothing but instances.
    package var findings: SourceFindings { SourceFindings() }
}
