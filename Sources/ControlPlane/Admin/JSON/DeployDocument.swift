// DeployDocument: a deploy as JSON, as the admin port writes it and `fairlead deploy` reads it.

internal import Backends

/// `/services/NAME/deploy`. Value type, any thread.
package struct DeployDocument: Codable, Sendable {
    /// An instance that comes.
    package struct Arrival: Codable, Sendable {
        /// `ADDRESS:PORT`
        package let address: String
        /// Whether its backend is up.
        package let up: Bool
        /// Why its backend is in its state, as a clause.
        package let why: String
    }

    /// The service's name.
    package let service: String
    /// How far it is: a raw value of `DeployState.Phase`.
    package let phase: String
    /// Whether nothing follows.
    package let over: Bool
    /// Whether it was only asked what would happen.
    package let trial: Bool
    /// What has happened so far, as a sentence without its end.
    package let sentence: String
    /// The addresses that the service is to have.
    package let to: [String]
    /// The instances that are new.
    package let comes: [Arrival]
    /// The addresses that go.
    package let goes: [String]
    /// When it began, as ISO 8601 has it.
    package let beganAt: String
    /// How long it has taken, or took as a whole.
    package let seconds: Double
    /// How long it took until the new ones served; nil before that.
    package let secondsToMove: Double?
    /// How long the phase lasts at most from now on; nil after the end.
    package let secondsLeft: Double?
    /// Why it was undone; nil unless it was.
    package let failure: String?
    /// Whether a restart of Fairlead goes on with what was deployed.
    package let lasting: Bool

    init(_ deploy: AdminDeploy) {
        func rounded(_ seconds: Double) -> Double { (seconds * 1000).rounded() / 1000 }
        service = deploy.service
        phase = deploy.phase.rawValue
        over = deploy.phase.isEnd
        trial = deploy.isTrial
        sentence = deploy.sentence
        to = deploy.to.map { "\($0)" }
        comes = deploy.comes.map {
            Arrival(address: "\($0.endpoint)", up: $0.isUp, why: $0.why)
        }
        goes = deploy.goes.map { "\($0)" }
        beganAt = timeText(deploy.beganAt)
        seconds = rounded(deploy.seconds)
        secondsToMove = deploy.secondsToMove.map(rounded)
        secondsLeft = deploy.secondsLeft.map(rounded)
        failure = deploy.failure
        lasting = deploy.isLasting
    }
}
