// RegistrationDocument: what `/v1/agent/service/register` is sent. The names of the properties are
// Consul's own. Pure.

internal import Endpoints
internal import JSON

struct RegistrationDocument: Encodable {
    struct CheckDocument: Encodable {
        let CheckID: String?
        let Name: String
        private(set) var TTL: String?
        private(set) var TCP: String?
        private(set) var HTTP: String?
        private(set) var Method: String?
        private(set) var TLSSkipVerify: Bool?
        private(set) var GRPC: String?
        private(set) var GRPCUseTLS: Bool?
        private(set) var Args: [String]?
        private(set) var DockerContainerID: String?
        let Interval: String?
        let Timeout: String?
        let Status: String?
        let DeregisterCriticalServiceAfter: String?

        init(_ check: AgentCheck) {
            CheckID = check.id
            Name = check.name
            Interval = check.interval.map(RegistrationDocument.text)
            Timeout = check.timeout.map(RegistrationDocument.text)
            Status = check.status?.rawValue
            DeregisterCriticalServiceAfter = check.deregisterAfter.map(RegistrationDocument.text)
            switch check.probe {
            case .ttl(let time): TTL = RegistrationDocument.text(time)
            case .tcp(let place): TCP = place
            case .http(let url, let method, let verifiesTLS):
                HTTP = url
                Method = method
                TLSSkipVerify = verifiesTLS ? nil : true
            case .grpc(let place, let usesTLS, let verifiesTLS):
                GRPC = place
                GRPCUseTLS = usesTLS ? true : nil
                TLSSkipVerify = verifiesTLS ? nil : true
            case .program(let arguments): Args = arguments
            case .inContainer(let id, let arguments):
                DockerContainerID = id
                Args = arguments
            }
        }
    }

    struct WeightsDocument: Encodable {
        let Passing: UInt16
        let Warning: UInt16
    }

    let ID: String
    let Name: String
    let Tags: [String]
    let Address: String?
    let Port: UInt16
    let Meta: [String: String]
    let Weights: WeightsDocument?
    /// The only check, which gets an id of Consul's own.
    let Check: CheckDocument?
    /// Several checks.
    let Checks: [CheckDocument]?

    init(_ service: AgentService) {
        ID = service.id
        Name = service.name
        Tags = service.tags
        Address = service.address
        Port = service.port
        Meta = service.meta
        Weights = service.weights.map { .init(Passing: $0.passing, Warning: $0.warning) }
        let checks = service.checks.map(CheckDocument.init)
        Check = checks.count == 1 ? checks[0] : nil
        Checks = checks.count > 1 ? checks : nil
    }

    /// A duration as Go reads it, in milliseconds.
    private static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        return "\(seconds * 1000 + attoseconds / 1_000_000_000_000_000)ms"
    }

    /// Which of several processes has registered it; Consul's keys take letters, digits, - and _.
    static let holderKey = "fairlead-process"

    private struct Known: Decodable {
        let Meta: [String: String]?
    }

    /// The holder in what an agent says of a service; nil when it names none.
    static func holder(in document: [UInt8]) -> String? {
        let known = try? JSON.decode(Known.self, from: document)
        return known?.Meta?[holderKey]
    }

    static func encoded(_ service: AgentService) -> [UInt8] {
        guard let bytes = JSON.encode(RegistrationDocument(service)) else {
            preconditionFailure("texts and whole numbers can always be encoded")
        }
        return bytes
    }

    static func encoded(_ service: ConsulRegistration.Service) -> [UInt8] {
        encoded(AgentService(service))
    }
}

extension AgentService {
    /// This process, as it is registered with its agent.
    init(_ service: ConsulRegistration.Service) {
        self.init(
            id: service.id, name: service.name, port: service.port,
            address: service.address.map { "\($0)" }, tags: service.tags, meta: service.meta)
        meta[RegistrationDocument.holderKey] = service.holder
        let probe: AgentCheck.Probe
        switch service.check {
        case .none: return
        case .tcp(let endpoint):
            probe = .tcp("\(endpoint ?? Endpoint(service.address ?? .loopback, service.port))")
        case .http(let url): probe = .http(url)
        }
        checks = [
            AgentCheck(
                name: "\(service.name) as its agent sees it", probe,
                interval: service.checkInterval, timeout: min(service.checkInterval, .seconds(5)),
                status: .passing, deregisterAfter: service.deregisterAfter)
        ]
    }
}
