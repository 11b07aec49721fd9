// PendingQuestion: carries out for one question what its QuestionRace decides: opens and closes the
// transports, keeps the timer, and reports to the resolver how each server behaved.

package import DNSWire
internal import Endpoints
internal import Events

/// A question that waits or is under way. Loop thread only.
///
/// The resolver keeps it; a caller keeps it only to cancel.
package final class PendingQuestion {
    /// What is asked.
    package let question: Question
    /// The transport of the first try.
    let over: DNSTransport
    private var completion: ((DNSAnswer) -> Void)?
    private weak var resolver: Resolver?
    /// Its place in the resolver's line; nil once it has left it.
    var ticket: WaitingLine<PendingQuestion>.Ticket?
    /// Indices into the resolver's servers, in the order of the race.
    private var servers: [Int] = []
    private var race: QuestionRace?
    private var transports: [Int: Channel] = [:]
    /// How long the last message of each exchange was.
    private var octets: [Int: Int] = [:]
    private var timer: Timer?
    private var countedTimeouts = 0
    private var sentCount = 0
    private var wasGivenUp = false
    /// Whether its first query has been waited for: a probe's has not.
    private let isPaid: Bool

    init(
        _ question: Question, over transport: DNSTransport, isPaid: Bool = true, resolver: Resolver,
        completion: @escaping (DNSAnswer) -> Void
    ) {
        self.question = question
        over = transport
        self.isPaid = isPaid
        self.resolver = resolver
        self.completion = completion
    }

    /// Drops the question: its completion is not called any more. Harmless when repeated.
    package func cancel() {
        completion = nil
        stop()
        resolver?.remove(self)
    }

    /// Asks `servers`, indices into the resolver's, the first one first.
    func start(_ servers: [Int], options: ResolverOptions) {
        guard let resolver else { return }
        self.servers = servers
        timer = Timer(on: resolver.loop) { [weak self] in self?.step { $0.advance(now: $1) } }
        race = QuestionRace(
            options, serverCount: servers.count, over: over,
            habits: servers.map { resolver.habits(of: $0, question.name, now: .now) })
        step { $0.start(now: $1) }
    }

    /// Drops what is under way, since the resolver has other servers now, and asks those.
    func startAgain() {
        stop()
        countedTimeouts = 0
        resolver?.start(self, now: .now)
    }

    /// Ends it without an answer of a server; `wasGivenUp` as in `DNSAnswer`.
    func finish(_ outcome: DNSOutcome, wasGivenUp: Bool = false) {
        self.wasGivenUp = wasGivenUp
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
                    resolver?.recordUnreachable(servers[exchange.server])
                    actions += race.failed(error, on: exchange.number, now: now)
                }
            case .close(let number): discard(transports.removeValue(forKey: number))
            case .finish(let ending):
                count(&race, now: now)
                finish(ending)
                return
            }
            position += 1
        }
        count(&race, now: now)
        self.race = race
        if let wakesAt = race.wakesAt(now: now) {
            timer?.schedule(after: now.duration(to: wakesAt))
        }
    }

    private func count(_ race: inout QuestionRace, now: ContinuousClock.Instant) {
        resolver?.counters[.timeouts] += race.timeouts - countedTimeouts
        countedTimeouts = race.timeouts
        for finding in race.takeFindings() {
            resolver?.record(finding.kind, servers[finding.server], question.name, now: now)
        }
        for failed in race.takeFailures() {
            resolver?.record(
                failed.failure, servers[failed.server], sentAt: failed.sentAt, now: now)
        }
    }

    /// Why the exchange could not be opened; nil when it was.
    private func open(_ exchange: QuestionRace.Exchange, onlyNew: Bool = false) -> Errno? {
        guard let resolver else { return nil }
        let index = servers[exchange.server]
        let endpoint = resolver.options.servers[index]
        let query = SentQuery(message: resolver.query(question, exchange)) { [weak self] event in
            self?.handle(event, from: exchange)
        }
        do throws(Errno) {
            switch exchange.transport {
            case .udp:
                transports[exchange.number] = try UDPTransport(
                    query, to: endpoint, mustKeepCase: exchange.mixesCase, buffer: resolver.buffer,
                    on: resolver.loop)
            case .tcp:
                if !onlyNew, let idle = resolver.idleConnections.take(endpoint) {
                    idle.ask(query)
                    transports[exchange.number] = idle
                } else {
                    transports[exchange.number] = try TCPTransport(
                        query, to: endpoint, buffer: resolver.buffer, on: resolver.loop)
                }
            }
            resolver.recordSent(index, exchange.transport, isPaid: isPaid && sentCount == 0)
            sentCount += 1
            return nil
        } catch {
            return error
        }
    }

    private func handle(_ event: TransportEvent, from exchange: QuestionRace.Exchange) {
        guard let resolver else { return }
        let number = exchange.number
        let index = servers[exchange.server]
        resolver.record(event, index, exchange, now: .now)
        switch event {
        case .message(let message, let octets, _):
            self.octets[number] = octets
            step { $0.received(message, on: number, now: $1) }
        case .mismatched(.spelling): step { $0.misspelled(on: number, now: $1) }
        case .mismatched: break
        case .garbled(let error, let isTruncated):
            step { $0.garbled(error, isTruncated: isTruncated, on: number, now: $1) }
        case .failed(let error): step { $0.failed(error, on: number, now: $1) }
        case .closed:
            // A connection that has served others may have ended before it saw this query (Consul
            // ends each after 128): a new one is no second try.
            if let transport = transports[number] as? TCPTransport, transport.isReused {
                transport.close()
                if let error = open(exchange, onlyNew: true) {
                    step { $0.failed(error, on: number, now: $1) }
                }
            } else {
                step { $0.closed(number, now: $1) }
            }
        }
    }

    private func finish(_ ending: QuestionRace.Ending) {
        stop()
        let index = ending.exchange.map { servers[$0.server] }
        if let index, ending.outcome.isGood, let exchange = ending.exchange {
            resolver?.recordAnswer(index, exchange, after: ending.roundTrip, now: .now)
        }
        let options = resolver?.options
        resolver?.remove(self)
        let completion = completion
        self.completion = nil
        // Callers see the name as they spelled it, not as the query did.
        var message = ending.message
        if message?.question != nil { message?.question = question }
        completion?(
            DNSAnswer(
                question: question, outcome: ending.outcome.spelled(as: question),
                message: message, server: index.flatMap { options?.servers[$0] },
                transport: ending.exchange?.transport, roundTrip: ending.roundTrip,
                wasTruncated: ending.wasTruncated,
                octets: ending.exchange.flatMap { octets[$0.number] } ?? 0,
                octetsMax: ending.exchange.map { exchange in
                    switch exchange.transport {
                    case .tcp: Message.octetsMax
                    case .udp where exchange.hasEDNS: Int(options?.udpPayloadSize ?? 512)
                    case .udp: Message.plainUDPOctetsMax
                    }
                } ?? 0,
                wasGivenUp: wasGivenUp))
    }

    private func stop() {
        race = nil
        timer?.cancel()
        for transport in transports.values { discard(transport) }
        transports = [:]
    }

    private func discard(_ transport: Channel?) {
        if let connection = transport as? TCPTransport, let resolver {
            resolver.idleConnections.keep(connection)
        } else {
            transport?.close()
        }
    }
}
