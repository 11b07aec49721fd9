// BackendRecord: what one worker knows of one backend by its own traffic: where the rotation has
// it, what waits there, when it was last heard, and what its answers came to. What follows from it
// is in LiveEvidence and SilenceWatch.

package import Backends

/// One backend as one worker sees it. Value type. All times are nanoseconds of the worker's clock.
///
/// `public` and not `package`, because only members of public types are inlined in other modules
/// (Swift 6.3.1): a request is counted here when it begins and when it ends.
public struct BackendRecord {
    /// Which backend.
    package let id: BackendID
    /// Where the rotation has it, its tiers laid end to end; nil while it has not.
    @usableFromInline package internal(set) var place: Int?

    // MARK: Requests there

    /// Requests in flight on it from this worker.
    @usableFromInline package internal(set) var inFlight = 0
    /// How many requests in flight are streams: TCP connections, tunnels, and responses whose body
    /// goes on after what came with its head.
    @usableFromInline package internal(set) var streams = 0
    /// How many streams are owed a byte, as that of a body of known length is.
    @usableFromInline var owing = 0
    /// Requests in flight that came here from a backend that was silent.
    private var moved = 0
    /// Since when requests have waited for a byte of it; of no meaning while none does.
    @usableFromInline var busySince: UInt64 = 0

    // MARK: What came of it

    /// When a byte came from it last; 0 for never.
    package var heardAt: UInt64 = 0
    /// Whether the backend was found silent, and has not answered since.
    package internal(set) var isSilent = false
    /// When a dial last failed; 0 for never.
    private(set) var dialFailedAt: UInt64 = 0
    /// What its answers came to.
    package internal(set) var answers = FailureRun()
    // Requests that were answered by another backend, asked later, while nothing came from this
    // one.
    private var overtakenCount = 0
    private var overtakenSince: UInt64 = 0

    // MARK: What the control thread knows

    /// Whether the backend was ejected, and has to show that it answers.
    package private(set) var isOnProbation = false
    /// Since when.
    private(set) var probationSince: UInt64 = 0
    private var reportedAt: UInt64 = 0
    /// A dead backend is not reported a thousand times before the control thread can say so: after
    /// a report none for this long.
    private static let reportPause: UInt64 = 100_000_000

    /// A backend that nothing is known of.
    package init(_ id: BackendID) {
        self.id = id
    }

    // MARK: The rotation

    /// Whether the rotation has it.
    @inlinable package var isInRotation: Bool { place != nil }

    /// A rotation has it at this place, on probation or not.
    package mutating func enter(at place: Int, isOnProbation: Bool, now: UInt64) {
        self.place = place
        if isOnProbation, !self.isOnProbation { probationSince = now }
        self.isOnProbation = isOnProbation
    }

    /// The rotation has it no more.
    package mutating func leave() { place = nil }

    // MARK: Requests there

    /// What a request holds at its backend.
    public enum Hold {
        /// The request waits for the first byte of its response.
        case request
        /// The request is a stream: a byte may come or not.
        case stream
        /// The request is a stream whose next byte is owed.
        case owed
    }

    /// Requests that wait for a byte of it.
    @inlinable package var waiting: Int { inFlight - streams + owing }

    /// A request goes there.
    @inlinable package mutating func begin(now: UInt64) {
        if waiting == 0 { busySince = now }
        inFlight += 1
    }

    /// A stream goes there, whose next byte nobody owes.
    @inlinable package mutating func beginStream() {
        inFlight += 1
        streams += 1
    }

    /// A request there is a stream from now on, whose next byte is owed or not.
    @inlinable package mutating func becomeStream(owes: Bool) {
        streams += 1
        if owes { owing += 1 }
    }

    /// A request there is over, or goes elsewhere; `hold` is what it held.
    @inlinable package mutating func end(_ hold: Hold) {
        if hold != .request { streams -= 1 }
        if hold == .owed { owing -= 1 }
        inFlight -= 1
    }

    /// A request comes that has left a backend that was silent; `begin` follows. Returns how many
    /// bear witness that it is not this request that silences backends: those that wait there and
    /// came on their own, or 1 where the backend was found silent before.
    package mutating func beginMoved() -> Int {
        defer { moved += 1 }
        return isSilent ? 1 : waiting - moved
    }

    /// A request that came by `beginMoved` is over, or goes elsewhere.
    package mutating func endMoved() { moved -= 1 }

    // MARK: What comes of it

    /// A dial failed. Whether it is to be reported.
    package mutating func dialFailed(now: UInt64) -> Bool {
        dialFailedAt = now
        return isReportDue(now: now)
    }

    /// Takes note of a good answer, or of an accepted connection, which is all that can be said of
    /// a stream. Returns whether that ends a probation, which is to be reported.
    package mutating func prove() -> Bool {
        guard isOnProbation else { return false }
        isOnProbation = false
        return true
    }

    /// Whether a request that was sent at `sentAt` says something about a backend on probation:
    /// what was sent before its ejection does not.
    func isAboutProbation(sentAt: UInt64) -> Bool {
        isOnProbation && sentAt >= probationSince
    }

    /// Requests that would still wait on it if they had not been answered by another backend: how
    /// many, and since when; nil if something was heard from it since they were sent.
    var overtaken: (count: Int, since: UInt64)? {
        overtakenSince > heardAt ? (overtakenCount, overtakenSince) : nil
    }

    /// A request that was sent to it at `sentAt` was answered by another backend, asked later.
    mutating func addOvertaken(sentAt: UInt64) {
        if overtaken == nil {
            overtakenCount = 0
            overtakenSince = max(sentAt, heardAt + 1)
        }
        overtakenCount += 1
    }

    /// Whether something may be reported against it now; no more for a while then.
    mutating func isReportDue(now: UInt64) -> Bool {
        guard now >= reportedAt + Self.reportPause else { return false }
        reportedAt = now
        return true
    }
}
