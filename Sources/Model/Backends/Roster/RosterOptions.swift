// RosterOptions: every number that decides how long a backend stays, with its default and reason.

/// How a roster judges answers and evidence. Value type, any thread.
package struct RosterOptions: Sendable, Equatable {
    /// Passed and failed checks that count; nil when nothing checks the backends.
    package var checks: Checks? = Checks()
    /// Whether checks connect to the port that requests go to, so that a check which is refused
    /// says what a refused request would say.
    package var checksWhatIsServed = true
    /// How long each kind of failure removes nothing.
    package var holds = Holds()
    /// Whether a backend that passes its checks stays when a hold ends and discovery still fails.
    /// False: addresses of containers are used again, so that after so long a passing check may be
    /// a stranger's. True is for networks where addresses are not used again, or where checks tell
    /// who answers.
    package var keepsPassingAfterHold = false
    /// How much of a tier has to be up for it to serve alone, 0 to 100 percent; below that the next
    /// tier serves with it. 0: as RFC 2782 has it, a tier serves as long as one of it is up.
    package var failoverPercent = 0
    /// How long a source whose backends were all out must have had one up again before it gets
    /// requests back, while a later source serves in its stead; nil: it has them back at once. A
    /// link that flaps would otherwise take requests along each time.
    package var failoverReturn: Duration?
    /// Good answers in a row without a backend that start its drain; at least 1.
    ///
    /// 1: most instances that are deregistered are about to exit, and each answer waited for costs
    /// failed dials. For a record that flaps, or a server that names a random subset, one answer is
    /// no proof; so the number doubles, to at most `missesToDrainMax`, each time that a draining
    /// backend is named again, and falls back after `flapMemory` without that.
    package var missesToDrain = 1
    /// The most answers that a flapping backend has to be missing from.
    package var missesToDrainMax = 16
    /// How long a backend is missing from an answer that stands for that to count as one more
    /// answer without it: a source that only speaks of changes gives no further one.
    package var missingTime: Duration = .seconds(1)
    /// How long a flap is remembered.
    package var flapMemory: Duration = .seconds(300)
    /// How long a drain may take.
    package var drainLimit: Duration = .seconds(60)
    /// Whether streams end when their backend is evicted: one that is down may still move them.
    package var endsStreamsWhenDown = false
    /// How long a first ejection lasts that time ends; each further one lasts twice as long …
    package var ejectTime: Duration = .seconds(5)
    /// … up to this; a backend that was up for so long starts over. Up to a quarter comes on top,
    /// at random, so that those ejected together do not come back together.
    package var ejectTimeMax: Duration = .seconds(60)
    /// The most backends that may be ejected at a time for what their live requests came to, in
    /// percent of those that do not drain, 0 to 100; one at least unless it is 0, and never the
    /// last in the rotation. Beyond it the trouble is more likely common to all backends.
    package var ejectShareMax = 50
    /// How far back a loss reaches: all that a source stopped naming within this time counts
    /// together.
    ///
    /// Checks in a registry fail one after the other within an interval or two of theirs (mostly 10
    /// s); a service that is scaled down loses one instance every few seconds.
    package var lossWindow: Duration = .seconds(10)
    /// What becomes of requests while no backend is up.
    package var whenNoneUp = WhenNoneUp.evidence
    /// How long a service refuses requests in an emergency before it tries its backends again: its
    /// checks may be what is broken, and would never say that the backends are back.
    package var refuseTime: Duration = .seconds(10)
    /// Over how long the share of a backend that came up grows from a sixteenth to its whole; nil:
    /// it has it at once.
    package var slowStart: Duration?
    /// The zone whose instances go before others of the same place and priority.
    package var zone = Zone()
    /// The most backends of one service; further instances are refused, counted and journalled.
    package var backendsMax = 4096
    /// The most bytes of host name and metadata of one instance; beyond it both are dropped.
    package var metadataBytesMax = 4096

    /// The defaults.
    package init() {}

    /// What becomes of requests while no backend is up. The raw value is what operators write.
    package enum WhenNoneUp: String, Sendable, CaseIterable {
        /// Requests go to all backends against which only checks or the registry speak, as long as
        /// live answers are good. When those fail as well, requests are refused at once. A broken
        /// check is likelier than a broken everything.
        case evidence
        /// Requests go to all backends, whatever speaks against them.
        case always
        /// Requests are refused at once.
        case never
    }

    /// What makes an instance near: its metadata has this value for this key.
    package struct Zone: Sendable, Hashable {
        /// The name of the zone where this process is, such as `a`; nil for no preference.
        package var preferred: String?
        /// The key of an instance's metadata that names its zone.
        package var key = "zone"

        /// No preference.
        package init() {}
    }

    /// How many checks in a row count. Each is at least 1.
    package struct Checks: Sendable, Equatable {
        /// Passed ones that readmit a backend which was down or ejected.
        package var rise: Int
        /// Failed ones that put a backend down.
        package var fall: Int

        /// The given counts, each at least 1.
        package init(rise: Int = 2, fall: Int = 3) {
            self.rise = rise
            self.fall = fall
        }
    }

    /// How long nothing leaves, by what went wrong. A backend whose checks fail is out of the
    /// rotation at once all the same.
    package struct Holds: Sendable, Equatable {
        /// Consul gives this answer when all instances are critical, when it was restarted empty,
        /// and to a token that may not see the service. Elections and restarts are over in minutes,
        /// and a quarter of an hour lets someone repair the rest, while a name deleted on purpose
        /// ends soon: its instances stop, and fail their checks.
        package var nxdomain: Duration = .seconds(900)
        /// The hold while the server names nothing (NODATA). It answers, as with `nxdomain`.
        package var nodata: Duration = .seconds(900)
        /// The server says that it does not know: that says nothing about the backends. A day is
        /// enough to repair a registry, and nobody moves containers while it is away.
        package var servfail: Duration = .seconds(86400)
        /// A permission that was changed by mistake needs people to repair it.
        package var refused: Duration = .seconds(86400)
        /// Its meaning is not known, so it says nothing about the backends.
        package var otherCode: Duration = .seconds(86400)
        /// The network or the server is away.
        package var timeout: Duration = .seconds(86400)
        /// The server is broken, or someone interferes.
        package var malformed: Duration = .seconds(86400)
        /// The hold while the server can't be reached; as long as `timeout`.
        package var unreachable: Duration = .seconds(86400)
        /// How long those lost with most others wait behind those named: long enough for a registry
        /// to fill again and for containers to be drained, short enough for addresses not to be
        /// reused.
        package var massLoss: Duration = .seconds(60)
        /// In place of `nxdomain` and `nodata` while a backend of a source further down is up: an
        /// operator who takes a whole datacentre off the registry expects the next one to serve. A
        /// registry that forgets everything for a moment is no reason to move.
        package var withFailover: Duration = .seconds(10)

        /// The defaults.
        package init() {}

        /// The hold of one kind.
        package subscript(_ kind: HoldKind) -> Duration {
            switch kind {
            case .nxdomain: nxdomain
            case .nodata: nodata
            case .servfail: servfail
            case .refused: refused
            case .otherCode: otherCode
            case .timeout: timeout
            case .malformed: malformed
            case .unreachable: unreachable
            case .massLoss: massLoss
            }
        }

        /// The longest hold of a failing source.
        var longest: Duration {
            HoldKind.allCases.filter { $0 != .massLoss }.map { self[$0] }.max() ?? .zero
        }
    }

    /// Whether counts and limits are at least 1, percentages 0 to 100 and times not negative. Other
    /// values would trap later.
    package var isValid: Bool {
        let counts = [rules.rise, rules.fall, missesToDrain, backendsMax]
        let percentages = [failoverPercent, ejectShareMax]
        let times = [
            ejectTime, ejectTimeMax, lossWindow, refuseTime, drainLimit, failoverReturn ?? .zero,
        ]
        let isSlowStartGood = slowStart.map { $0 > .zero } ?? true
        return counts.allSatisfy { $0 >= 1 } && percentages.allSatisfy((0...100).contains)
            && times.allSatisfy { $0 >= .zero } && isSlowStartGood
    }

    /// Whether an instance is outside the preferred zone.
    func isElsewhere(_ instance: Instance) -> Bool {
        guard let preferred = zone.preferred else { return false }
        return instance.metadata[zone.key] != preferred
    }

    var rules: BackendState.Rules {
        BackendState.Rules(
            rise: checks?.rise ?? 1, fall: checks?.fall ?? 1, isChecked: checks != nil,
            checksWhatIsServed: checksWhatIsServed,
            ejectTime: ejectTime, ejectTimeMax: ejectTimeMax, drainLimit: drainLimit,
            lossWindow: lossWindow)
    }

    /// Good answers that a backend with so many flaps has to be missing from.
    func misses(afterFlaps flaps: Int) -> Int {
        min(missesToDrain << min(flaps, 16), max(missesToDrain, missesToDrainMax))
    }
}
