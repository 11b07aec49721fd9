// Backend: an instance as Fairlead tracks it. What the admin port shows of it is here, as values.

package import Endpoints

/// An instance with what Fairlead knows of it: number, state, checks. A copy taken from the roster
/// does not follow it. Control thread.
package struct Backend: Sendable, Equatable {
    /// Its number for as long as it is on the roster.
    package let id: BackendID
    /// The place of the source that names it, from 0; the best of those that do.
    package internal(set) var place: UInt8 = 0
    /// What the source said last. Its endpoint never changes: it is the identity.
    package internal(set) var instance: Instance
    /// Phase, since when, and why.
    package internal(set) var state: BackendState
    /// Whether the source names it.
    package internal(set) var naming = Naming.named
    /// The check that ended last; nil before the first.
    package internal(set) var lastCheck: Check?
    /// How the last checks ended.
    package internal(set) var recentChecks = CheckStrip()
    /// The last time that a live request could not connect; nil for never.
    package internal(set) var lastDialFailure: Dial?

    /// The last time that live requests failed after they had connected; nil for never.
    package internal(set) var lastLiveFailure: Live?

    /// The operator's override; nil for none.
    package internal(set) var override: BackendOverride?

    /// When what is still under way on it is ended, though it stays: an operator's drain has its
    /// limit too. Nil without such a drain, and after that.
    var operatorDrainEnd: ContinuousClock.Instant?
    /// When an operator's drain begins to end streams; nil without one, and once that is done.
    var operatorStreamsEnd: ContinuousClock.Instant?

    /// How often it was drained for an absence that turned out to be wrong; see `missesToDrain`.
    var flaps = 0
    var lastFlap: ContinuousClock.Instant?
    /// When time will have confirmed that it is missing; nil while it is named, or only answers
    /// count.
    var missingUntil: ContinuousClock.Instant?
    /// Since when it is missing; nil while it is named, and when it is not known.
    var lostAt: ContinuousClock.Instant?
    /// When it comes up in the heap of those that are due; nil while it is not there.
    var queuedAt: ContinuousClock.Instant?
    /// Its slow start; nil when it has its whole share.
    var ramp: Ramp?
    /// Whether it waits behind those that its source names; see Roster+Losses.
    var isReserve = false
    /// Whether it is outside the preferred zone; see `RosterOptions.zone`.
    var isElsewhere = false

    /// Where it is; its identity within the service.
    package var endpoint: Endpoint { instance.endpoint }

    /// The SRV weight that counts: the operator's if there is one, else the source's.
    package var weight: UInt16 { override?.weight ?? instance.weight }

    /// What the last good answer meant for a backend.
    package enum Naming: Sendable, Equatable {
        /// The last good answer named it.
        case named
        /// This many good answers in a row did not.
        case missing(answers: Int)
        /// The backend was lost with most others within seconds. It waits until then behind those
        /// that are named, as long as its checks pass.
        case held(until: ContinuousClock.Instant)
        /// Others are named instead, and are not up yet. Until they are, and until this time at the
        /// latest, it serves as before, as long as its checks pass.
        case replaced(until: ContinuousClock.Instant)
    }

    /// How a check ended.
    package struct Check: Sendable, Equatable {
        /// When it ended.
        package let at: ContinuousClock.Instant
        /// How long it took.
        package let took: Duration
        /// Nil if it passed.
        package let failure: CheckFailure?
    }

    /// How a live request failed to connect.
    package struct Dial: Sendable, Equatable {
        /// When it failed.
        package let at: ContinuousClock.Instant
        /// How it failed.
        package let failure: DialFailure
    }

    /// How live requests failed.
    package struct Live: Sendable, Equatable {
        /// When a worker reported it.
        package let at: ContinuousClock.Instant
        /// What they came to.
        package let failure: LiveFailure
    }

    /// Where it stands in the order of fail-over.
    package var tier: Tier {
        Tier(
            place: place, priority: instance.priority, isElsewhere: isElsewhere,
            isReserve: isReserve)
    }

    /// How much of its weight it has in its slow start, in sixteenths: 1 to 16, which is all of it.
    package var rampShare: Int { Int(ramp?.sixteenths ?? Ramp.full) }

    /// The form from which the rotation is built.
    var contender: Rotation.Contender {
        let member = Rotation.Member(
            id: id, endpoint: endpoint, hostName: instance.hostName, weight: UInt32(weight),
            tier: tier, isOnProbation: state.isOnProbation)
        // An operator's weight is for one backend, and is not divided.
        let sharers = override?.weight == nil ? UInt32(max(instance.sharers, 1)) : 1
        return Rotation.Contender(
            member: member, sharers: sharers, sixteenths: ramp?.sixteenths ?? Ramp.full)
    }
}
