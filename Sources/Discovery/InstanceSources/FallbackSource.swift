// FallbackSource: two ways to ask one registry; the second is used while the first fails. Consul's
// API reports a change at once, but needs the agent's HTTP port and a token; its DNS is slower and
// needs neither. Both are asked all the time, so that the second is up to date when it is needed,
// and feed one roster.

package import Backends

/// A source with another one for when it fails. Control thread only.
package final class FallbackSource: Source {
    /// The two, in their order.
    package let summary: String
    private let first: any Source
    private let second: any Source
    private var listener: ((DiscoveryAnswer) -> Void)?
    private var state = FallbackState()

    /// `first`, and `second` while that fails.
    package init(_ first: any Source, fallback second: any Source) {
        self.first = first
        self.second = second
        summary = "\(first.summary), else \(second.summary)"
    }

    /// Whether the answers of the first source hold until it gives others; false while the second
    /// is asked.
    package var answersStand: Bool { state.isFirstGood && first.answersStand }

    /// Whether the first source is, while it works; the second does not count.
    package var isDeliberate: Bool { state.isFirstGood && first.isDeliberate }

    /// The earlier of the two times.
    package var nextAsk: ContinuousClock.Instant? {
        [first.nextAsk, second.nextAsk].compactMap(\.self).min()
    }

    /// What is odd about the answer that counts.
    package var findings: SourceFindings {
        state.isFirstGood ? first.findings : state.isSecondGood ? second.findings : first.findings
    }

    /// Begins to ask both.
    package func start(reportingTo listener: @escaping (DiscoveryAnswer) -> Void) {
        self.listener = listener
        first.start { [weak self] answer in
            guard let self else { return }
            if let report = state.firstAnswered(answer) { self.listener?(report) }
        }
        second.start { [weak self] answer in
            guard let self else { return }
            if let report = state.secondAnswered(answer) { self.listener?(report) }
        }
    }

    /// Stops both.
    package func stop() {
        listener = nil
        first.stop()
        second.stop()
    }
}

/// What is to be reported of two sources' answers. Value type.
///
/// | the first         | the second's last answer | reported                           |
/// |-------------------|--------------------------|------------------------------------|
/// | good              | whatever                 | the first's instances              |
/// | not answered yet  | good                     | the second's instances             |
/// | not answered yet  | failed, or none          | nothing yet                        |
/// | fails             | good                     | the second's instances             |
/// | fails             | failed, or none          | the first's failure                |
///
/// A first source that names no instance counts as failing as well: if the second still names some,
/// the two contradict each other, and one of them alone takes nothing away.
package struct FallbackState: Sendable {
    private var first: DiscoveryAnswer?
    private var second: DiscoveryAnswer?

    /// Neither has answered.
    package init() {}

    /// Whether the first one names instances.
    package var isFirstGood: Bool { first?.isGood ?? false }

    /// Whether the second one names instances.
    package var isSecondGood: Bool { second?.isGood ?? false }

    /// The first source has answered. Returns what to report.
    package mutating func firstAnswered(_ answer: DiscoveryAnswer) -> DiscoveryAnswer? {
        first = answer
        return report
    }

    /// The second source has answered. Returns what to report; nil when nothing follows.
    package mutating func secondAnswered(_ answer: DiscoveryAnswer) -> DiscoveryAnswer? {
        second = answer
        // While the first one works, it alone counts.
        if isFirstGood { return nil }
        return report
    }

    private var report: DiscoveryAnswer? {
        if let first, first.isGood { return first }
        if let second, second.isGood { return second }
        return first
    }
}

extension DiscoveryAnswer {
    /// Whether it names an instance.
    fileprivate var isGood: Bool {
        if case .instances(let instances) = self { !instances.isEmpty } else { false }
    }
}
