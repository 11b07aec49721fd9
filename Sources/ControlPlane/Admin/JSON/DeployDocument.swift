// DeployDocument: a deploy as JSON.

internal import Backends

/// `/services/NAME/deploy`.
struct DeployDocument: Encodable {
    struct Arrival: Encodable {
        let address: String
        let up: Bool
        let why: String
    }

    let service: String
    let phase: String
    let over: Bool
    let trial: Bool
    let sentence: String
    let to: [String]
    let comes: [Arrival]
    let goes: [String]
    let beganAt: String
    let seconds: Double
    let secondsToMove: Double?
    let secondsLeft: Double?
    let failure: String?
    let lasting: Bool

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
