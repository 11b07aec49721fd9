// SourceStatus: what a roster knows about one of its sources, for the admin port and for the holds.

/// How one source of a service is doing. A copy does not follow the roster. Control thread.
package struct SourceStatus: Sendable, Equatable {
    /// The last good answer; nil before the first. One that an earlier process got counts, should
    /// this process have none (`Roster.recall`).
    package internal(set) var lastGoodAnswer: GoodAnswer?
    /// The last failure, whether or not good answers followed; nil for none yet.
    package internal(set) var lastFailure: Failure?
    /// The failures since the last good answer; nil while the source works.
    package internal(set) var outage: Outage?
    /// Good answers so far.
    package internal(set) var goodAnswers: UInt64 = 0
    /// Failures so far by kind, and answers that lost most backends.
    package internal(set) var failures: [HoldKind: UInt64] = [:]
    /// Instances refused because the service has too many backends, once per answer.
    package internal(set) var instancesRefused: UInt64 = 0
    /// Instances whose host name and metadata were dropped for their size, once per answer.
    package internal(set) var metadataDropped: UInt64 = 0

    /// Until when its backends wait behind those of later sources although they are up; nil when
    /// they don't.
    package internal(set) var returnsAt: ContinuousClock.Instant?
    /// How many of its backends are up.
    var up = 0
    /// Whether it had backends that were up, and has none.
    var isAway = false
    /// The age of the answer that it began with, if that was the last good one of another process.
    var recalledAge = Duration.zero
    var isRefusing = false
    /// How many instances it named lately.
    var peak = RecentPeak()
    /// Whether its answers hold until another one comes.
    var answersStand = false
    /// Whether its answers are deliberate, however much they take away.
    var isDeliberate = false
    /// The backends that it stopped naming and that are still there; nil for none.
    package internal(set) var loss: Loss?
    /// When it lost most at once; backends that went one by one before that are not brought back.
    var lostMostAt: ContinuousClock.Instant?
    /// The last answer after which nothing of it was missing, and `Roster.namings` then.
    var settled: Settled?

    /// An answer after which there was nothing to do.
    struct Settled: Equatable {
        /// The answer as it came.
        let answer: [Instance]
        /// Its instances, each endpoint once.
        let instances: [Instance]
        let namings: UInt64
    }

    /// Backends that the source stopped naming and that stay for a while.
    package struct Loss: Sendable, Equatable {
        /// Since when.
        package let at: ContinuousClock.Instant
        /// How many backends there were.
        package internal(set) var before: Int
        /// How many of them still go on; they are held, or replaced.
        package internal(set) var lost: Int
        /// Whether those that are held serve beside those named.
        package internal(set) var hasJoined = false
        /// Whether the registry lists some of them, and its checks of these fail.
        var isByHealth = false
        /// New ones that are named since.
        var arrivals: Set<BackendID> = []
        /// How many of these are up.
        var arrivalsUp = 0

        /// Whether as many new ones are up as went.
        var isReplaced: Bool {
            !arrivals.isEmpty && arrivalsUp >= min(lost, arrivals.count)
        }
    }

    /// A good answer.
    package struct GoodAnswer: Sendable, Equatable {
        /// When it came.
        package let at: ContinuousClock.Instant
        /// Distinct endpoints that it names.
        package let instances: Int
    }

    /// A failed lookup.
    package struct Failure: Sendable, Equatable {
        /// When it failed.
        package let at: ContinuousClock.Instant
        /// How it failed.
        package let failure: DiscoveryFailure
    }

    /// A run of failures. The hold of a kind counts from the first failure of that kind in a row; a
    /// source that fails in many ways by turns is held for the longest of all holds at most.
    package struct Outage: Sendable, Equatable {
        /// When it began.
        package let since: ContinuousClock.Instant
        /// How the source fails now.
        package internal(set) var kind: HoldKind
        /// Since when it fails in that way.
        package internal(set) var kindSince: ContinuousClock.Instant
        /// When the hold ends, or ended.
        package internal(set) var until: ContinuousClock.Instant
        /// Whether the hold is over: a backend that does not pass its checks goes at once.
        package internal(set) var isOver = false
        var kindsSeen: Set<HoldKind>
        /// Whether its shorter time is over, which holds while others could take over.
        var hasWaitedForFailover = false

        /// Whether the server answers, and names nothing.
        var mayFailOver: Bool { kind == .nxdomain || kind == .nodata }
    }

    /// A hold in force: these backends would leave without it.
    package struct Hold: Sendable, Equatable {
        /// What it protects from.
        package let kind: HoldKind
        /// When the last of these backends is released.
        package let until: ContinuousClock.Instant
        /// How many backends it holds.
        package let backends: Int
    }
}

extension SourceStatus {
    /// Whether it may bring instances within seconds: it has named some, which are being checked,
    /// or has not said yet that there are none. A denial is an answer; so is a failure that has
    /// come twice.
    package var maySoonAnswer: Bool {
        guard let outage else { return true }
        guard lastGoodAnswer == nil else { return true }
        switch outage.kind {
        case .nxdomain, .nodata: return false
        case .servfail, .refused, .otherCode, .timeout, .malformed, .unreachable, .massLoss:
            return failures.values.reduce(0, +) < 2
        }
    }
}
