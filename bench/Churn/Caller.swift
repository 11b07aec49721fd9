// Caller: requests of the harness itself: to a registry, to instances, to a proxy that may not be
// there yet. Blocking, since the harness does one thing at a time and the load has its own threads.

internal import Endpoints
internal import Events
internal import HTTP1
internal import HTTPClient

/// A client that waits for each answer. Main thread only.
final class Caller {
    private let loop = EventLoop()
    private let client: HTTPClient

    init() {
        client = HTTPClient(on: loop)
    }

    /// Sends a request to `port` of `address` (127.0.0.1 unless told); nil when there is no answer
    /// within two seconds.
    func call(
        _ method: Method, _ path: String, on port: UInt16, of address: String = "127.0.0.1",
        body: [UInt8] = []
    ) -> (status: Int, body: [UInt8])? {
        guard let endpoint = Endpoint("\(address):\(port)") else { return nil }
        var request = HTTPClient.Request(
            path, from: endpoint, deadline: .seconds(2), responseBody: .upTo(1 << 20))
        request.method = method
        request.body = body
        var outcome: HTTPClient.Outcome?
        client.send(request) { outcome = $0 }
        while outcome == nil { loop.runOnce(waiting: true) }
        guard case .response(let response)? = outcome else { return nil }
        return (response.status, response.body)
    }
}
