import Backends
import Endpoints
import Events
import Proxy
import Stats

@main
struct Fairlead {
    static func main() throws {
        let args = CommandLine.arguments
        let mode: ListenerMode = args[1] == "tcp" ? .tcp : .http
        let registry = StatsRegistry(workers: 1, listeners: 1, services: 1)
        let reports = try Mailbox<ProxyReport>()
        let workers = try ProxyWorkers(
            options: ProxyOptions(
                workers: 1,
                listeners: [ListenerOptions(index: 0, endpoint: Endpoint(args[2])!, mode: mode, service: ServiceID(index: 0))],
                services: [ServiceOptions(id: ServiceID(index: 0), name: "web")]),
            registry: registry, reports: reports)
        try workers.start()
        workers.publish(Rotation(service: ServiceID(index: 0), generation: 1, tiers: [
            args[3...].enumerated().map { Rotation.Member(id: BackendID(rawValue: UInt32($0.offset)), endpoint: Endpoint($0.element)!, weight: 1, priority: 1) }
        ]))
        let loop = EventLoop()
        let s = SignalWatch(15, on: loop) { print(registry.serviceTotals(0)); workers.drain(limit: .seconds(2)) }
        _ = s
        let r = try MailboxReader(reports, on: loop) { if case .finished = $0 { loop.stop() } else { print($0) } }
        _ = r
        loop.run()
        workers.join()
    }
}
