// SilenceWatch: when a backend that sends nothing is silent, and not just slow.
//
// | what                                        | what it means                                  |
// |---------------------------------------------|------------------------------------------------|
// | a request waits, other bytes come           | a slow page: nothing                           |
// | nothing comes, and from no other backend    | a database makes all wait: nothing             |
// | nothing comes, where long waits are usual   | long polls: nothing before four usual waits    |
// | nothing comes, others answer, three wait    | silent                                         |
// | the same, one waits, and it is on probation | silent: that request was its proof             |
// | the same, one waits, and it has left the    | silent: no other request comes that would tell |
// | rotation                                    |                                                |
// | nothing comes, and its host has not even    | silent, whatever others do: the network to it  |
// | acknowledged the request                    | is cut, and with it perhaps that to all others |
//
// Streams whose next byte nobody owes (events, watches, tunnels) do not wait: they say nothing by
// being quiet. What was overtaken by a second try has waited as well, though it is gone.

package import Backends
internal import Balancing

/// Watches over the silence of one service's backends on one worker. Value type. All times are
/// nanoseconds of the worker's clock.
package struct SilenceWatch {
    /// For how long a backend may send nothing while others answer; nil: forever.
    package var limit: UInt64?
    // Which backend answered last, and when another one had.
    private var lastHeard: (id: BackendID?, at: UInt64) = (nil, 0)
    private var heardBefore: UInt64 = 0
    // From a request to the head of its response, averaged over the last hundred or so.
    private var averageWait = 0
    // How long a body that goes on may pause, by what was seen: of late the longest.
    private var usualPause: UInt64 = 0

    /// A wait is no silence before it is so many times as long as is usual for the service.
    private static let usualWaits: UInt64 = 4
    /// For so long a failed dial speaks against a backend on this worker: the control thread has
    /// decided by then.
    private static let dialDoubt: UInt64 = 1_000_000_000
    /// A shorter wait is no reason to send a request that can't be sent again elsewhere.
    private static let doubtMin: UInt64 = 20_000_000
    /// How often a body that does not go on is looked at where no silence is watched for.
    private static let bodyLookMax: UInt64 = 1_000_000_000

    /// Nothing heard yet, and no limit.
    package init() {}

    private var usualWait: UInt64 { UInt64(max(averageWait, 0)) }

    // MARK: What is heard

    /// The head of an answer came from the backend of `record`, so many nanoseconds after its
    /// request was sent.
    mutating func answered(_ record: inout BackendRecord, after wait: UInt64, now: UInt64) {
        record.heardAt = now
        record.isSilent = false
        if lastHeard.id?.rawValue != record.id.rawValue {
            heardBefore = lastHeard.at
            lastHeard.id = record.id
        }
        lastHeard.at = now
        averageWait += (Int(wait) - averageWait) / 64
    }

    /// A body of a response, of which something came at `since`, goes on.
    package mutating func bodyWentOn(since: UInt64, _ moment: Moment) {
        let since = max(since, moment.resumedAt)
        guard let limit, moment.now > since, moment.now - since >= limit else { return }
        let pause = moment.now - since
        usualPause = pause > usualPause ? pause : usualPause - (usualPause - pause) / 16
    }

    // MARK: Silence

    /// What a look at a backend on which a request waits comes to.
    package enum Verdict: Equatable {
        /// The request may go on waiting.
        case patient
        /// The backend is silent, which is to be reported unless nil.
        case silent(report: LiveFailure?)
    }

    /// Looks at the backend of `record`, on which a request has waited since `since`, for its
    /// response or, with `isWithinBody`, for more of it.
    package func look(
        at record: inout BackendRecord, since: UInt64, isWithinBody: Bool = false, _ moment: Moment
    ) -> Verdict {
        guard let limit else { return .patient }
        let overtaken = record.overtaken
        let quietSince = max(
            record.heardAt, min(since, overtaken?.since ?? .max), moment.resumedAt)
        let quiet = moment.now - quietSince
        // Where answers take long, as long polls do, there is more to put up with.
        let usual = max(usualWait, isWithinBody ? usualPause : 0)
        guard quiet >= limit, quiet >= Self.usualWaits * usual else { return .patient }
        let waiting = record.waiting + (overtaken?.count ?? 0)
        if !record.isSilent {
            let othersHeardAt = lastHeard.id == record.id ? heardBefore : lastHeard.at
            // One that is out of the rotation gets no more requests that would tell: another worker
            // may have found it silent.
            let isDoubted = record.isAboutProbation(sentAt: since) || !record.isInRotation
            let waitingMin = isDoubted ? 1 : Loads.smallLoad
            guard waiting >= waitingMin, othersHeardAt > quietSince else { return .patient }
            record.isSilent = true
        }
        return .silent(
            report: record.isReportDue(now: moment.now) ? .silent(waiting: waiting) : nil)
    }

    /// What follows from a request whose bytes the host of the backend of `record` has not
    /// acknowledged for so long, in nanoseconds.
    package func cutOff(
        _ record: inout BackendRecord, unacknowledged: UInt64, now: UInt64
    ) -> Verdict {
        guard let limit, unacknowledged >= limit else { return .patient }
        record.isSilent = true
        return .silent(
            report: record.isReportDue(now: now) ? .silent(waiting: record.waiting) : nil)
    }

    /// Whether a request may leave the backend of `record`, which is silent: it has left so many
    /// others before, and met so many `witnesses` here (`BackendRecord.beginMoved`). A page that
    /// silences one backend after the other is none to spread: the second is left only if it was
    /// silent towards others before this request came.
    package static func mayLeave(_ record: BackendRecord, moves: Int, witnesses: Int) -> Bool {
        moves == 0 || witnesses > 0 || !record.isInRotation
    }

    // MARK: Looks

    /// When a request that waits on the backend of `record` is looked at again; within `firstLook`
    /// nanoseconds in any case.
    package func nextLook(at record: BackendRecord, firstLook: UInt64, now: UInt64) -> UInt64 {
        guard let limit else { return now &+ firstLook }
        let quietEnd = record.heardAt &+ limit
        return quietEnd > now ? min(quietEnd, now &+ firstLook) : now &+ firstLook
    }

    /// How often a body that does not go on is looked at, when something may follow from it.
    package var bodyLook: UInt64 { limit ?? Self.bodyLookMax }

    // MARK: Doubt

    /// Whether a request is better not sent to the backend of `record`: it is silent, could not be
    /// dialled just now, or others wait there and nothing has come from it for a while. For one
    /// that `isRepeatable`, which has failed elsewhere, a while is half of what makes it silent;
    /// for any other, which stays where it goes, four times what is usual.
    package func isDoubtful(
        _ record: BackendRecord, isRepeatable: Bool, _ moment: Moment
    ) -> Bool {
        let now = moment.now
        if record.isSilent { return true }
        if record.dialFailedAt > record.heardAt, now < record.dialFailedAt &+ Self.dialDoubt {
            return true
        }
        guard let limit, record.waiting > 0 else { return false }
        let quiet = now - min(now, max(record.heardAt, record.busySince, moment.resumedAt))
        return isRepeatable
            ? quiet >= limit / 2 && quiet >= usualWait * 2
            : quiet >= min(limit / 2, Self.doubtMin) && quiet >= usualWait * Self.usualWaits
    }
}
