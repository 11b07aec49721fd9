// FailureShare: whether so many of some events fail that somebody should look, second by second.
//
// It looks at the last 10 s where that is enough to go by, else further back, 60 s at most. Half is
// `half`, a twentieth is `some`. Either begins above its share and ends well below it, so that a
// share about the bound does not come and go; and single failures, or a few events, say nothing.

/// The events of the last minute and those that failed, with what follows from it. Value type;
/// seconds are counted by the owner, from any begin.
package struct FailureShare: Sendable {
    /// How bad it is.
    package enum Level: Sendable {
        /// At least a twentieth fails.
        case some
        /// At least half fails.
        case half
    }

    /// What is wrong now.
    package struct Reading: Sendable, Equatable {
        /// How bad it is.
        package var level: Level
        /// The second in which it began.
        package var since: Int
        /// How many seconds were looked at, up to 60; those before the first event are left out.
        package var seconds: Int
        /// Events in them.
        package var ended: Int
        /// Of these, the failed ones.
        package var failed: Int

        /// All is required.
        package init(level: Level, since: Int, seconds: Int, ended: Int, failed: Int) {
            self.level = level
            self.since = since
            self.seconds = seconds
            self.ended = ended
            self.failed = failed
        }
    }

    private struct Slot {
        var ended: UInt32 = 0
        var failed: UInt32 = 0
    }

    /// Fewer events within a minute say nothing.
    static let endedMin = 10
    private static let failedMin = 3
    private static let failedMinForHalf = 5
    private static let secondsMin = 10
    private static let secondsMax = 60
    /// With so many events the last 10 s are enough; with fewer a twentieth would be two or three.
    private static let enough = 50

    /// One for each second of the last minute; empty until something happens.
    private var slots: [Slot] = []
    private var second = 0

    /// What is wrong; nil while nothing is.
    package private(set) var reading: Reading?

    /// Nothing has happened.
    package init() {}

    /// Takes what ended within the second that is over by `second`, and how much of it failed; call
    /// it once for each second, or once for several. Costs next to nothing while nothing happens.
    package mutating func note(second: Int, ended: Int, failed: Int) {
        if slots.isEmpty {
            guard ended > 0 else { return }
            slots = [Slot](repeating: Slot(), count: Self.secondsMax)
            self.second = second
        }
        advance(to: second)
        slots[second % Self.secondsMax].ended &+= UInt32(clamping: ended)
        slots[second % Self.secondsMax].failed &+= UInt32(clamping: min(failed, ended))
        judge()
    }

    private mutating func advance(to second: Int) {
        guard second > self.second else { return }
        for skipped in max(self.second + 1, second - Self.secondsMax + 1)...second {
            slots[skipped % Self.secondsMax] = Slot()
        }
        self.second = second
    }

    private mutating func judge() {
        var window = window()
        guard window.ended > 0 else {
            // Nobody comes any more: nothing of this is needed until somebody does.
            slots = []
            reading = nil
            return
        }
        guard let level = level(window) else {
            reading = nil
            return
        }
        window.level = level
        window.since = reading?.since ?? begin(level)
        // What gets worse is told from then on; what gets better began before.
        if let reading, reading.level == .some, level == .half { window.since = begin(level) }
        reading = window
    }

    private func level(_ window: Reading) -> Level? {
        let (ended, failed) = (window.ended, window.failed)
        if reading?.level == .half, failed * 5 >= ended * 2 { return .half }
        let isEnough = ended >= Self.endedMin
        if isEnough, failed >= Self.failedMinForHalf, failed * 2 >= ended { return .half }
        if reading != nil, failed * 40 >= ended { return .some }
        return isEnough && failed >= Self.failedMin && failed * 20 >= ended ? .some : nil
    }

    private func slot(_ back: Int) -> Slot {
        slots[(second + Self.secondsMax - back) % Self.secondsMax]
    }

    private func window() -> Reading {
        var (ended, failed, seconds) = (0, 0, 0)
        for back in 0..<min(Self.secondsMax, second + 1) {
            if back >= Self.secondsMin, ended >= Self.enough { break }
            let slot = slot(back)
            ended += Int(slot.ended)
            failed += Int(slot.failed)
            if slot.ended > 0 { seconds = back + 1 }
        }
        return Reading(level: .some, since: 0, seconds: seconds, ended: ended, failed: failed)
    }

    /// The first of the last seconds in which at least half of what makes `level` failed; what is
    /// before it, or seconds without events, belongs to no trouble.
    private func begin(_ level: Level) -> Int {
        var begin = second
        for back in 0..<min(Self.secondsMax, second + 1) {
            let slot = slot(back)
            guard slot.ended > 0 else { continue }
            let (ended, failed) = (Int(slot.ended), Int(slot.failed))
            switch level {
            case .half where failed * 4 < ended: return begin
            case .half where failed > 0: begin = second - back
            case .some where failed > 0: begin = second - back
            case .half, .some: break
            }
        }
        return begin
    }
}
