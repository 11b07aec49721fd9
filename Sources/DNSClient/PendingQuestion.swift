// PendingQuestion: carries out for one question what its QuestionRace decides: opens and closes the
// transports, keeps the timer, counts.

package import DNSWire
internal import Endpoints
internal import Events

/// A question that waits or is under way. Loop thread only.
///
/// The resolver keeps it; a caller keeps it only to cancel.
package final class PendingQuestion {
    /// What is asked.
    package let question: Question
    private let over: DNSTransport
    private var completion: ((DNSAnswer) -> Void)?
    private weak var resolver: Resolver?
    private var servers: [Endpoint] = []
    private var race: QuestionRace?
    private var transports: [Int: Transport] = [:]
    private var timer: Timer?
    private var countedTimeouts = 0

    init(
        _ question: Question, over transport: DNSTransport, resolver: Resolver,
        completion: @escaping (DNSAnswer) -> Void
    ) {
        self.question = question
        over = transport
        self.resolver = resolver
        self.completion = completion
    }

    /// Drops the question: its completion is not called any more. Harmless when repeated.
    package func cancel() {
        completion = nil
        stop()
        resolver?.remove(self)
    }

    /// Asks `servers`, the preferred one first.
    func start(_ servers: [Endpoint]) {
        guard let resolver else { return }
        self.servers = servers
        timer = Timer(on: resolver.loop) { [weak self] in self?.step { $0.advance(now: $1) } }
        race = QuestionRace(resolver.options, serverCount: servers.count, over: over)
        step { $0.start(now: $1) }
    }

    /// Ends it without a word from a server.
    func finish(_ outcome: DNSOutcome) {
        finish(QuestionRace.Ending(outcome: outcome))
    }

    /// Feeds one event to the race and carries out what follows, failures to open included.
    private func step(
        _ event: (inout QuestionRace, ContinuousClock.Instant) -> [QuestionRace.Action]
    ) {
        guard var race else { return }
        let now = ContinuousClock.now
        var actions = event(&race, now)
        var position = 0
        while position < actions.count {
            switch actions[position] {
            case .open(let exchange):
                if let error = open(exchange) {
                    resolver?.counters.unreachable += 1
                    actions += race.failed(error, on: exchange.number, now: now)
                }
            case .close(let number): transports.removeValue(forKey: number)?.close()
            case .finish(let ending):
                count(race)
                finish(ending)
                return
            }
            position += 1
        }
        count(race)
        self.race = race
        if let wakesAt = race.wakesAt(now: now) {
            timer?.schedule(after: now.duration(to: wakesAt))
        }
    }

    private func count(_ race: QuestionRace) {
        resolver?.counters.timeouts += race.timeouts - countedTimeouts
        countedTimeouts = race.timeouts
    }

    /// Why the exchange could not be opened; nil when it was.
    private func open(_ exchange: QuestionRace.Exchange) -> Errno? {
        guard let resolver else { return nil }
        let query = Message.query(
            id: resolver.options.nextID(), question,
            edns: exchange.hasEDNS
                ? Message.EDNS(udpPayloadOctetsMax: resolver.options.udpPayloadSize) : nil)
        let report: (TransportEvent) -> Void = { [weak self] event in
            self?.hear(event, from: exchange)
        }
        do throws(Errno) {
            switch exchange.transport {
            case .udp:
                transports[exchange.number] = try UDPTransport(
                    query, to: servers[exchange.server], buffer: resolver.buffer,
                    on: resolver.loop, report: report)
                resolver.counters.sentUDP += 1
            case .tcp:
                transports[exchange.number] = try TCPTransport(
                    query, to: servers[exchange.server], buffer: resolver.buffer,
                    on: resolver.loop, report: report)
                resolver.counters.sentTCP += 1
            }
            return nil
        } catch {
            return error
        }
    }

    private func hear(_ event: TransportEvent, from exchange: QuestionRace.Exchange) {
        guard let resolver else { return }
        let number = exchange.number
        switch event {
        case .message(let message):
            resolver.counters.received += 1
            resolver.counters.responses[message.responseCode, default: 0] += 1
            if exchange.transport == .udp, message.flags.contains(.truncated) {
                resolver.counters.truncated += 1
            }
            step { $0.received(message, on: number, now: $1) }
        case .mismatched:
            resolver.counters.received += 1
            resolver.counters.mismatched += 1
        case .garbled(let error, let isTruncated):
            resolver.counters.received += 1
            resolver.counters.malformed += 1
            step { $0.garbled(error, isTruncated: isTruncated, on: number, now: $1) }
        case .failed(let error):
            resolver.counters.unreachable += 1
            step { $0.failed(error, on: number, now: $1) }
        case .closed: step { $0.closed(number, now: $1) }
        }
    }

    private func finish(_ ending: QuestionRace.Ending) {
        stop()
        let server = ending.exchange.map { servers[$0.server] }
        resolver?.remove(self, answeredBy: ending.outcome.isGood ? server : nil)
        let completion = completion
        self.completion = nil
        completion?(
            DNSAnswer(
                question: question, outcome: ending.outcome, message: ending.message,
                server: server, transport: ending.exchange?.transport,
                roundTrip: ending.roundTrip, wasTruncated: ending.wasTruncated))
    }

    private func stop() {
        race = nil
        timer?.cancel()
        for exchange in transports.values { exchange.close() }
        transports = [:]
    }
}
