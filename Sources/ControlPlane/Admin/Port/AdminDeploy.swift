// AdminDeploy: what a client asks of a deploy, and what it hears about it.

package import Backends
package import Endpoints

/// A deploy that a client asks for. Any thread.
package struct AdminDeployRequest: Sendable, Equatable {
    /// The endpoints that the service is to have; not empty, none twice.
    package var to: [Endpoint]
    /// How long new ones may take to pass their checks.
    package var timeout = Duration.seconds(30)
    /// How long the old ones stand by while the new ones serve.
    package var watch = Duration.seconds(10)
    /// How long what is in flight on the old ones may take; nil for the service's own limit.
    package var drain: Duration?
    /// Whether nothing is to be changed: the answer says what would.
    package var isTrial = false

    /// A deploy with the usual times.
    package init(to: [Endpoint]) {
        self.to = to
    }
}

/// A deploy at one moment, as it is shown. Any thread.
package struct AdminDeploy: Sendable {
    /// The service's name.
    package var service: String
    /// How far it is.
    package var phase: DeployState.Phase
    /// The endpoints that the service is to have.
    package var to: [Endpoint]
    /// The new ones, each with whether it is up and why it is in its state.
    package var comes: [(endpoint: Endpoint, isUp: Bool, why: String)]
    /// The endpoints that go.
    package var goes: [Endpoint]
    /// When it began, by the wall clock, in seconds since 1970.
    package var beganAt: Double
    /// How long it has taken, or took as a whole.
    package var seconds: Double
    /// How long it took until the new ones served; nil before that.
    package var secondsToMove: Double?
    /// How long the phase lasts at most from now on; nil after the end.
    package var secondsLeft: Double?
    /// Why it was undone; nil unless it was.
    package var failure: String?
    /// Whether a restart of Fairlead goes on with what was deployed; a reload and an upgrade do in
    /// any case.
    package var isLasting: Bool
    /// Whether it was only asked what would happen.
    package var isTrial = false

    /// A deploy that has just begun, or would.
    package init(
        service: String, _ plan: DeployPlan, beganAt: Double, isLasting: Bool
    ) {
        self.service = service
        phase = .checking
        to = plan.to
        comes = plan.arrivals.map { ($0, false, "") }
        goes = plan.leavers
        self.beganAt = beganAt
        seconds = 0
        self.isLasting = isLasting
    }

    /// What has happened so far, as a sentence without its end.
    package var sentence: String {
        let requests = "requests go to \(new)"
        return switch phase {
        case .checking where isTrial:
            "it would bring in \(comes.count) and take out \(goes.count)"
        case .checking:
            "\(comes.count(where: \.isUp)) of \(comes.count) new ones up"
                + about(old: { "; \($0) serve\($1) meanwhile" })
        case .watching: requests + about(old: { "; \($0) stand\($1) by" })
        case .draining:
            requests + about(old: { old, _ in "; what is in flight on \(old) finishes" })
        case .done where comes.isEmpty && goes.isEmpty: "they serve already"
        case .done: requests + about(old: { old, _ in ", and \(old) may be stopped" })
        case .undone: "undone, everything is as before: \(failure ?? "")"
        }
    }

    private var new: String {
        switch comes.count {
        case 0: "those that stay"
        case 1: "the new one"
        case let count: "the \(count) new ones"
        }
    }

    /// A clause about the old ones, given their name and the ending of a verb; empty without any.
    private func about(old clause: (_ old: String, _ ending: String) -> String) -> String {
        switch goes.count {
        case 0: ""
        case 1: clause("the old one", "s")
        case let count: clause("the \(count) old ones", "")
        }
    }
}

/// The deploys of a service that have ended in this process, and whether one is under way. Value
/// type, any thread.
package struct DeployTally: Sendable, Equatable {
    /// Deploys of one outcome.
    package struct Ended: Sendable, Equatable {
        /// How many.
        package var count = 0
        /// How long they took, in seconds, added up.
        package var seconds = 0.0

        /// A deploy ended that took so long.
        package mutating func add(_ seconds: Double) {
            count += 1
            self.seconds += seconds
        }
    }

    /// Deploys that were done.
    package var done = Ended()
    /// Deploys that failed or were called off.
    package var undone = Ended()
    /// Whether one is under way.
    package var isUnderWay = false

    /// None so far.
    package init() {}
}

/// The outcome of a call about a deploy. Any thread.
package enum AdminDeployOutcome: Sendable {
    /// The deploy as it is now.
    case shown(AdminDeploy)
    /// The call makes no sense now: what is wrong, and what to do about it.
    case refused(String, expected: String)
    /// There is no such service.
    case unknownService
    /// There was no deploy of this service since the process began.
    case none
}
