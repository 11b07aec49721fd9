// LiveEvidence: what one worker concludes from the answers of live requests, and from their
// absence. It reports to the control thread, which decides (Backends/Roster+Evidence): a backend is
// out when the next rotation comes without it.
//
// | what happens                              | what follows                                     |
// |-------------------------------------------|--------------------------------------------------|
// | an answer below 500                       | ends a run of failures, and a probation          |
// | 501, 505, 600 and above                   | the backend was heard; nothing else              |
// | another 5xx, an answer broken off, none   | a failure: reported when chance would not make   |
// | in time                                   | such a run (FailureRun)                          |
// | one sent before a probation began         | counts, and reports nothing: it is not what the  |
// |                                           | probation is about                               |
// | the status of a call of gRPC              | the same by what it is like: see CallVerdict     |
// | a request waits, nothing comes            | see SilenceWatch                                 |
// | a dial failed                             | reported; in doubt for a second                  |
// | a report within 100 ms of another of it   | is left out                                      |

package import Backends
package import Balancing

/// The evidence of one worker on the backends of one service. Value type; each call takes the
/// record of the backend that it is about, and the time.
package struct LiveEvidence {
    /// Failed answers in a row without which none are reported; nil: none ever are.
    package var failuresMin: Int?
    /// What is known of the service as a whole about waits.
    package var silence = SilenceWatch()

    /// No limit on anything.
    package init() {}

    // MARK: Answers

    /// What an answer says of its backend.
    package enum Answer: Equatable {
        /// The backend works. If it was on probation, that is over, which is to be reported.
        case good(endsProbation: Bool)
        /// The backend failed: `failed` follows.
        case failed
        /// Nothing, but that it answers. That something is not implemented (501, 505) says nothing
        /// about health, nor does a status that no standard knows.
        case neutral
    }

    /// The head of an answer with `status` came from the backend of `record`, `wait` nanoseconds
    /// after its request was sent.
    package mutating func answered(
        status: Int, by record: inout BackendRecord, after wait: UInt64, now: UInt64
    ) -> Answer {
        heard(from: &record, after: wait, now: now)
        guard status >= 500 else { return succeeded(&record) }
        return status == 501 || status == 505 || status >= 600 ? .neutral : .failed
    }

    /// The head of an answer came, as in `answered`, that does not say yet whether it is a good
    /// one.
    package mutating func heard(
        from record: inout BackendRecord, after wait: UInt64, now: UInt64
    ) {
        silence.answered(&record, after: wait, now: now)
    }

    /// An answer whose head has come is a good one.
    package func succeeded(_ record: inout BackendRecord) -> Answer {
        record.answers.addGood()
        return .good(endsProbation: record.prove())
    }

    /// An answer of the backend of `record`, to a request sent at `sentAt`, failed with `status`,
    /// as `LiveFailure` has it. The rotation has `count` backends, and `share` gives the share of
    /// failed answers of each by its place (`FailureRun.share`). Returns what is to be
    /// reported.
    package func failed(
        status: Int, of record: inout BackendRecord, sentAt: UInt64, now: UInt64, count: Int,
        share: (_ place: Int) -> Int
    ) -> LiveFailure? {
        record.answers.addFailed()
        if record.isOnProbation, !record.isAboutProbation(sentAt: sentAt) { return nil }
        guard let failuresMin else { return nil }
        let others = FailureRun.othersShare(besides: record.place, of: count, share: share)
        guard
            record.answers.isEvidence(
                othersShare: others, runMin: failuresMin, isOnProbation: record.isOnProbation),
            record.isReportDue(now: now)
        else { return nil }
        return .answers(consecutive: record.answers.count, last: status)
    }

    // MARK: Silence

    /// A request has waited on the backend of `record` since `since`, and another backend, asked
    /// later, has answered it. Returns what is to be reported.
    package func overtaken(
        _ record: inout BackendRecord, since: UInt64, _ moment: Moment
    ) -> LiveFailure? {
        record.addOvertaken(sentAt: since)
        guard case .silent(let report) = silence.look(at: &record, since: since, moment) else {
            return nil
        }
        return report
    }

    // MARK: Choices

    /// The backend for `request`, chosen by `balancer`. A request that can't be sent again is stuck
    /// where it goes, and one that failed elsewhere is not to fail again: such a request gets a
    /// backend that nothing speaks against on this worker, if there is one. `record` gives the
    /// record of the backend at a place.
    ///
    /// - Complexity: that of a pick, and O(n) more for each that is passed over.
    package func pick(
        for request: PickRequest, by balancer: Balancer, at moment: @autoclosure () -> Moment,
        record: (_ place: Int) -> BackendRecord
    ) -> Pick {
        let choice = balancer.pick(request)
        guard !request.isRepeatable || request.tried.count > 0 else { return choice }
        let moment = moment()
        var other = choice
        var asking = request
        while case .backend(let place) = other {
            let record = record(place)
            guard silence.isDoubtful(record, isRepeatable: request.isRepeatable, moment) else {
                return other
            }
            guard asking.tried.count < TriedBackends.capacity else { break }
            asking.tried.insert(record.id)
            other = balancer.pick(asking)
        }
        return choice
    }
}
