// DeployClient: begins a deploy at an admin port and follows it to its end. It asks again and again
// rather than listen: so it survives a lost connection, and a Fairlead that hands over to another.

import Admin
import ArgumentParser
import Backends
import CLinux
import Control
import Endpoints
import Events
import Glibc
import HTTP1
import HTTPClient
import JSON
import Wording

/// Follows one deploy. One thread, which is its loop's.
final class DeployClient {
    private let path: String
    private var addresses: AddressesInTurn
    private let token: String?
    private let tls: HTTPClient.Security?
    private let isJSON: Bool
    private let loop = EventLoop()
    private let client: HTTPClient
    private var timer: Timer?
    private var signals: [SignalWatch] = []
    private var lastSentence = ""
    private var lastBody: [UInt8] = []
    private var lostSince: ContinuousClock.Instant?
    /// The signal that has called it off; nil before.
    private var callingOff: Int32?
    private var exitCode: Int32 = 0

    private static let interval = Duration.milliseconds(200)
    /// How long the admin port may be away before it is given up.
    private static let patience = Duration.seconds(15)

    /// Follows the deploy at `path` of the admin port.
    init(
        _ path: String, _ addresses: AddressesInTurn, token: String?, tls: HTTPClient.Security?,
        isJSON: Bool
    ) {
        self.tls = tls
        self.path = path
        self.addresses = addresses
        self.token = token
        self.isJSON = isJSON
        client = HTTPClient(on: loop)
    }

    /// Sends the request, and follows what it begins; with `isOnce` prints what it says alone.
    ///
    /// - Parameter rest: what follows the path.
    /// - Throws: the exit code, unless it is 0.
    func follow(_ method: Method, _ rest: String, isOnce: Bool = false) throws {
        timer = Timer(on: loop) { [unowned self] in ask() }
        send(method, rest) { [unowned self] outcome in
            switch outcome {
            case .response(let response) where response.status == 200:
                handle(response.body, isOnce: isOnce)
            case .response(let response): refuse(response)
            case .failed(let failure): end(2, "no answer from \(addresses.current): \(failure)")
            }
        }
        loop.run()
        signals = []
        if exitCode != 0 { throw ExitCode(exitCode) }
    }

    private func send(
        _ method: Method, _ rest: String, _ completion: @escaping (HTTPClient.Outcome) -> Void
    ) {
        var request = HTTPClient.Request(
            path + rest, from: addresses.current, deadline: .seconds(10),
            responseBody: .upTo(1 << 20))
        request.method = method
        request.tls = tls
        if let token { request.fields = [(name: "Authorization", value: "Bearer \(token)")] }
        client.send(request) { [unowned self] outcome in
            // Only where nothing can have been read: a deploy must not be begun twice by accident.
            if case .failed(let failure) = outcome, case .connect = failure,
                addresses.failed(failure)
            {
                return send(method, rest, completion)
            }
            completion(outcome)
        }
    }

    // MARK: - Following

    private func ask() {
        send(.get, "") { [unowned self] outcome in
            switch outcome {
            case .response(let response) where response.status == 200:
                lostSince = nil
                handle(response.body, isOnce: false)
            case .response(let response) where response.status == 404:
                end(
                    1,
                    "another process runs by now, and knows of no deploy: what was under way was "
                        + "undone")
            case .response(let response): lose("status \(response.status)")
            case .failed(let failure): lose("\(failure)")
            }
        }
    }

    private func lose(_ why: String) {
        let since = lostSince ?? .now
        lostSince = since
        guard since.duration(to: .now) < Self.patience else {
            return end(
                1, "no answer from \(addresses.current) any more: \(why); how it ended is not known"
            )
        }
        timer?.schedule(after: Self.interval)
    }

    private func handle(_ body: [UInt8], isOnce: Bool) {
        guard let deploy = try? JSON.decode(DeployDocument.self, from: body) else {
            return end(2, "\(addresses.current) is no Fairlead of this version")
        }
        lastBody = body
        show(deploy)
        guard !deploy.over, !deploy.trial, !isOnce else { return finish(deploy) }
        if signals.isEmpty {
            signals = [SIGINT, SIGTERM].map { number in
                SignalWatch(number, on: loop) { [unowned self] in callOff(number) }
            }
        }
        timer?.schedule(after: Self.interval)
    }

    /// The first signal undoes the deploy, the second ends this program alone.
    private func callOff(_ number: Int32) {
        guard callingOff == nil else {
            return end(128 + number, "the deploy goes on or is undone alone")
        }
        callingOff = number
        tell("calling it off …")
        send(.post, "/undo") { [unowned self] outcome in
            // What follows is found out by asking.
            if case .response(let response) = outcome, response.status == 409 {
                callingOff = nil
                tell("too late: \(Self.problem(response.body))")
            }
        }
    }

    // MARK: - Telling

    private func show(_ deploy: DeployDocument) {
        guard deploy.sentence != lastSentence else { return }
        if lastSentence.isEmpty {
            let names = deploy.comes.map(\.address)
            tell("\(deploy.service): new \(list(names)); to go \(list(deploy.goes))")
        }
        lastSentence = deploy.sentence
        tell("\(seconds(deploy.seconds))  \(deploy.sentence)")
    }

    private func finish(_ deploy: DeployDocument) {
        if isJSON { writeAll(STDOUT_FILENO, String(decoding: lastBody, as: UTF8.self)) }
        switch DeployState.Phase(rawValue: deploy.phase) {
        case .done:
            let moved = deploy.secondsToMove.map { ", served by the new ones after \(seconds($0))" }
            tell("\(deploy.service): done in \(seconds(deploy.seconds))\(moved ?? "")")
            if !deploy.lasting {
                tell(
                    "There is no state-file: a restart goes back to the configuration's list. "
                        + "Change that as well.")
            }
            end(0)
        case .undone:
            for backend in deploy.comes { tell("  \(backend.address)  \(backend.why)") }
            end(callingOff.map { 128 + $0 } ?? 1)
        case .checking, .watching, .draining, nil: end(0)
        }
    }

    private func refuse(_ response: HTTPClient.Response) {
        switch response.status {
        case 401: end(2, "it needs a token: --token-file or FAIRLEAD_ADMIN_TOKEN")
        default: end(2, Self.problem(response.body))
        }
    }

    private func tell(_ line: String) {
        if !isJSON { writeAll(STDOUT_FILENO, "\(line)\n") }
    }

    private func end(_ code: Int32, _ why: String? = nil) {
        if let why { printError("fairlead: \(why)") }
        exitCode = code
        timer?.cancel()
        loop.stop()
    }

    private func list(_ names: [String]) -> String {
        names.isEmpty ? "none" : names.joined(separator: ", ")
    }

    private func seconds(_ count: Double) -> String {
        "\(Int(count)).\(Int(count * 10) % 10) s"
    }

    /// What the admin port says when it refuses something.
    private static func problem(_ body: [UInt8]) -> String {
        guard let told = try? JSON.decode(ProblemDocument.self, from: body) else {
            return "It refuses, and does not say why."
        }
        return "\(told.error) Expected: \(told.expected)"
    }
}
