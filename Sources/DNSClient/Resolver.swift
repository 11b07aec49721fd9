// Resolver: takes questions, lets a bounded number of them run at once, and remembers which server
// answered last. What happens to one question is in PendingQuestion and QuestionRace.

package import DNSWire
internal import Endpoints
package import Events

/// Asks DNS servers. Loop thread only; keeps nothing it has learned but the last good server.
package final class Resolver {
    let options: ResolverOptions
    unowned let loop: EventLoop
    /// Received into by every exchange: a datagram has at most 65,535 octets.
    let buffer = ReceiveBuffer(capacity: 65536)
    /// What happened so far; copy it for a snapshot.
    package internal(set) var counters = ResolverCounters()

    private var underWay: [ObjectIdentifier: PendingQuestion] = [:]
    private var waiting: [PendingQuestion] = []
    /// Turned away, to be told so in the next batch.
    private var rejected: [PendingQuestion] = []
    private var pump: Timer?
    /// The server that gave the last good answer is asked first.
    private var preferred: Endpoint?

    /// A resolver on `loop`, which outlives it.
    ///
    /// - Precondition: Time-outs above 0, `attempts` and `underWayMax` of 1 or more.
    package init(_ options: ResolverOptions, on loop: EventLoop) {
        precondition(options.timeout > .zero && options.deadline > .zero && options.attempts > 0)
        precondition(options.underWayMax > 0 && options.waitingMax >= 0)
        self.options = options
        self.loop = loop
        pump = Timer(on: loop) { [weak self] in self?.startWaiting() }
    }

    // Sockets belong to the loop until they are closed.
    deinit { close() }

    /// Questions under way and waiting.
    package var pendingCount: Int { underWay.count + waiting.count }

    /// Asks for the records of `type` that `name` has, and calls `completion` once, from the loop
    /// and never before this returns. Every question ends within `options.deadline` of its start.
    ///
    /// - Parameter tcpFirst: Whether to ask over TCP from the start; nil is `options.tcpFirst`.
    /// - Returns: A handle to cancel it with; the question goes on without it.
    @discardableResult
    package func ask(
        _ name: DomainName, _ type: RecordType, tcpFirst: Bool? = nil,
        completion: @escaping (DNSAnswer) -> Void
    ) -> PendingQuestion {
        counters.questions += 1
        let pending = PendingQuestion(
            Question(name, type), over: tcpFirst ?? options.tcpFirst ? .tcp : .udp, resolver: self,
            completion: completion)
        // Those that the pump is about to start don't count as waiting.
        let startable = max(0, options.underWayMax - underWay.count)
        if waiting.count < options.waitingMax + startable {
            waiting.append(pending)
        } else {
            counters.overloaded += 1
            rejected.append(pending)
        }
        schedulePump()
        return pending
    }

    /// Cancels every question; no completion is called any more.
    package func close() {
        for pending in Array(underWay.values) + waiting + rejected { pending.cancel() }
    }

    /// Forgets a question that has ended or was cancelled.
    func remove(_ pending: PendingQuestion, answeredBy server: Endpoint? = nil) {
        if let server { preferred = server }
        if underWay.removeValue(forKey: ObjectIdentifier(pending)) == nil {
            waiting.removeAll { $0 === pending }
            rejected.removeAll { $0 === pending }
        }
        if !waiting.isEmpty { schedulePump() }
    }

    private func schedulePump() {
        if pump?.isScheduled == false { pump?.schedule(after: .zero) }
    }

    private func startWaiting() {
        let turnedAway = rejected
        rejected = []
        for pending in turnedAway { pending.finish(.overloaded) }
        while underWay.count < options.underWayMax, !waiting.isEmpty {
            let pending = waiting.removeFirst()
            underWay[ObjectIdentifier(pending)] = pending
            pending.start(serversByPreference)
        }
    }

    private var serversByPreference: [Endpoint] {
        guard let preferred, options.servers.contains(preferred) else { return options.servers }
        return [preferred] + options.servers.filter { $0 != preferred }
    }
}
