// PartialAnswerGuard: whether an SRV answer over UDP is all there is. Servers leave records out
// without saying so: Consul gives 3 records (or 8) at random to a client without EDNS, cuts the
// answer by octets for one with it, and sets TC in neither case unless it is configured to. So an
// answer that looks cut is asked for again over TCP:
//
// | over UDP                                    | what is done                                    |
// |---------------------------------------------|-------------------------------------------------|
// | 3 or 8 records                              | asked over TCP                                  |
// | one more record would not have fitted       | asked over TCP                                  |
// | fewer records than the last whole answer,   | asked over TCP                                  |
// | and three quarters of the room are taken    |                                                 |
// | the same records as were found whole less   | taken as whole                                  |
// | than 30 s ago                               |                                                 |
// | TCP could not be had less than 30 s ago     | taken as a part: nothing follows from what is   |
// |                                             | missing                                         |
// | anything else                               | taken as whole                                  |
//
// | over TCP                                    | what follows                                    |
// |---------------------------------------------|-------------------------------------------------|
// | more records than over UDP, or UDP had TC   | TCP from now on; UDP is tried again after 10    |
// |                                             | minutes                                         |
// | no more                                     | these records are whole, for 30 s               |
// | no answer                                   | the UDP answer is a part                        |

/// What is known of one name's answers. Value type; takes `now`, asks nobody.
package struct PartialAnswerGuard: Sendable, Equatable {
    /// The control plane's clock, which this type never reads.
    package typealias Instant = ContinuousClock.Instant

    /// What the guard needs to know of an answer.
    package struct Answer: Sendable, Hashable {
        /// SRV records for the name.
        package var records: Int
        /// A number that is equal for the same set of records in any order.
        package var fingerprint: Int
        /// Octets of the message.
        package var octets: Int
        /// Octets of it that are neither header nor question.
        package var recordOctets: Int
        /// The most octets that the message could have had.
        package var octetsMax: Int

        /// An answer; `recordOctets` is at most `octets`.
        package init(
            records: Int, fingerprint: Int, octets: Int, recordOctets: Int, octetsMax: Int
        ) {
            self.records = records
            self.fingerprint = fingerprint
            self.octets = octets
            self.recordOctets = recordOctets
            self.octetsMax = octetsMax
        }
    }

    /// Why an answer over UDP may be a part.
    package enum Suspicion: Sendable, Hashable, CaseIterable {
        /// The answer has as many records as Consul gives without EDNS, however many there are.
        case usualCount
        /// No room for another record.
        case full
        /// Fewer records than there were, in a message that is nearly full.
        case fewer
    }

    /// What to make of an answer over UDP.
    package enum Judgement: Sendable, Hashable {
        /// All there is, as far as can be known.
        case whole
        /// To be asked for over TCP, since it looks cut.
        case askOverTCP(Suspicion)
        /// The answer looks cut, and TCP could not be had a moment ago.
        case part(Suspicion)
    }

    /// How often each decision was made. A copy is a snapshot.
    package struct Counters: Sendable, Hashable {
        /// Answers over UDP that looked cut.
        package var suspected = 0
        /// Of the answers over TCP that followed, those with more records.
        package var confirmed = 0
        /// … and those without.
        package var cleared = 0
        /// Answers that were taken as a part, since TCP could not be had.
        package var parts = 0

        /// Zeroes.
        package init() {}
    }

    /// Consul's `udp_answer_limit`, and the most that it can be set to without EDNS.
    private static let usualCounts: Set<Int> = [3, 8]
    /// How long a set that was found whole is not asked for twice: a new instance that UDP leaves
    /// out is noticed within this time.
    private static let wholeFor = Duration.seconds(30)
    /// How long TCP is not tried again after it could not be had: a firewall stays, a busy server
    /// does not.
    private static let withoutTCPFor = Duration.seconds(30)
    /// How long a name whose answers do not fit UDP is asked over TCP alone. A set that shrinks, or
    /// a server with a new configuration, is found within this time; each look costs one query.
    private static let overTCPFor = Duration.seconds(600)

    /// Sums since the guard was made.
    package private(set) var counters = Counters()
    /// The last answer that was whole.
    private var whole: Answer?
    /// Until when its records are known to be complete, however much it looks cut.
    private var wholeUntil: Instant?
    private var overTCPUntil: Instant?
    private var withoutTCPUntil: Instant?

    /// Nothing is known yet.
    package init() {}

    /// Whether to ask over TCP from the start.
    package func asksOverTCP(now: Instant) -> Bool {
        guard let overTCPUntil, now < overTCPUntil else { return false }
        return !isTCPMissing(now: now)
    }

    /// Judges an answer that came over UDP without TC.
    package mutating func judge(_ answer: Answer, now: Instant) -> Judgement {
        guard let suspicion = suspicion(answer) else {
            whole = answer
            wholeUntil = nil
            return .whole
        }
        counters.suspected += 1
        if whole?.fingerprint == answer.fingerprint, let wholeUntil, now < wholeUntil {
            return .whole
        }
        guard !isTCPMissing(now: now) else {
            counters.parts += 1
            return .part(suspicion)
        }
        return .askOverTCP(suspicion)
    }

    /// An answer has come over TCP.
    /// - Parameter partial: The UDP answer that was the reason to ask; nil when there was none, or
    ///   it had TC.
    package mutating func answeredOverTCP(
        _ answer: Answer, after partial: Answer?, wasTruncated: Bool, now: Instant
    ) {
        withoutTCPUntil = nil
        whole = answer
        wholeUntil = now + Self.wholeFor
        if let partial {
            if answer.records > partial.records {
                counters.confirmed += 1
                overTCPUntil = now + Self.overTCPFor
            } else {
                counters.cleared += 1
            }
        } else if wasTruncated {
            overTCPUntil = now + Self.overTCPFor
        }
    }

    /// TCP could not be had. `hadAnswer` when there is an answer over UDP, which is a part then.
    package mutating func failedOverTCP(hadAnswer: Bool, now: Instant) {
        withoutTCPUntil = now + Self.withoutTCPFor
        if hadAnswer { counters.parts += 1 }
    }

    /// Why `answer` may be a part; nil when nothing speaks for it.
    package func suspicion(_ answer: Answer) -> Suspicion? {
        guard answer.records > 0 else { return nil }
        if Self.usualCounts.contains(answer.records) { return .usualCount }
        let average = (answer.recordOctets + answer.records - 1) / answer.records
        if answer.octets + average > answer.octetsMax { return .full }
        if let whole, answer.records < whole.records,
            answer.octets * 4 >= answer.octetsMax * 3
        {
            return .fewer
        }
        return nil
    }

    private func isTCPMissing(now: Instant) -> Bool {
        withoutTCPUntil.map { now < $0 } ?? false
    }
}

extension PartialAnswerGuard.Suspicion: CustomStringConvertible {
    /// A phrase for people, of the answer that looks cut.
    package var description: String {
        switch self {
        case .usualCount: "as many records as Consul gives without EDNS, however many there are"
        case .full: "no room for one more record"
        case .fewer: "fewer records than before, in a message that is nearly full"
        }
    }
}
