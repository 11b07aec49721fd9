// CollectorConnection: carries spans to a collector, and its answers back.

internal import Configuration
internal import DNSClient
internal import DNSWire
internal import Documents
internal import Endpoints
internal import Glibc
internal import HTTP1
internal import HTTPClient
internal import JSON
internal import TLS
internal import Traffic

/// Requests to one collector. Control thread only.
final class CollectorConnection {
    private let url: CollectorURL
    private let settings: TraceSettings
    private let client: HTTPClient
    private let hosts: HostResolver
    private var secure: TLSClient?
    /// What stands before the spans, and behind them.
    private let opening: [UInt8]
    private static let closing = Array("]}]}]}".utf8)

    /// The most bytes of an answer, which says at most which spans were not wanted.
    private static let bytesMax = 1 << 16

    /// Sends to `url` as `settings` say. Finds hosts by `hosts`.
    init(
        _ url: CollectorURL, _ settings: TraceSettings, _ client: HTTPClient, _ hosts: HostResolver
    ) {
        self.url = url
        self.settings = settings
        self.client = client
        self.hosts = hosts
        opening = Self.opening(settings)
    }

    /// The resource that all spans are of, and what made them.
    private static func opening(_ settings: TraceSettings) -> [UInt8] {
        var numbers = SystemRandomNumberGenerator()
        func text(_ value: String) -> String { "{\"stringValue\":\(JSON.quoted(value))}" }
        let found = [
            ("service.version", text(fairleadVersion)),
            ("service.instance.id", text(String(numbers.next(), radix: 16))),
            ("host.name", text(hostName())), ("process.pid", "{\"intValue\":\"\(getpid())\"}"),
        ]
        // What an operator says goes before what was found.
        let said = settings.resource.map { ($0.key, text($0.value)) }
        let rest = found.filter { (key, _) in !said.contains { $0.0 == key } }
        let attributes = ([("service.name", text(settings.serviceName))] + said + rest)
            .map { "{\"key\":\(JSON.quoted($0)),\"value\":\($1)}" }
        return Array(
            """
            {"resourceSpans":[{"resource":{"attributes":[\(attributes.joined(separator: ","))]},\
            "scopeSpans":[{"scope":\
            {"name":"fairlead","version":\(JSON.quoted(fairleadVersion))},"spans":[
            """.utf8)
    }

    /// Sends `spans`, each of which is one or more objects of JSON with commas between them;
    /// `completion` is called once.
    func send(_ spans: [[UInt8]], completion: @escaping (TraceAnswer) -> Void) {
        var body = opening
        body.reserveCapacity(
            opening.count + spans.reduce(0) { $0 + $1.count + 1 } + Self.closing.count)
        for (place, text) in spans.enumerated() {
            if place > 0 { body.append(0x2C) }
            body += text
        }
        body += Self.closing
        if let address = IPAddress(url.host) {
            return send(body, to: [address], completion)
        }
        guard let host = try? HostName(url.host) else {
            preconditionFailure("a host is checked when the configuration is read")
        }
        // Kept until then: another one may be in its place meanwhile.
        hosts.resolve(host) { [self] answer in
            guard !answer.addresses.isEmpty else {
                return completion(.again(reason: answer.reason, after: nil))
            }
            send(body, to: answer.addresses, completion)
        }
    }

    /// Sends to the first address that takes a connection.
    private func send(
        _ body: [UInt8], to addresses: [IPAddress],
        _ completion: @escaping (TraceAnswer) -> Void
    ) {
        var request = HTTPClient.Request(
            url.path, from: Endpoint(addresses[0], url.port), host: url.authority,
            deadline: settings.timeout, responseBody: .first(Self.bytesMax))
        if url.isSecure {
            do throws(Unready) {
                request.tls = try security()
            } catch {
                return completion(.again(reason: error.reason, after: nil))
            }
        }
        request.method = .post
        request.body = body
        request.keepsConnection = true
        request.fields =
            [("User-Agent", "fairlead/\(fairleadVersion)"), ("Content-Type", "application/json")]
            + settings.headers.map { ($0.name, $0.value) }
        client.send(request) { [self] outcome in
            if case .failed(.connect) = outcome, addresses.count > 1 {
                send(body, to: Array(addresses.dropFirst()), completion)
            } else {
                completion(TraceAnswer(outcome))
            }
        }
    }

    private struct Unready: Error {
        let reason: String
    }

    /// Made when it is first needed: the list of this machine takes milliseconds to read.
    private func security() throws(Unready) -> HTTPClient.Security {
        guard let name = TLSPeerName(url.host) else {
            throw Unready(reason: "\(quoted(url.host)) is no host name")
        }
        if let secure { return HTTPClient.Security(secure, for: name) }
        var options = TLSClientOptions(protocols: [.http1])
        if let file = settings.caFile {
            do throws(FileTextError) {
                options.trust = .authorities(Array(try NamedText.read(path: file).text.utf8))
            } catch {
                throw Unready(reason: "traces.ca-file \(quoted(file)): \(error.text)")
            }
        }
        do throws(TLSClientProblem) {
            let made = try TLSClient(options)
            secure = made
            return HTTPClient.Security(made, for: name)
        } catch {
            throw Unready(reason: "\(error)")
        }
    }
}
