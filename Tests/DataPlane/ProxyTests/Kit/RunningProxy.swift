// RunningProxy: the workers with their listeners, as the control thread would run them. Whatever a
// test does with it, at the end the proxy must drain, and every gauge be back at zero: a
// connection, request or descriptor that was lost shows there.

import AccessLog
import Backends
import Endpoints
import Events
import Proxy
import Stats
import TestSupport
import Testing
import Traffic

/// A running data plane. The thread that made it only.
final class RunningProxy {
    let workers: ProxyWorkers
    let registry: StatsRegistry
    private let options: ProxyOptions
    private let loop = EventLoop()
    private var reader: MailboxReader<ProxyReport>?
    private var generation: UInt64 = 0
    private var numbers: [UInt16: UInt32] = [:]
    private var finished = 0
    private var alive = 0
    /// The backends that could not be dialled, by port, as reported.
    private(set) var reportedPorts: [UInt16] = []
    /// The failures of live requests that were reported, with the port of the backend.
    private(set) var liveFailures: [(port: UInt16, failure: LiveFailure)] = []
    /// The numbers of closed listeners, once for each worker on which the last connection has
    /// ended.
    private(set) var closedListeners: [Int] = []
    /// The ports of backends that were on probation and have answered, as reported.
    private(set) var provenPorts: [UInt16] = []
    /// Why connections came to no session, as reported.
    private(set) var failedArrivals: [ArrivalFailure] = []

    fileprivate init(
        _ options: ProxyOptions, _ backends: [UInt16], accessLog: AccessLog?
    ) throws {
        self.options = options
        registry = StatsRegistry(
            workers: options.workers, listeners: options.listeners.count,
            services: options.services.count)
        let reports = try Mailbox<ProxyReport>()
        workers = try ProxyWorkers(
            options: options, registry: registry, reports: reports, accessLog: accessLog)
        reader = try MailboxReader(reports, on: loop) { [unowned self] in handle($0) }
        publish(backends)
        try workers.start()
    }

    private func handle(_ report: ProxyReport) {
        switch report {
        case .finished: finished += 1
        case .alive: alive += 1
        case .arrivalFailed(_, _, let failure): failedArrivals.append(failure)
        case .listenerClosed(let number): closedListeners.append(number)
        case .dialFailed(_, let id, _):
            reportedPorts += ports(of: id)
        case .liveFailed(_, let id, let failure):
            liveFailures += ports(of: id).map { ($0, failure) }
        case .proven(_, let id):
            provenPorts += ports(of: id)
        }
    }

    private func ports(of id: BackendID) -> [UInt16] {
        numbers.filter { $0.value == id.rawValue }.map(\.key)
    }

    // MARK: - Use

    var port: UInt16 { workers.endpoints[0].port }
    var service: ServiceTotals {
        awaitTurn()
        return registry.serviceTotals(0)
    }
    var listener: ListenerTotals {
        awaitTurn()
        return registry.listenerTotals(0)
    }

    /// A new client connection to the listener of this number.
    func connect(_ listener: Int = 0) throws -> Wire {
        try Wire(to: workers.endpoints[listener].port)
    }

    /// What was counted for the backend on this port.
    func backend(_ port: UInt16) -> BackendTotals {
        awaitTurn()
        return registry.backendTotals(numbers[port] ?? .max)
    }

    /// Waits until every worker has ended the turn it is in: what a client has read by now may be
    /// counted later in the turn that wrote it.
    private func awaitTurn() {
        guard finished == 0 else { return }
        var isLate = false
        let timer = Timer(on: loop) { isLate = true }
        timer.schedule(after: safetyLimit)
        let wanted = alive + options.workers
        workers.ping()
        // Those that have finished say nothing any more, and count nothing.
        while alive < wanted, finished == 0, !isLate { loop.runOnce(waiting: true) }
        timer.cancel()
    }

    /// Makes backends on these ports the rotation of a service, in this order. A worker takes it up
    /// before it reads from a connection that is made afterwards.
    func publish(
        _ ports: [UInt16], weights: [UInt32] = [], service: Int = 0, onProbation: [UInt16] = []
    ) {
        generation += 1
        let members = ports.enumerated().map { index, port in
            let number = numbers[port] ?? UInt32(numbers.count)
            if numbers.updateValue(number, forKey: port) == nil { registry.addBackend(number) }
            return Rotation.Member(
                id: BackendID(rawValue: number), endpoint: Endpoint(.loopback, port),
                weight: weights.isEmpty ? 1 : weights[index], priority: 0,
                isOnProbation: onProbation.contains(port))
        }
        workers.publish(
            Rotation(
                service: ServiceID(index: service), generation: generation,
                tiers: members.isEmpty ? [] : [members]))
    }

    /// Waits until `condition` holds for what was reported.
    func awaitReports(until condition: () -> Bool) throws {
        var isLate = false
        let timer = Timer(on: loop) { isLate = true }
        timer.schedule(after: safetyLimit)
        while !condition(), !isLate { loop.runOnce(waiting: true) }
        timer.cancel()
        try #require(condition(), "a report does not come")
    }

    /// Waits for every worker's last report, after a drain, and for its thread.
    func awaitFinish() throws {
        var isLate = false
        let timer = Timer(on: loop) { isLate = true }
        timer.schedule(after: safetyLimit)
        while finished < options.workers, !isLate { loop.runOnce(waiting: true) }
        timer.cancel()
        try #require(finished == options.workers, "a worker does not finish")
        workers.join()
        reader?.close()
        loop.runOnce()
    }

    fileprivate func stop() throws {
        if finished < options.workers {
            workers.drain(limit: .seconds(5))
            try awaitFinish()
        }
        for index in options.listeners.indices {
            #expect(registry.listenerTotals(index)[.open] == 0, "client connections left")
        }
        for index in options.services.indices {
            #expect(registry.serviceTotals(index)[.inFlight] == 0, "requests left")
        }
        for (port, number) in numbers {
            let totals = registry.backendTotals(number)
            #expect(totals[.inFlight] == 0, "requests left at backend \(port)")
            #expect(totals[.open] == 0, "connections left to backend \(port)")
        }
    }
}

/// Runs `body` with a proxy of one listener and one service whose rotation has backends on `ports`.
func withProxy(
    _ ports: [UInt16], mode: ListenerMode = .http, workers: Int = 1, accessLog: AccessLog? = nil,
    _ configure: (inout ProxyOptions) -> Void = { _ in }, _ body: (RunningProxy) throws -> Void
) throws {
    var options = ProxyOptions.plain(mode, workers: workers)
    configure(&options)
    let proxy = try RunningProxy(options, ports, accessLog: accessLog)
    do {
        try body(proxy)
    } catch {
        try? proxy.stop()
        throw error
    }
    try proxy.stop()
}
