// Tally: what the requests of one proxy in one run come to. Pure: exchanges and marks in, figures
// out.

internal import BenchSupport

/// What happened when, in monotonic nanoseconds, and to which instances.
struct Marks: Equatable, Sendable {
    /// When it happened: the registry shows it, or the signal is sent.
    var event: UInt64 = 0
    /// Instances that should get requests from then on.
    var newcomers: [Int] = []
    /// Instances that should get none any more.
    var leavers: [Int] = []
    /// When what was broken works again; nil when nothing is repaired.
    var recovery: UInt64?
    /// An instance whose share of the requests is watched from the event to the recovery.
    var watched: Int?
    /// From when to the recovery, or the end, `fairCount` instances are to get equal shares; nil
    /// when nobody looks at shares.
    var fairFrom: UInt64?
    var fairCount = 1
}

/// How soon traffic moved: which instant counts depends on what happened.
enum Movement: String, Codable, Sendable {
    /// When the last of the newcomers got its first request.
    case everyNewcomerUsed
    /// When a leaver got its last request.
    case lastToLeaver
    /// When the last request was due that failed or was slow.
    case lastBad
    /// From the recovery to the first good answer to a request sent after it.
    case firstGood
}

/// One run's figures of one proxy.
struct Tally: Codable, Equatable, Sendable {
    /// Answers that took longer, from when their request was due, are slow.
    static let slowSeconds = 1.0
    /// What was due so shortly before the event may have been in flight when it happened.
    private static let inFlightNanoseconds: UInt64 = 200_000_000

    /// Requests sent.
    var gets = 0
    var posts = 0
    /// How many GETs failed, by how (`Exchange.Outcome` as text).
    var failedGets: [String: Int] = [:]
    var failedPosts: [String: Int] = [:]
    /// Requests whose end took longer than `slowSeconds`, failed ones among them.
    var slow = 0
    /// POSTs that were executed more than once.
    var postsTwice = 0
    /// Seconds until traffic moved; nil when it did not. 0 when there is nothing to wait for.
    var movedSeconds: Double?
    /// The watched instance's largest share of the requests of any second; nil when none is
    /// watched.
    var shareMax: Double?
    /// The largest share of any instance in any stretch of the fair time, as a multiple of an equal
    /// one; nil when nobody looks at it.
    var unevenMax: Double?
    /// Of the streams that an instance held at the time, the largest part that ended within a tenth
    /// of a second; nil without streams.
    var streamsTogether: Double?
    /// Requests for a stream that brought none.
    var streamsRefused = 0
    /// Requests that failed or were slow before the event, or were due well before it: of something
    /// else, then. What was in flight at the event is its own.
    var badBefore = 0
    /// How late the load sent a request at most, in seconds.
    var latenessSeconds = 0.0

    var failedGetCount: Int { failedGets.values.reduce(0, +) }
    var failedPostCount: Int { failedPosts.values.reduce(0, +) }
    var failedCount: Int { failedGetCount + failedPostCount }

    /// - Parameters:
    ///   - executions: how often each POST that was executed at all was executed.
    ///   - movement: nil when nothing moves.
    init(
        _ exchanges: [Exchange], _ marks: Marks, movement: Movement?, streams: [HeldStream] = [],
        streamsRefused: Int = 0, executions: [Int] = [], latenessSeconds: Double = 0
    ) {
        for exchange in exchanges {
            let isPost = exchange.kind == .post
            if isPost { posts += 1 } else { gets += 1 }
            let isSlow = exchange.seconds > Self.slowSeconds
            if isSlow { slow += 1 }
            let isBefore = exchange.due + Self.inFlightNanoseconds < marks.event
            if isBefore || exchange.ended < marks.event, isSlow || !exchange.isGood {
                badBefore += 1
            }
            guard !exchange.isGood else { continue }
            let cause = "\(exchange.outcome)"
            if isPost {
                failedPosts[cause, default: 0] += 1
            } else {
                failedGets[cause, default: 0] += 1
            }
        }
        postsTwice = executions.count { $0 > 1 }
        movedSeconds = movement.flatMap { Self.moved($0, exchanges, marks) }
        shareMax = marks.watched.map { Self.shareMax(of: $0, exchanges, marks) }
        unevenMax = marks.fairFrom.map { Self.unevenMax(exchanges, from: $0, marks) }
        streamsTogether = streams.isEmpty ? nil : Self.endedTogether(streams)
        self.streamsRefused = streamsRefused
        self.latenessSeconds = latenessSeconds
    }

    private static func moved(
        _ movement: Movement, _ exchanges: [Exchange], _ marks: Marks
    ) -> Double? {
        switch movement {
        case .everyNewcomerUsed:
            let firsts = marks.newcomers.map { newcomer in
                exchanges.filter { $0.instance == newcomer && $0.isGood }.map(\.due).min()
            }
            return firsts.contains(nil)
                ? nil : firsts.compactMap { $0 }.max().map { seconds(from: marks.event, to: $0) }
        case .lastToLeaver:
            let last = exchanges.filter { $0.instance.map(marks.leavers.contains) ?? false }
                .map(\.due).max()
            return seconds(from: marks.event, to: last ?? 0)
        case .lastBad:
            let last = exchanges.filter { !$0.isGood || $0.seconds > slowSeconds }.map(\.due).max()
            return seconds(from: marks.event, to: last ?? 0)
        case .firstGood:
            guard let recovery = marks.recovery else { return nil }
            let first = exchanges.filter { $0.isGood && $0.due >= recovery }.map(\.ended).min()
            return first.map { seconds(from: recovery, to: $0) }
        }
    }

    /// 0 when `end` is before `start`.
    private static func seconds(from start: UInt64, to end: UInt64) -> Double {
        end > start ? Double(end - start) / 1e9 : 0
    }

    private static func shareMax(
        of instance: Int, _ exchanges: [Exchange], _ marks: Marks
    ) -> Double {
        var all: [Int: Int] = [:]
        var own: [Int: Int] = [:]
        let end = marks.recovery ?? .max
        for exchange in exchanges where exchange.due >= marks.event && exchange.due < end {
            let second = Int((exchange.due - marks.event) / 1_000_000_000)
            all[second, default: 0] += 1
            if exchange.instance == instance { own[second, default: 0] += 1 }
        }
        return all.map { Double(own[$0.key] ?? 0) / Double($0.value) }.max() ?? 0
    }
}
