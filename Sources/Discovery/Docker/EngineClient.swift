// EngineClient: GETs to one engine. Nothing else is ever sent, so that a proxy before the socket
// may refuse all that changes anything.

internal import DockerAPI
internal import Endpoints
internal import Events
internal import HTTPClient
internal import TLS

/// Asks one engine. Loop thread only.
final class EngineClient {
    /// An answer: its body, or why there is none.
    typealias Answer = Result<[UInt8], EngineFailure>

    /// How much of what an engine says is shown.
    private static let presentableBytesMax = 200

    /// Where the engine is; set before anything is asked.
    var target: Target?
    private let timeout: Duration
    private let client: HTTPClient
    private var tlsClient: TLSClient?
    /// The version to speak; nil until it is agreed on, and then paths have none.
    var version: APIVersion?

    init(timeout: Duration, _ tls: TLSClientOptions?, on loop: EventLoop) {
        self.timeout = timeout
        client = HTTPClient(on: loop)
        setTLS(tls)
    }

    /// Makes new connections over TCP by `tls` from now on; nil: without TLS.
    func setTLS(_ tls: TLSClientOptions?) {
        tlsClient = tls.map(TLSClient.init(checked:))
    }

    private func request(_ path: String, bytesMax: Int) -> HTTPClient.Request {
        guard let target else { preconditionFailure("an engine is asked, and it is nowhere") }
        var request = HTTPClient.Request(
            (version.map { "/v\($0)" } ?? "") + path, from: target, deadline: timeout,
            responseBody: .upTo(bytesMax))
        request.fields = [("User-Agent", "fairlead")]
        if let tlsClient, case .endpoint(let endpoint) = target {
            request.tls = HTTPClient.Security(
                tlsClient, for: tlsClient.options.name ?? .address(endpoint.address))
        }
        return request
    }

    /// Asks for `path`, and calls `completion` once, from the loop and never before this returns,
    /// unless the exchange is cancelled before.
    func get(
        _ path: String, bytesMax: Int, completion: @escaping (Answer) -> Void
    ) -> HTTPClientExchange {
        var request = request(path, bytesMax: bytesMax)
        request.keepsConnection = true
        return client.send(request) { outcome in
            switch outcome {
            case .response(let response) where response.status == 200:
                completion(.success(response.body))
            case .response(let response):
                completion(.failure(.status(response.status, Self.presentable(response.body))))
            case .failed(let failure): completion(.failure(self.engineFailure(failure)))
            }
        }
    }

    /// Asks for a stream. `onOpen` is called when it begins, `onBytes` for each part, and `onEnd`
    /// once, when it is over for whatever reason.
    func stream(
        _ path: String, onOpen: @escaping () -> Void, onBytes: @escaping ([UInt8]) -> Void,
        onEnd: @escaping (EngineFailure) -> Void
    ) -> HTTPClientExchange {
        var status = 0
        var said: [UInt8] = []
        return client.stream(request(path, bytesMax: 0)) { part in
            switch part {
            case .head(let head):
                status = head.status
                if status == 200 { onOpen() }
            case .bytes(let bytes) where status == 200: onBytes(bytes)
            case .bytes(let bytes): said += bytes.prefix(Self.presentableBytesMax - said.count)
            }
        } completion: { outcome in
            switch outcome {
            case .response where status == 200:
                onEnd(.unreachable("it ended the stream of events"))
            case .response: onEnd(.status(status, Self.presentable(said)))
            case .failed(let failure): onEnd(self.engineFailure(failure))
            }
        }
    }

    private func engineFailure(_ failure: HTTPClient.Failure) -> EngineFailure {
        EngineFailure(failure, showsCertificate: tlsClient?.options.certificate != nil)
    }

    /// The beginning of what an engine says, as one printable line; of JSON with a message, that.
    static func presentable(_ bytes: [UInt8]) -> String {
        let printable = bytes.prefix(presentableBytesMax)
            .map { (0x20...0x7E).contains($0) ? $0 : 0x20 }
        var text = String(decoding: printable, as: UTF8.self)
            .split(separator: " ").joined(separator: " ")
        let beginning = #"{"message":""#
        if text.hasPrefix(beginning), text.hasSuffix("\"}") {
            text = String(text.dropFirst(beginning.count).dropLast(2))
        }
        return text
    }
}
