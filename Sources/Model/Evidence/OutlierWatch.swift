// OutlierWatch: which backends of a service stand out by what live traffic says of them. Pure;
// looked at once a second by the control thread, with the workers' counters.
//
// A check asks one question every other second; traffic asks the real ones all the time. A backend
// that answers connects and its health page, and fails a third of the requests or takes five times
// as long as its peers, is found here. It is compared with the others, never with a number alone:
// when all are failing, or slow, none of them is to blame.
//
// Figures are kept by second, for ten seconds: enough for the twenty answers that a verdict takes
// at two a second, and little enough that a backend is not judged by what is over.

package import Backends

/// What stands out among the backends of one service. Value type, control thread.
package struct OutlierWatch: Sendable {
    /// What makes a backend stand out. Value type, any thread.
    package struct Rules: Sendable, Equatable {
        /// The share of failed answers, 1 to 100 percent, which also has to be three times that of
        /// all others together; nil for no limit. Much less than 30, and chance reaches it at 20
        /// answers.
        package var errorPercent: Int? = 30
        /// How many times as long as those of all others, 2 or more, its answers take on average,
        /// which also has to be 50 ms longer; nil for no limit. Off, since backends may differ in
        /// what they are asked.
        package var slowFactor: Int?
        /// Answers within the window, of the backend and of all others, without which nothing is
        /// said; at least 1. A share of a few answers is chance.
        package var requestsMin = 20

        /// The defaults.
        package init() {}
    }

    /// What is known of a backend since it came: totals that only grow.
    package struct Figures: Sendable, Equatable {
        /// Requests that were answered or given up on.
        package var answers: UInt64
        /// Of these, failed ones: a status of 500 or above, a connection that broke, no answer in
        /// time.
        package var failures: UInt64
        /// The sum of the times to the first byte, in microseconds.
        package var firstByteMicroseconds: UInt64
        /// How many times were added up.
        package var firstByteCount: UInt64
        /// Bytes that came from it.
        package var bytesReceived: UInt64

        /// All zero unless given.
        package init(
            answers: UInt64 = 0, failures: UInt64 = 0, firstByteMicroseconds: UInt64 = 0,
            firstByteCount: UInt64 = 0, bytesReceived: UInt64 = 0
        ) {
            self.answers = answers
            self.failures = failures
            self.firstByteMicroseconds = firstByteMicroseconds
            self.firstByteCount = firstByteCount
            self.bytesReceived = bytesReceived
        }

        /// What came since `earlier`; nothing where a total has shrunk, which starts over then.
        fileprivate func growth(since earlier: Figures) -> Figures {
            guard answers >= earlier.answers, failures >= earlier.failures,
                firstByteMicroseconds >= earlier.firstByteMicroseconds,
                firstByteCount >= earlier.firstByteCount,
                bytesReceived >= earlier.bytesReceived
            else { return Figures() }
            return self - earlier
        }

        /// What both say together.
        package static func + (left: Figures, right: Figures) -> Figures {
            Figures(
                answers: left.answers + right.answers, failures: left.failures + right.failures,
                firstByteMicroseconds: left.firstByteMicroseconds + right.firstByteMicroseconds,
                firstByteCount: left.firstByteCount + right.firstByteCount,
                bytesReceived: left.bytesReceived + right.bytesReceived)
        }

        fileprivate static func - (left: Figures, right: Figures) -> Figures {
            Figures(
                answers: left.answers - right.answers, failures: left.failures - right.failures,
                firstByteMicroseconds: left.firstByteMicroseconds - right.firstByteMicroseconds,
                firstByteCount: left.firstByteCount - right.firstByteCount,
                bytesReceived: left.bytesReceived - right.bytesReceived)
        }

        fileprivate var meanMicroseconds: UInt64 {
            firstByteCount == 0 ? 0 : firstByteMicroseconds / firstByteCount
        }
    }

    /// A backend that stands out.
    package struct Outlier: Sendable, Hashable {
        /// Which.
        package let backend: BackendID
        /// Why: `errorRate` or `slow`.
        package let failure: LiveFailure
    }

    /// What makes a backend stand out from now on.
    package var rules: Rules

    private static let seconds = 10
    private static let recentSeconds = 2
    private static let errorFactor: UInt64 = 3
    private static let slowMicroseconds: UInt64 = 50_000

    private var totals: [BackendID: Figures] = [:]
    /// Of the backends that answered anything within the last ten seconds. Of thousands that are
    /// dead or idle there is none, so that they cost one look-up a second each.
    private var windows: [BackendID: Window] = [:]
    /// Of all backends, those that left or stood out included.
    private var service = Window()
    /// When the first figures came; nil before.
    private var begin: ContinuousClock.Instant?

    /// A watch that has seen nothing.
    package init(rules: Rules = Rules()) {
        self.rules = rules
    }

    /// What all backends answered within the last 2 s before the last figures, and how many bytes
    /// came from them.
    package var recent: (answers: UInt64, failures: UInt64, bytes: UInt64) {
        let sum = service.sum(overLast: Self.recentSeconds)
        return (sum.answers, sum.failures, sum.bytesReceived)
    }

    /// Takes the totals of all backends as they are now, each once; call it once a second. A
    /// backend that is seen for the first time is judged by what comes from now on, and one that is
    /// not among them is forgotten. An outlier is returned once; it is returned again only if what
    /// comes from now on shows it again.
    /// - Complexity: O(n).
    package mutating func update(
        now: ContinuousClock.Instant, figures: [(backend: BackendID, total: Figures)]
    ) -> [Outlier] {
        let begin = begin ?? now
        self.begin = begin
        // Whole seconds, as the ring has them; a clock never goes back.
        let second = Int(begin.duration(to: now).components.seconds)
        service.advance(to: second)
        var candidates: [BackendID] = []
        for (backend, total) in figures {
            guard let before = totals[backend] else {
                totals[backend] = total
                continue
            }
            if total != before {
                totals[backend] = total
                let growth = total.growth(since: before)
                windows[backend, default: Window()].advance(to: second)
                windows[backend]?.add(growth)
                service.add(growth)
                candidates.append(backend)
            } else if windows[backend] != nil {
                windows[backend]?.advance(to: second)
                candidates.append(backend)
            }
        }
        forget(allBut: figures)
        return judge(candidates)
    }

    /// Forgets the backends that are not among `figures`.
    private mutating func forget(allBut figures: [(backend: BackendID, total: Figures)]) {
        guard totals.count > figures.count else { return }
        let known = Set(figures.map(\.backend))
        totals = totals.filter { known.contains($0.key) }
        windows = windows.filter { known.contains($0.key) }
    }

    private mutating func judge(_ candidates: [BackendID]) -> [Outlier] {
        let sums = candidates.map { windows[$0]?.sum(overLast: Self.seconds) ?? Figures() }
        let all = sums.reduce(Figures(), +)
        var outliers: [Outlier] = []
        for (backend, own) in zip(candidates, sums) {
            guard let failure = failure(of: own, others: all - own) else {
                if own == Figures() { windows[backend] = nil }
                continue
            }
            outliers.append(Outlier(backend: backend, failure: failure))
            windows[backend]?.clear()
        }
        return outliers
    }

    private func failure(of own: Figures, others: Figures) -> LiveFailure? {
        let enough = UInt64(max(1, rules.requestsMin))
        if let percent = rules.errorPercent, own.answers >= enough, others.answers >= enough {
            let isMuch = own.failures * 100 >= UInt64(max(1, percent)) * own.answers
            // The shares compared without dividing.
            let isMore =
                own.failures * others.answers >= Self.errorFactor * others.failures * own.answers
            if isMuch, isMore {
                return .errorRate(failed: Int(own.failures), of: Int(own.answers))
            }
        }
        if let factor = rules.slowFactor, own.firstByteCount >= enough,
            others.firstByteCount >= enough
        {
            let (mean, usual) = (own.meanMicroseconds, others.meanMicroseconds)
            if mean >= UInt64(max(2, factor)) * usual, mean >= usual + Self.slowMicroseconds {
                return .slow(milliseconds: Int(mean / 1000), others: Int(usual / 1000))
            }
        }
        return nil
    }

    /// Ten seconds' figures, a slot for each second.
    private struct Window {
        private var slots = InlineArray<10, Figures>(repeating: Figures())
        private var second = 0

        /// Makes `second` the one that is added to; those in between had nothing.
        mutating func advance(to second: Int) {
            guard second > self.second else { return }
            for skipped in max(self.second + 1, second - slots.count + 1)...second {
                slots[skipped % slots.count] = Figures()
            }
            self.second = second
        }

        mutating func add(_ figures: Figures) {
            slots[second % slots.count] = slots[second % slots.count] + figures
        }

        /// The sum of so many seconds, the current one included; at most ten.
        func sum(overLast count: Int) -> Figures {
            var sum = Figures()
            for back in 0..<count {
                // A second before the first is a slot that is still empty.
                sum = sum + slots[(second + slots.count - back) % slots.count]
            }
            return sum
        }

        mutating func clear() {
            slots = InlineArray(repeating: Figures())
        }
    }
}
