// Source: where a service's instances come from. A source says what it heard, whole, each time;
// what that means for the backends is the roster's to decide.

package import Backends
package import DNSClient

/// Something that reports a service's instances. Control thread only.
package protocol Source: AnyObject {
    /// What it asks and whom, for the admin port: `SRV _web._tcp.service.consul`.
    var summary: String { get }
    /// Whether what it reported last holds until it reports something else: it is told of changes,
    /// and has nothing to repeat while there are none. False for one that asks again and again.
    var answersStand: Bool { get }
    /// Whether what it reports is what somebody wrote down, so that however much it takes away is
    /// meant.
    var isDeliberate: Bool { get }
    /// When it asks again; nil while it asks, and when it is told of changes instead.
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
    /// Called with every answer that a lookup is made of, before what it comes to is reported; nil
    /// for nobody.
    var onAnswer: ((DNSAnswer) -> Void)? { get set }
}

extension Source {
    /// Most ask again and again.
    package var answersStand: Bool { false }

    /// Registries are machines, and forget.
    package var isDeliberate: Bool { false }

    /// Not all ask by a timer.
    package var nextAsk: ContinuousClock.Instant? { nil }

    /// Most have nothing to tell but instances.
    package var findings: SourceFindings { SourceFindings() }
}
