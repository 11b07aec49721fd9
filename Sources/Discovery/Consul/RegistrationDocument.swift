// RegistrationDocument: what `/v1/agent/service/register` is sent. The names of the properties are
// Consul's own. Pure.

internal import Endpoints
internal import JSON

struct RegistrationDocument: Encodable {
    struct CheckDocument: Encodable {
        let Name: String
        var TCP: String?
        var HTTP: String?
        let Interval: String
        let Timeout: String
        let Status: String
        let DeregisterCriticalServiceAfter: String?
    }

    let ID: String
    let Name: String
    let Tags: [String]
    let Address: String?
    let Port: UInt16
    let Meta: [String: String]
    let Check: CheckDocument?

    init(_ service: ConsulRegistration.Service) {
        ID = service.id
        Name = service.name
        Tags = service.tags
        Address = service.address.map { "\($0)" }
        Port = service.port
        var meta = service.meta
        meta[Self.holderKey] = service.holder
        Meta = meta
        var tcp: String?
        var http: String?
        switch service.check {
        case .none:
            Check = nil
            return
        case .tcp(let endpoint):
            tcp = "\(endpoint ?? Endpoint(service.address ?? .loopback, service.port))"
        case .http(let url): http = url
        }
        let interval = service.checkInterval
        Check = CheckDocument(
            Name: "\(service.name) as its agent sees it", TCP: tcp, HTTP: http,
            Interval: Self.text(interval), Timeout: Self.text(min(interval, .seconds(5))),
            Status: "passing",
            DeregisterCriticalServiceAfter: service.deregisterAfter.map(Self.text))
    }

    /// A duration as Go reads it, in milliseconds.
    private static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        return "\(seconds * 1000 + attoseconds / 1_000_000_000_000_000)ms"
    }

    /// Which of several processes has registered it; Consul's keys take letters, digits, - and _.
    private static let holderKey = "fairlead-process"

    private struct Known: Decodable {
        let Meta: [String: String]?
    }

    /// The holder in what an agent says of a service; nil when it names none.
    static func holder(in document: [UInt8]) -> String? {
        let known = try? JSON.decode(Known.self, from: document)
        return known?.Meta?[holderKey]
    }

    static func encoded(_ service: ConsulRegistration.Service) -> [UInt8] {
        guard let bytes = JSON.encode(RegistrationDocument(service)) else {
            preconditionFailure("texts and whole numbers can always be encoded")
        }
        return bytes
    }
}
