// `fairlead ready`: whether the running Fairlead is ready, as an exit code.

import ArgumentParser
import Configuration
import Control
import Endpoints
import Events
import HTTPClient
import Wording

struct ReadyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ready",
        abstract: "Ask a running Fairlead whether it is ready for requests.",
        discussion: """
            For health checks and hooks of containers, and for scripts. Reads the configuration \
            that `run` reads, from the same file, environment and flags, to know where to ask for \
            /health/ready. Exit code 0 when it is ready, 1 when it is not or does not answer, 2 when \
            the configuration is not valid or has no address to ask at.
            """)

    @OptionGroup var flags: ConfigurationFlags
    @Flag(help: "Whether every service has to be served; without it, one is enough.")
    var every = false
    @Option(
        help: ArgumentHelp(
            "How long to ask again and again until it is ready, such as 30s.", valueName: "time"))
    var wait: String?

    private var patience: Duration? { wait.map(Units.duration) ?? .zero }

    func validate() throws {
        guard patience == nil, let wait else { return }
        throw ValidationError("--wait: found \"\(wait)\", expected a time with a unit, such as 30s")
    }

    func run() throws {
        let configuration = try flags.load(warns: false).configuration
        let places = configuration.healthPlaces
        guard !places.admin.isEmpty || !places.health.isEmpty else {
            printError("fairlead: the admin port is off, and so is health.listen: nobody to ask")
            throw ExitCode(2)
        }
        let question = ReadinessQuestion(
            AddressesInTurn(places.admin + places.health),
            path: "/health/ready" + (every ? "?when=every" : ""), patience: patience ?? .zero)
        question.admin = (
            places.admin, try? configuration.admin.readToken(),
            configuration.admin.tls.localSecurity(at: places.admin.first?.address)
        )
        question.healthTLS = configuration.health.tls.localSecurity(
            at: places.health.first?.address)
        switch question.ask() {
        case .ready(let text): writeAll(1, text)
        case .not(let why):
            printError("fairlead: \(why)")
            throw ExitCode(1)
        }
    }
}

/// Asks a running Fairlead until it is ready, or patience is over. One thread, which is its loop's.
private final class ReadinessQuestion {
    enum Answer {
        /// With what it said besides.
        case ready(String)
        /// And why, in one line or more.
        case not(String)
    }

    /// How long an answer may take: what watches a container waits for 30 s at most, and often for
    /// 1 s.
    private static let deadline = Duration.seconds(1)
    /// How long to wait before asking again.
    private static let pause = Duration.milliseconds(50)

    private var addresses: AddressesInTurn
    private let path: String
    private let end: ContinuousClock.Instant
    private let loop = EventLoop()
    private let client: HTTPClient
    private var timer: Timer?
    private var answer = Answer.not("it was not asked")
    /// The addresses of the admin port, its token, which reasons are told for, and how it is asked
    /// by TLS.
    var admin: (addresses: [Endpoint], token: String?, tls: HTTPClient.Security?) = ([], nil, nil)

    /// How the addresses for health alone are asked by TLS.
    var healthTLS: HTTPClient.Security?

    init(_ addresses: AddressesInTurn, path: String, patience: Duration) {
        self.addresses = addresses
        self.path = path
        end = .now + patience
        client = HTTPClient(on: loop)
    }

    /// Blocks.
    func ask() -> Answer {
        timer = Timer(on: loop) { [unowned self] in send() }
        send()
        loop.run()
        return answer
    }

    private func send() {
        let place = addresses.current
        var request = HTTPClient.Request(
            path, from: place, deadline: Self.deadline, responseBody: .upTo(1 << 20))
        if admin.addresses.contains(place) {
            request.tls = admin.tls
            if let token = admin.token {
                request.fields = [(name: "Authorization", value: "Bearer \(token)")]
            }
        } else {
            request.tls = healthTLS
        }
        client.send(request) { [unowned self] outcome in
            switch outcome {
            case .response(let response):
                addresses.answered()
                conclude(read(response, from: place))
            case .failed(let failure):
                if addresses.failed(failure) { return send() }
                conclude(.not("nobody answers at \(place): \(failure)"))
            }
        }
    }

    private func read(_ response: HTTPClient.Response, from place: Endpoint) -> Answer {
        let text = String(decoding: response.body, as: UTF8.self)
        switch response.status {
        case 200: return .ready(text)
        case 503 where text.hasPrefix("not ready"):
            return .not(text.hasSuffix("\n") ? String(text.dropLast()) : text)
        case let status: return .not("status \(status) from \(place), which may be no Fairlead")
        }
    }

    private func conclude(_ answer: Answer) {
        self.answer = answer
        if case .not = answer, ContinuousClock.now < end {
            timer?.schedule(after: Self.pause)
        } else {
            loop.stop()
        }
    }
}
