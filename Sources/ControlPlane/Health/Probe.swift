// Probe: one attempt at the check of an endpoint, of any kind.

internal import Endpoints
internal import Events
internal import GRPCWire
internal import HTTP1
internal import HTTPClient
internal import Traffic

/// A probe under way. Loop thread only.
enum Probe {
    case tcp(TCPProbe)
    case http(HTTPClientExchange)

    /// Begins the probe that `key` describes; nil when checks are off. `completion` is called on
    /// the loop's thread exactly once, unless the probe is cancelled, and not before this returns.
    static func start(
        _ key: CheckKey, client: HTTPClient, on loop: EventLoop,
        completion: @escaping (ProbeResult) -> Void
    ) -> Probe? {
        switch key.kind {
        case .off: return nil
        case .tcp:
            return .tcp(TCPProbe(key, for: client, completion: completion))
        case .sendExpect(let script):
            return .tcp(TCPProbe(key, script, for: client, completion: completion))
        case .http(let http):
            let exchange = client.send(request(http, key)) { outcome in
                completion(ProbeResult(outcome, expecting: http))
            }
            return .http(exchange)
        case .grpc(let grpc):
            let exchange = client.send(request(grpc, key)) { outcome in
                completion(ProbeResult(ofHealthCall: outcome))
            }
            return .http(exchange)
        }
    }

    private static func request(_ http: CheckOptions.HTTP, _ key: CheckKey) -> HTTPClient.Request {
        var request = HTTPClient.Request(
            http.path, from: key.target, host: http.host, deadline: key.timeout,
            responseBody: http.body == nil ? .ignored : .first(CheckOptions.HTTP.bodyBytesMax))
        request.method = http.method
        request.version = key.version
        complete(&request, with: http.fields, key)
        return request
    }

    /// The call of the health service. The server knows how long it is waited for.
    private static func request(_ grpc: CheckOptions.GRPC, _ key: CheckKey) -> HTTPClient.Request {
        var request = HTTPClient.Request(
            GRPCHealth.path, from: key.target, host: grpc.host, deadline: key.timeout,
            responseBody: .upTo(healthAnswerBytesMax))
        request.method = .post
        request.version = .http2
        request.acceptsTrailers = true
        request.body = GRPCHealth.question(about: grpc.service)
        complete(&request, with: grpc.fields, key)
        let time = [UInt8](capacity: GRPCTimeout.bytesMax) { out in
            GRPCTimeout.append(UInt64(key.timeout.wholeNanoseconds), to: &out)
        }
        request.fields += [
            ("Content-Type", "application/grpc"),
            ("Grpc-Timeout", String(decoding: time, as: UTF8.self)),
        ]
        return request
    }

    /// The most bytes of an answer of the health service, whose message has two.
    private static let healthAnswerBytesMax = 1024

    private static func complete(
        _ request: inout HTTPClient.Request, with fields: [CheckOptions.HTTP.Field], _ key: CheckKey
    ) {
        request.tls = key.tls
        if key.header != nil { request.preface = { key.header(from: $0) ?? [] } }
        request.fields = fields.map { ($0.name, $0.value) }
        if !fields.contains(where: { $0.name.lowercased() == "user-agent" }) {
            request.fields.insert(("User-Agent", "fairlead/check"), at: 0)
        }
    }

    /// Ends the probe without a completion. Harmless when it has ended.
    func cancel() {
        switch self {
        case .tcp(let probe): probe.cancel()
        case .http(let exchange): exchange.cancel()
        }
    }
}
