// ServerHealth: how one nameserver has behaved, and whether it is asked because of that.
//
// | state   | means                                  | asked                                     |
// |---------|----------------------------------------|-------------------------------------------|
// | untried | nothing has been heard of it yet       | after those that work, in the given order |
// | working | it has answered, and has failed at two | first, the quickest of them               |
// |         | questions since at most                |                                           |
// | failing | three errors in a row, or one silence, | after those; probed after 1, 2, 4 … 30 s  |
// |         | or nothing but failures so far         |                                           |
// | away    | silent or unreachable three times in a | last; probed after 1, 2, 4, 5, 5 … s      |
// |         | row                                    |                                           |
//
// A server is away by silence alone: one that says SERVFAIL costs no time. An error about one name
// says nothing about other names, so a single error changes nothing: a name that is broken at one
// server must not make all others change servers. One good answer makes any of them work again.

package import DNSWire
package import Events

/// The record of one server. Value type; the caller passes the time.
package struct ServerHealth: Sendable, Equatable {
    /// The control plane's clock, which this type never reads.
    package typealias Instant = ContinuousClock.Instant

    /// What is known of a server. The raw value is the name on the admin port.
    package enum State: String, Sendable, Hashable, CaseIterable {
        case untried, working, failing, away
    }

    /// Something other than an answer.
    package enum Failure: Sendable, Hashable {
        /// No answer within the time-out, or not before another server was asked and answered.
        case silence
        /// The network refused, or the connection was closed twice.
        case unreachable(Errno)
        /// A message over TCP could not be read.
        case malformed(DecodeError)
        /// An answer that says nothing about the name: SERVFAIL, REFUSED and the like.
        case code(ResponseCode)

        /// Whether the server said nothing at all.
        package var isSilence: Bool {
            switch self {
            case .silence, .unreachable: true
            case .malformed, .code: false
            }
        }
    }

    /// Something that happened, and when.
    package struct Noted<What: Sendable>: Sendable {
        /// What it was.
        package let what: What
        /// When it happened.
        package let at: Instant
    }

    /// Silences in a row that make a server be away, and errors in a row that make it fail: one
    /// comes by chance, three don't.
    package static let severalInARow = 3
    /// The wait before the first probe of a server that is not asked first; doubles each time …
    private static let probeFirst = Duration.seconds(1)
    /// … up to this while it is away: it is to be found soon after it has come back …
    private static let awayProbeMax = Duration.seconds(5)
    /// … and to this when others work meanwhile, as often as one that works is measured.
    private static let probeMax = Duration.seconds(30)

    /// Messages that answered a question, NODATA and NXDOMAIN among them.
    package private(set) var answers = 0
    /// Failures of every kind.
    package private(set) var failures = 0
    /// Failures since the last answer; those that are known to be older than it are left out.
    package private(set) var failuresInARow = 0
    private var silencesInARow = 0
    /// The last failure; nil for none yet.
    package private(set) var lastFailure: Noted<Failure>?
    /// When the last answer came; nil for none yet.
    package private(set) var lastAnswerAt: Instant?
    /// The smoothed time from query to answer (7/8 of what it was and 1/8 of the new one); half of
    /// it over TCP, where the connect comes first. Nil before the first answer.
    package private(set) var roundTrip: Duration?
    /// When it is next worth a query of its own; nil while it is asked anyway.
    private(set) var probeAt: Instant?
    private var probes = 0

    /// A server about which nothing is known.
    package init() {}

    /// What is known of it.
    package var state: State {
        if silencesInARow >= Self.severalInARow { return .away }
        if silencesInARow > 0 || failuresInARow >= Self.severalInARow { return .failing }
        if lastAnswerAt != nil { return .working }
        return failuresInARow > 0 ? .failing : .untried
    }

    /// An answer came `elapsed` after its query was sent.
    package mutating func answered(after elapsed: Duration, overTCP: Bool, now: Instant) {
        answers += 1
        failuresInARow = 0
        silencesInARow = 0
        probes = 0
        probeAt = now + Self.probeMax
        lastAnswerAt = now
        let sample = overTCP ? elapsed / 2 : elapsed
        roundTrip = roundTrip.map { ($0 * 7 + sample) / 8 } ?? sample
    }

    /// A query that was sent at `sentAt` failed. A silence from before the last answer is counted,
    /// but says nothing about now.
    package mutating func failed(_ failure: Failure, sentAt: Instant, now: Instant) {
        failures += 1
        lastFailure = Noted(what: failure, at: now)
        if failure.isSilence, let lastAnswerAt, sentAt < lastAnswerAt { return }
        if failuresInARow == 0 { probeAt = now + Self.probeFirst }
        failuresInARow += 1
        if failure.isSilence {
            silencesInARow += 1
            if silencesInARow == Self.severalInARow {
                probeAt = now + Self.probeFirst
                probes = 0
            }
        } else {
            silencesInARow = 0
        }
    }

    /// Whether it is time for a query to a server that would not be asked otherwise.
    package func isProbeDue(now: Instant) -> Bool {
        probeAt.map { $0 <= now } ?? false
    }

    /// Lets the server be probed soon, as it is not asked first and nothing is known of it. So a
    /// second nameserver that never worked is noticed before it is needed.
    mutating func expectProbe(now: Instant) {
        if probeAt == nil { probeAt = now + Self.probeFirst }
    }

    /// A probe is sent now; the next one is a while away.
    package mutating func probed(now: Instant) {
        guard state != .working else {
            probeAt = now + Self.probeMax
            return
        }
        probes = min(probes + 1, 8)
        let limit = state == .away ? Self.awayProbeMax : Self.probeMax
        probeAt = now + min(Self.probeFirst * (1 << probes), limit)
    }
}

extension ServerHealth.Failure: CustomStringConvertible {
    /// A phrase for people.
    package var description: String {
        switch self {
        case .silence: "no answer in time"
        case .unreachable(let error): "\(error)"
        case .malformed(let error): "malformed answer: \(error)"
        case .code(let code): "answered \(code)"
        }
    }
}

extension ServerHealth.Noted: Equatable where What: Equatable {}
