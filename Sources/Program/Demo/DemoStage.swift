// DemoStage: the demo's discovery server and instances on one loop, and what happens to them. Every
// change is reported as a sentence, since a demo is there to be watched.

package import DNSWire
package import Endpoints
package import Events

/// A discovery server with instances. Loop thread only; `close()` it before it is released.
package final class DemoStage {
    /// How long records may be kept, in seconds: changes are to be seen at once.
    package static let ttlSeconds: UInt32 = 1

    private final class Actor {
        let instance: DemoInstance
        /// When it last became announced, running and healthy; nil while it isn't.
        var wellSince: ContinuousClock.Instant?
        /// Runs out when a leaving instance is to stop.
        var leaving: Timer?

        init(_ instance: DemoInstance) {
            self.instance = instance
        }
    }

    /// The name that clients ask for.
    package let service: DomainName
    private let domain: DomainName
    private let options: DemoOptions
    private unowned let loop: EventLoop
    private let report: (String) -> Void
    private let discovery: DiscoveryServer
    private var controlServer: DemoControlServer?
    private var actors: [Actor] = []
    private var plan: ChurnPlan?
    private var churn: Timer?

    /// Starts everything on `loop`; `report` gets a sentence for everything that happens.
    ///
    /// - Throws: `DemoError`; nothing is left running then.
    package init(_ options: DemoOptions, on loop: EventLoop, report: @escaping (String) -> Void)
        throws(DemoError)
    {
        precondition((1...ChurnPlan.membersMax).contains(options.instanceCount))
        self.options = options
        self.loop = loop
        self.report = report
        (domain, service) = Self.names
        let endpoint = Endpoint(options.address, options.dnsPort)
        do throws(Errno) {
            discovery = try DiscoveryServer(Zone(origin: domain), on: endpoint, loop)
        } catch {
            throw .discovery(endpoint, error)
        }
        let doorEndpoint = Endpoint(options.address, options.stagePort)
        do throws(Errno) {
            controlServer = try DemoControlServer(
                on: doorEndpoint, loop, list: { [unowned self] in list() },
                perform: { [unowned self] in perform($0) })
        } catch {
            discovery.close()
            throw .stage(doorEndpoint, error)
        }
        for _ in 0..<options.instanceCount {
            do throws(Errno) {
                announce(try addActor())
            } catch {
                close()
                throw .instance(nextName, error)
            }
        }
    }

    /// `demo.fairlead.` and `_web._tcp.demo.fairlead.`; the root stands in for what can't be, since
    /// both spellings are checked by a test.
    private static var names: (DomainName, DomainName) {
        (
            (try? DomainName("demo.fairlead.")) ?? .root,
            (try? DomainName("_web._tcp.demo.fairlead.")) ?? .root
        )
    }

    /// Where the discovery server listens.
    package var dnsEndpoint: Endpoint { discovery.endpoint }

    /// Where commands are taken over HTTP.
    package var doorEndpoint: Endpoint {
        controlServer?.endpoint ?? Endpoint(options.address, options.stagePort)
    }

    /// A line for each instance.
    private func list() -> String {
        actors.map { actor in
            let instance = actor.instance
            let state =
                !instance.isRunning ? "stopped" : instance.isHealthy ? "running" : "unwell"
            let record = isAnnounced(actor) ? "in DNS" : "not in DNS"
            return "\(instance.name)  \(instance.endpoint)  \(state), \(record)"
        }.joined(separator: "\n")
    }

    /// The instances, in the order of their making.
    package var instances: [DemoInstance] { actors.map(\.instance) }

    /// The instances as churn sees them at `now`.
    package func members(now: ContinuousClock.Instant) -> [ChurnPlan.Member] {
        actors.map { actor in
            ChurnPlan.Member(
                name: actor.instance.name, isAnnounced: isAnnounced(actor),
                isRunning: actor.instance.isRunning, isHealthy: actor.instance.isHealthy,
                isSteady: actor.wellSince.map { $0.duration(to: now) >= options.steadyTime }
                    ?? false)
        }
    }

    /// Stops everything. Harmless when repeated.
    package func close() {
        churn?.cancel()
        churn = nil
        for actor in actors {
            actor.leaving?.cancel()
            actor.instance.crash()
        }
        controlServer?.close()
        discovery.close()
    }

    // MARK: - Commands

    /// Carries out `command` and reports what came of it.
    package func perform(_ command: DemoCommand) {
        switch command {
        case .add: add()
        case .remove(let name): with(name, remove)
        case .crash(let name): with(name, crash)
        case .fail(let name):
            with(name) { actor in
                actor.instance.isHealthy = false
                report("\(name) fails its health check")
            }
        case .recover(let name):
            with(name) { actor in
                actor.instance.isHealthy = true
                report("\(name) passes its health check again")
            }
        case .start(let name): with(name, start)
        case .churn(let interval, let seed):
            plan = ChurnPlan(seed: seed)
            let timer = Timer(on: loop) { [weak self] in self?.churnOnce(interval) }
            timer.schedule(after: interval)
            churn = timer
        case .calm:
            churn?.cancel()
            plan = nil
        }
    }

    private func with(_ name: String, _ body: (Actor) -> Void) {
        guard let actor = actors.first(where: { $0.instance.name == name }) else {
            let names = actors.map(\.instance.name).joined(separator: ", ")
            return report("there is no instance \(name); there are \(names)")
        }
        body(actor)
        updateWellness(of: actor)
    }

    private func add() {
        guard actors.count < Self.actorsMax else {
            return report("no instance was added: there are \(actors.count) already")
        }
        do throws(Errno) {
            let actor = try addActor()
            announce(actor)
            report("\(actor.instance.name) has joined on port \(actor.instance.endpoint.port)")
        } catch {
            report("no instance was added: \(error)")
        }
    }

    private func remove(_ actor: Actor) {
        let name = actor.instance.name
        guard isAnnounced(actor) else { return report("\(name) was removed already") }
        withdraw(actor)
        guard actor.instance.isRunning else { return report("\(name) has lost its record") }
        report("\(name) is leaving: its record is gone, it stops in \(options.leaveGrace)")
        let timer = Timer(on: loop) { [weak self, weak actor] in
            guard let self, let actor else { return }
            actor.instance.leave()
            report("\(name) has stopped")
        }
        timer.schedule(after: options.leaveGrace)
        actor.leaving = timer
    }

    private func crash(_ actor: Actor) {
        let name = actor.instance.name
        guard actor.instance.isRunning else { return report("\(name) has stopped already") }
        actor.leaving?.cancel()
        actor.instance.crash()
        report("\(name) has crashed\(isAnnounced(actor) ? "; its record is still there" : "")")
    }

    private func start(_ actor: Actor) {
        let name = actor.instance.name
        if actor.instance.isRunning, isAnnounced(actor) {
            return report("\(name) is running already")
        }
        do throws(Errno) {
            actor.leaving?.cancel()
            try actor.instance.start()
            actor.instance.isHealthy = true
            announce(actor)
            report("\(name) is back on port \(actor.instance.endpoint.port)")
        } catch {
            report("\(name) can't come back: \(error)")
        }
    }

    private func churnOnce(_ interval: Duration) {
        if let command = plan?.next(members(now: .now)) { perform(command) }
        churn?.schedule(after: interval)
    }

    // MARK: - Instances and their records

    /// Instances that commands can add at most; each has a port.
    private static let actorsMax = 64

    private var nextName: String { "web-\(actors.count + 1)" }

    private func addActor() throws(Errno) -> Actor {
        let actor = Actor(
            try DemoInstance(nextName, on: Endpoint(options.address, 0), loop))
        actors.append(actor)
        return actor
    }

    private func host(of actor: Actor) -> DomainName {
        // `web-` and a number before the domain is always a name.
        (try? DomainName("\(actor.instance.name).\(domain)")) ?? domain
    }

    private func record(of actor: Actor) -> RecordData {
        .srv(
            RecordData.SRV(
                priority: 1, weight: 1, port: actor.instance.endpoint.port, target: host(of: actor))
        )
    }

    private func isAnnounced(_ actor: Actor) -> Bool {
        let record = record(of: actor)
        return discovery.zone.records(of: service).contains { $0.data == record }
    }

    private func announce(_ actor: Actor) {
        discovery.zone.add(
            ResourceRecord(
                host(of: actor), ttlSeconds: Self.ttlSeconds, .address(options.address)))
        discovery.zone.add(
            ResourceRecord(service, ttlSeconds: Self.ttlSeconds, record(of: actor)))
        updateWellness(of: actor)
    }

    private func withdraw(_ actor: Actor) {
        discovery.zone.remove(service, .srv, data: record(of: actor))
        discovery.zone.remove(host(of: actor))
    }

    private func updateWellness(of actor: Actor) {
        let isWell =
            isAnnounced(actor) && actor.instance.isRunning && actor.instance.isHealthy
        if !isWell {
            actor.wellSince = nil
        } else if actor.wellSince == nil {
            actor.wellSince = .now
        }
    }
}
