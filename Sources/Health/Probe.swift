// Probe: the check of one endpoint, of either kind, once.

internal import Endpoints
internal import Events
internal import HTTPClient

/// A probe under way. Loop thread only.
enum Probe {
    case tcp(TCPProbe)
    case http(HTTPClientExchange)

    /// Starts what `options` ask for at `endpoint`; nil when checks are off. `completion` is called
    /// on the loop's thread exactly once, unless the probe is cancelled, and not before this
    /// returns.
    static func start(
        _ options: HealthOptions, at endpoint: Endpoint, client: HTTPClient, on loop: EventLoop,
        completion: @escaping (ProbeResult) -> Void
    ) -> Probe? {
        let target = Endpoint(endpoint.address, options.port ?? endpoint.port)
        let timeout = HealthOptions.bounded(options.timeout)
        switch options.kind {
        case .off:
            return nil
        case .tcp:
            return .tcp(TCPProbe(target, timeout: timeout, on: loop, completion: completion))
        case .http(let http):
            var request = HTTPClient.Request(
                http.path, from: target, host: http.host, deadline: timeout, responseBody: .ignored)
            request.fields = [("User-Agent", "fairlead/check")]
            let exchange = client.send(request) { outcome in
                completion(ProbeResult(outcome, expecting: http.statuses))
            }
            return .http(exchange)
        }
    }

    /// Ends it without a completion; harmless when it has ended.
    func cancel() {
        switch self {
        case .tcp(let probe): probe.cancel()
        case .http(let exchange): exchange.cancel()
        }
    }
}
