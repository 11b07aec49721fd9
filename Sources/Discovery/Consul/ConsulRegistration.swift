// ConsulRegistration: this process as a service in Consul, so that others find it there.
//
// The agent checks us, by a connection or a request; we do not report to the agent by a TTL. What a
// client needs is a listener that accepts, which a timer in the control thread says nothing about;
// and a process that died is noticed by the next check and not when a TTL is over. It is registered
// as passing, since that is done when the listeners are open: otherwise every registration, and
// every agent that was restarted, would take a process that works out of traffic until the first
// check.
//
// Only the first agent gets the registration: an agent answers for what runs beside it, and a
// second registration would make two instances of one process.

internal import ConsulQuery
package import Endpoints
internal import Events
internal import HTTP1

/// The registration of one service of this process. Loop thread only.
package final class ConsulRegistration {
    /// What is registered. Any thread.
    package struct Service: Sendable, Equatable {
        /// Unique on the agent: `fairlead-web-8080`. Not empty.
        package var id: String
        /// Under which name others ask for it. Not empty.
        package var name: String
        /// Tags, in any order.
        package var tags: [String] = []
        /// Where others connect; nil for the address of the agent's node.
        package var address: IPAddress?
        /// 1 to 65535.
        package var port: UInt16
        /// Further keys and values.
        package var meta: [String: String] = [:]
        /// Distinguishes this process from others that register the same id on the same agent, one
        /// after the other: `deregister` leaves a registration that another one has made by then.
        /// Nil when no other does.
        package var holder: String?
        /// How the agent finds out whether it is well.
        package var check = Check.tcp(nil)
        /// How often it does.
        package var checkInterval: Duration = .seconds(10)
        /// How long it may be critical until the agent removes it, as after a crash; Consul takes
        /// one minute at least. Nil for never.
        package var deregisterAfter: Duration? = .seconds(600)
        /// How often the agent is asked whether it still has the registration; more than zero.
        package var verifyInterval: Duration = .seconds(30)

        /// A service with the defaults above.
        package init(id: String, name: String, port: UInt16) {
            self.id = id
            self.name = name
            self.port = port
        }
    }

    /// What the agent's check does. Any thread.
    package enum Check: Sendable, Equatable {
        /// The agent connects to the service's address and port (127.0.0.1 without an address) when
        /// nil, else to this endpoint.
        case tcp(Endpoint?)
        /// The agent asks for this URL, and wants a status of 2xx.
        case http(String)
        /// There is none: the service is always passing.
        case none
    }

    /// The state of a registration. Any thread.
    package enum Status: Sendable, Equatable {
        /// Not registered (yet, or any more), and why the last attempt failed; nil for none yet.
        case registering(ConsulFailure?)
        case registered
        /// `deregister` has ended; false when the agent did not confirm it in time.
        case deregistered(confirmed: Bool)
    }

    /// How long `deregister` takes at most.
    package static let deregisterLimit = Duration.seconds(2)

    /// The state now.
    package private(set) var status = Status.registering(nil)
    /// How many times it was registered; more than one says that the agent had forgotten it.
    package private(set) var registrations: UInt64 = 0

    /// What is registered.
    package let service: Service
    private let agents: ConsulAgents
    private let document: [UInt8]
    private var schedule: RegistrationSchedule
    private var random = SystemRandomNumberGenerator()
    private var exchange: ConsulExchange?
    /// Whether the agent was asked, before the end, whose the registration is.
    private var isHolderKnown = false
    private var step = RegistrationSchedule.Step.register(after: .zero)
    private var timer: Timer?
    private var limit: Timer?
    private var completions: [(Bool) -> Void] = []

    /// A registration of `service` with the first of `agents`.
    ///
    /// - Precondition: The service has an id, a name and a port.
    package init(_ service: Service, agents: ConsulAgents) {
        precondition(!service.id.isEmpty && !service.name.isEmpty && service.port != 0)
        precondition(service.verifyInterval > .zero)
        schedule = RegistrationSchedule(verifyInterval: service.verifyInterval)
        self.service = service
        self.agents = agents
        document = RegistrationDocument.encoded(service)
    }

    deinit {
        exchange?.cancel()
    }

    /// Registers, and again and again until it is done; and whenever the agent has forgotten it.
    /// Harmless when repeated, and after `deregister`.
    package func start() {
        guard timer == nil else { return }
        timer = Timer(on: agents.loop) { [unowned self] in act() }
        follow(.register(after: .zero))
    }

    /// Tells the agent that the service is gone, and calls `completion` once, within
    /// `deregisterLimit`: with whether the agent confirmed it; at once when that is over already.
    /// Nothing is asked after that. Call it before a drain, so that Consul sends nobody here any
    /// more.
    package func deregister(completion: @escaping (Bool) -> Void) {
        if case .deregistered(let confirmed) = status { return completion(confirmed) }
        completions.append(completion)
        guard completions.count == 1 else { return }
        let limit = Timer(on: agents.loop) { [unowned self] in finish(confirmed: false) }
        self.limit = limit
        limit.schedule(after: Self.deregisterLimit)
        if timer == nil { timer = Timer(on: agents.loop) { [unowned self] in act() } }
        if let step = schedule.end(isRequestUnderWay: exchange != nil) { follow(step) }
    }

    /// Asks nothing more, and leaves the registration with the agent: another process has it now.
    package func abandon() {
        timer?.cancel()
        limit?.cancel()
        exchange?.cancel()
        exchange = nil
    }

    // MARK: - Steps

    private func follow(_ step: RegistrationSchedule.Step) {
        self.step = step
        switch step {
        case .register(let wait), .verify(let wait), .deregister(let wait):
            timer?.schedule(after: wait)
        case .end: finish(confirmed: true)
        }
    }

    private func act() {
        let id = PercentEncoding.encode(service.id)
        switch step {
        case .register:
            var request = request("/v1/agent/service/register?replace-existing-checks=true")
            request.method = .put
            request.body = document
            send(request) { registration, answer in
                // A server without this path is no agent.
                guard answer.status != 404 else {
                    registration.status = .registering(.status(404, ""))
                    return registration.schedule.failed(using: &registration.random)
                }
                registration.registrations += 1
                registration.status = .registered
                return registration.schedule.accepted(using: &registration.random)
            }
        case .verify:
            send(request("/v1/agent/service/\(id)")) { registration, answer in
                guard answer.status == 404 else {
                    return registration.schedule.accepted(using: &registration.random)
                }
                registration.status = .registering(nil)
                return registration.schedule.forgotten()
            }
        case .deregister where service.holder != nil && !isHolderKnown:
            // Asked once: without an answer the registration counts as ours, as it nearly always
            // is.
            isHolderKnown = true
            send(request("/v1/agent/service/\(id)")) { registration, answer in
                let holder = RegistrationDocument.holder(in: answer.body)
                let isOthers = holder != nil && holder != registration.service.holder
                return isOthers ? registration.schedule.deregistered() : .deregister(after: .zero)
            }
        case .deregister:
            var request = request("/v1/agent/service/deregister/\(id)")
            request.method = .put
            // 404 will do as well: the agent does not have it.
            send(request) { registration, _ in registration.schedule.deregistered() }
        case .end: break
        }
    }

    private func request(_ target: String) -> ConsulRequest {
        var request = ConsulRequest(target)
        request.mayBeStale = false
        request.onlyFirstAgent = true
        return request
    }

    private func send(
        _ request: ConsulRequest,
        answered: @escaping (ConsulRegistration, ConsulAnswer) -> RegistrationSchedule.Step
    ) {
        exchange = agents.send(request) { [weak self] outcome in
            guard let self else { return }
            exchange = nil
            switch outcome {
            case .answer(let answer):
                follow(answered(self, answer))
            case .failed(let failure):
                if status != .registered { status = .registering(failure) }
                follow(schedule.failed(using: &random))
            }
        }
    }

    private func finish(confirmed: Bool) {
        exchange?.cancel()
        exchange = nil
        timer?.cancel()
        limit?.cancel()
        status = .deregistered(confirmed: confirmed)
        let completions = completions
        self.completions = []
        for completion in completions { completion(confirmed) }
    }
}
