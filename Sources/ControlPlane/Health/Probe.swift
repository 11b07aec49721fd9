// Probe: one attempt at the check of an endpoint, of any kind.

internal import Endpoints
internal import Events
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
        }
    }

    private static func request(_ http: CheckOptions.HTTP, _ key: CheckKey) -> HTTPClient.Request {
        var request = HTTPClient.Request(
            http.path, from: key.target, host: http.host, deadline: key.timeout,
            responseBody: http.body == nil ? .ignored : .first(CheckOptions.HTTP.bodyBytesMax))
        request.method = http.method
        request.tls = key.tls
        if key.header != nil { request.preface = { key.header(from: $0) ?? [] } }
        request.fields = http.fields.map { ($0.name, $0.value) }
        if !http.fields.contains(where: { $0.name.lowercased() == "user-agent" }) {
            request.fields.insert(("User-Agent", "fairlead/check"), at: 0)
        }
        return request
    }

    /// Ends the probe without a completion. Harmless when it has ended.
    func cancel() {
        switch self {
        case .tcp(let probe): probe.cancel()
        case .http(let exchange): exchange.cancel()
        }
    }
}
