// RosterOptions: every number that decides how long a backend stays, with its default and reason.

/// How a roster judges answers and evidence. Value type, any thread.
package struct RosterOptions: Sendable, Equatable {
    /// Passed and failed checks that count; nil when nothing checks the backends.
    package var checks: Checks? = Checks()
    /// How long each kind of failure removes nothing.
    package var holds = Holds()
    /// Whether a backend that passes its checks stays when a hold ends and discovery still fails.
    /// True: health is evidence, discovery is advice. False where addresses are soon reused by
    /// other services, so that a passing check may be a stranger's.
    package var keepsPassingAfterHold = true
    /// Good answers in a row without a backend that start its drain; at least 1.
    ///
    /// 1: most instances that are deregistered are about to exit, and each answer waited for costs
    /// failed dials. For a record that flaps, or a server that names a random subset, one answer is
    /// no proof; so the number doubles, to at most `missesToDrainMax`, each time that a draining
    /// backend is named again, and falls back after `flapMemory` without that.
    package var missesToDrain = 1
    /// The most answers that a flapping backend has to be missing from.
    package var missesToDrainMax = 16
    /// How long a flap is remembered.
    package var flapMemory: Duration = .seconds(300)
    /// How long a drain may take.
    package var drainLimit: Duration = .seconds(60)
    /// Without checks: how long a first ejection lasts; each further one lasts twice as long …
    package var backOff: Duration = .seconds(5)
    /// … up to this; a backend that was up for so long starts anew.
    package var backOffMax: Duration = .seconds(60)
    /// The most backends of one service; further instances are refused, counted and journalled.
    package var backendsMax = 4096
    /// The most bytes of host name and metadata of one instance; beyond it both are dropped.
    package var metadataBytesMax = 4096

    /// The defaults.
    package init() {}

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
        /// Consul says so when all instances are critical, and when it was restarted empty; elections
        /// and restarts are over in 5 minutes, while a name deleted on purpose should end some time.
        package var nxdomain: Duration = .seconds(300)
        /// As `nxdomain`: the server speaks, and names nothing.
        package var nodata: Duration = .seconds(300)
        /// The server says that it does not know: that says nothing about the backends.
        package var servfail: Duration = .seconds(3600)
        /// A permission that was changed by mistake takes people to repair.
        package var refused: Duration = .seconds(3600)
        /// Not known what it means, so nothing about the backends.
        package var otherCode: Duration = .seconds(3600)
        /// The network or the server is away.
        package var timeout: Duration = .seconds(3600)
        /// The server is broken, or someone interferes.
        package var malformed: Duration = .seconds(3600)
        /// As `timeout`.
        package var unreachable: Duration = .seconds(3600)
        /// How long those lost with most others in one answer may go on passing their checks: long
        /// enough for a registry to fill again, short enough for addresses not to be reused.
        package var massLoss: Duration = .seconds(300)

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

    var rules: BackendState.Rules {
        BackendState.Rules(
            rise: checks?.rise ?? 1, fall: checks?.fall ?? 1, isChecked: checks != nil,
            backOff: backOff, backOffMax: backOffMax, drainLimit: drainLimit)
    }

    /// Good answers that a backend with so many flaps has to be missing from.
    func misses(afterFlaps flaps: Int) -> Int {
        min(missesToDrain << min(flaps, 16), max(missesToDrain, missesToDrainMax))
    }
}
