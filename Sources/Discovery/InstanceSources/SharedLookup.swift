// SharedLookup: one lookup for all services that ask the same. Several services of one name (a port
// for people and one for machines, routes with other limits) must not ask a registry again what it
// has just answered.

package import Backends

/// A lookup and its listeners. Control thread only.
package final class SharedLookup {
    /// What is asked, for the admin port.
    package let summary: String
    private let make: () -> any Source
    private let onIdle: () -> Void
    private var source: (any Source)?
    private var listeners: [ObjectIdentifier: (DiscoveryAnswer) -> Void] = [:]
    private var last: DiscoveryAnswer?

    /// A lookup by the source that `make` makes when the first listener comes. `onIdle` is called
    /// when the last one has gone.
    package init(
        _ summary: String, make: @escaping () -> any Source, onIdle: @escaping () -> Void = {}
    ) {
        self.summary = summary
        self.make = make
        self.onIdle = onIdle
    }

    fileprivate func add(_ source: SharedSource, _ listener: @escaping (DiscoveryAnswer) -> Void) {
        listeners[ObjectIdentifier(source)] = listener
        if self.source != nil {
            if let last { listener(last) }
            return
        }
        let lookup = make()
        self.source = lookup
        lookup.start { [weak self] answer in
            guard let self else { return }
            last = answer
            for listener in listeners.values { listener(answer) }
        }
    }

    fileprivate func remove(_ source: SharedSource) {
        guard listeners.removeValue(forKey: ObjectIdentifier(source)) != nil, listeners.isEmpty
        else { return }
        self.source?.stop()
        self.source = nil
        last = nil
        onIdle()
    }

    fileprivate var answersStand: Bool { source?.answersStand ?? false }

    fileprivate var isDeliberate: Bool { source?.isDeliberate ?? false }

    fileprivate var nextAsk: ContinuousClock.Instant? { source?.nextAsk }

    fileprivate var findings: SourceFindings { source?.findings ?? SourceFindings() }
}

/// One service's part in a shared lookup. Control thread only.
package final class SharedSource: Source {
    /// What is asked.
    package var summary: String { lookup.summary }
    private let lookup: SharedLookup

    /// A part in `lookup`.
    package init(_ lookup: SharedLookup) {
        self.lookup = lookup
    }

    /// Whether the answers of the lookup hold until it gives others.
    package var answersStand: Bool { lookup.answersStand }

    /// Whether what the lookup reports is what somebody wrote down.
    package var isDeliberate: Bool { lookup.isDeliberate }

    /// When the lookup is made again.
    package var nextAsk: ContinuousClock.Instant? { lookup.nextAsk }

    /// What is odd about the lookup's last answer.
    package var findings: SourceFindings { lookup.findings }

    /// Begins the lookup, or joins it: its last result is reported before this returns.
    package func start(reportingTo listener: @escaping (DiscoveryAnswer) -> Void) {
        lookup.add(self, listener)
    }

    /// Leaves the lookup, which ends when its last listener leaves.
    package func stop() {
        lookup.remove(self)
    }
}
