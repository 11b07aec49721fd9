// FailureShare: whether so many events of a kind fail that an operator should look, second by
// second.
//
// The last 10 s count where they have events enough, else more of the past, up to 60 s. At least
// half is `half`, at least a twentieth is `some`. Each level begins at its share and ends well
// below it, so that a share about the limit does not come and go; and single failures, or a few
// events, mean nothing.

/// The events of the last minute, those that failed, and the level that follows. Value type; the
/// owner numbers the seconds, from any start.
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
        /// How many seconds count, up to 60; those before the first event are left out.
        package var seconds: Int
        /// Events in those seconds.
        package var ended: Int
        /// How many of the events failed.
        package var failed: Int

        /// A reading with these figures.
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

    /// Fewer events within a minute mean nothing.
    static let endedMin = 10
    private static let failedMin = 3
    private static let failedMinForHalf = 5
    private static let secondsMin = 10
    private static let secondsMax = 60
    /// With this many events the last 10 s are enough; with fewer a twentieth would be two or
    /// three.
    private static let enough = 50

    /// A slot for each second of the last minute; empty until there is an event.
    private var slots: [Slot] = []
    private var second = 0

    /// What is wrong now; nil while nothing is.
    package private(set) var reading: Reading?

    /// No events yet.
    package init() {}

    /// Adds events that ended since the last call, and how many of them failed; call it once a
    /// second, or less often. Costs next to nothing without events.
    package mutating func record(second: Int, ended: Int, failed: Int) {
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
            // No more events: the slots are not needed until there are some again.
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
        // A trouble that gets worse counts from then on; one that gets better keeps its beginning.
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

    /// The second in which the current trouble began: for `half`, the first since which at least a
    /// quarter of the events of each second failed; for `some`, the first with a failure.
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
