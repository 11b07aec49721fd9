// RenewalPlan: when a certificate is to be renewed, and when to try again after a failure. Pure:
// all times are seconds of Unix time, since a certificate's life outlasts the process.

internal import JSON
internal import WallClock

/// The times of one certificate. Value type, any thread.
package struct RenewalPlan: Equatable, Sendable {
    /// When the authority would like the renewal (RFC 9773, section 4.2).
    package struct Window: Equatable, Sendable {
        /// When it begins, in seconds of Unix time.
        let start: Int
        /// When it ends, after `start`.
        let end: Int

        private struct Document: Decodable {
            struct Window: Decodable {
                let start: String
                let end: String
            }
            let suggestedWindow: Window
        }

        /// Reads an authority's answer; nil when it says no window.
        package init?(_ body: [UInt8]) {
            guard let document = try? JSON.decode(Document.self, from: body),
                let start = InternetTime.seconds(of: document.suggestedWindow.start),
                let end = InternetTime.seconds(of: document.suggestedWindow.end), start < end
            else { return nil }
            self.start = start
            self.end = end
        }

        init(start: Int, end: Int) {
            self.start = start
            self.end = end
        }
    }

    /// A number from 0 to 1 that decides where in its time a renewal falls: the same for a
    /// certificate wherever it is looked at, so that each look does not draw lots again.
    private let fraction: Double
    /// Failures in a row.
    package private(set) var failures = 0
    /// Not before this time; nil: whenever it is due.
    private var notBefore: Int?

    /// Failures in a row, as they outlive a process. Value type, any thread.
    package struct Failures: Equatable, Sendable {
        /// How many.
        package let count: Int
        /// When the next order may be, in seconds of Unix time.
        package let notBefore: Int

        /// So many failures, after which nothing is ordered before that time.
        package init(count: Int, notBefore: Int) {
            self.count = count
            self.notBefore = notBefore
        }
    }

    /// A plan with that fraction, from 0 to 1, after failures of an earlier process if there were
    /// some.
    package init(fraction: Double, after earlier: Failures? = nil) {
        self.fraction = min(max(fraction, 0), 1)
        self.earlier = earlier
    }

    /// The failures in a row; nil for none. What another process has found out may be set.
    package var earlier: Failures? {
        get { notBefore.map { Failures(count: failures, notBefore: $0) } }
        set {
            failures = newValue.map { max($0.count, 1) } ?? 0
            notBefore = newValue?.notBefore
        }
    }

    /// When a certificate that is valid between these times is to be renewed: within the
    /// authority's window, or when a third of its life is left, or half of a life of ten days or
    /// less; a hundredth of its life more or less, so that not all come at once.
    package func due(begins: Int, ends: Int, window: Window?) -> Int {
        if let window {
            return window.start + Int(Double(window.end - window.start) * fraction)
        }
        let life = Double(max(ends - begins, 0))
        let left = life > 10 * 86400 ? life / 3 : life / 2
        return ends - Int(left + (fraction - 0.5) * life / 50)
    }

    /// When to order a certificate that is due at `due`; nil stands for one that is not there.
    package func orderTime(due: Int?, now: Int) -> Int {
        max(due ?? now, notBefore ?? 0)
    }

    /// An order has failed: the next comes later, and much later if an operator has to act.
    ///
    /// - Parameters:
    ///   - retryAfter: how long the authority wants to be left alone; nil when it does not say.
    ///   - needsOperator: whether nothing changes until somebody acts.
    package mutating func failed(
        at now: Int, retryAfter: Duration?, needsOperator: Bool
    ) {
        failures += 1
        // Two minutes, four, eight, up to four hours, a quarter more or less: five within the first
        // hour, which is as many as Let's Encrypt allows for a host.
        let exponential = 120.0 * Double(1 << min(failures - 1, 8))
        let pause = min(max(exponential, needsOperator ? 3600 : 0), 4 * 3600)
        let spread = pause * (0.75 + fraction / 2)
        // No authority may stop renewals for longer than a day.
        let asked = min(retryAfter.map { Int($0.components.seconds) + 1 } ?? 0, 86400)
        notBefore = now + max(Int(spread), asked)
    }

    /// A certificate has come.
    package mutating func succeeded() {
        failures = 0
        notBefore = nil
    }
}
