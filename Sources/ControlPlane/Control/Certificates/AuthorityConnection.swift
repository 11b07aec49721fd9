// AuthorityConnection: carries what is asked of a certificate authority, and its answers.

internal import ACME
internal import DNSClient
internal import DNSWire
internal import Documents
internal import Endpoints
internal import Events
internal import HTTP1
internal import HTTPClient
internal import TLS

/// Requests to an authority, by https. Control thread only.
final class AuthorityConnection {
    /// An answer, or why there is none.
    typealias Completion = (Result<ACMEAnswer, Unanswered>) -> Void

    /// Why there is no answer, as a clause.
    struct Unanswered: Error {
        let reason: String
    }

    private let client: HTTPClient
    private let hosts: HostResolver
    /// A file with the authority's own root, in PEM; nil for this machine's list.
    private let authorities: String?
    private var secure: TLSClient?

    /// How long an answer may take, and how large it may be: a chain has some thousand bytes.
    private static let deadline = Duration.seconds(30)
    private static let bytesMax = 1 << 18

    /// Finds hosts by `hosts`; `authorities` is a file with the root of the authority's own
    /// certificate, nil for those that this machine trusts.
    init(_ client: HTTPClient, _ hosts: HostResolver, trusting authorities: String?) {
        self.client = client
        self.hosts = hosts
        self.authorities = authorities
    }

    /// Sends `request`; `completion` is called once, before this returns if nothing can be sent.
    func send(_ request: ACMERequest, completion: @escaping Completion) {
        guard let url = ACMEURL(request.url) else {
            return completion(
                .failure(
                    Unanswered(reason: "its URL is no https://HOST/PATH: \(quoted(request.url))")))
        }
        if let address = IPAddress(url.host) {
            return send(request, url, to: [address], completion)
        }
        do throws(DomainNameError) {
            hosts.resolve(try HostName(url.host)) { [weak self] answer in
                guard !answer.addresses.isEmpty else {
                    return completion(.failure(Unanswered(reason: answer.reason)))
                }
                self?.send(request, url, to: answer.addresses, completion)
            }
        } catch {
            completion(
                .failure(Unanswered(reason: "\(quoted(url.host)) is no host name: \(error)")))
        }
    }

    /// Sends to the first address that takes a connection.
    private func send(
        _ request: ACMERequest, _ url: ACMEURL, to addresses: [IPAddress],
        _ completion: @escaping Completion
    ) {
        let made: HTTPClient.Request
        do throws(Unanswered) {
            made = try self.made(request, url, to: addresses[0])
        } catch {
            return completion(.failure(error))
        }
        client.send(made) { [weak self] outcome in
            switch outcome {
            case .response(let response): completion(.success(ACMEAnswer(response)))
            case .failed(.connect) where addresses.count > 1:
                self?.send(request, url, to: Array(addresses.dropFirst()), completion)
            case .failed(let failure): completion(.failure(Unanswered(reason: "\(failure)")))
            }
        }
    }

    private func made(
        _ request: ACMERequest, _ url: ACMEURL, to address: IPAddress
    ) throws(Unanswered) -> HTTPClient.Request {
        guard let name = TLSPeerName(url.host) else {
            throw Unanswered(reason: "\(quoted(url.host)) is no host name")
        }
        var made = HTTPClient.Request(
            url.path, from: Endpoint(address, url.port), host: url.authority,
            deadline: Self.deadline, responseBody: .upTo(Self.bytesMax))
        made.tls = HTTPClient.Security(try tlsClient(), for: name)
        // An order asks a dozen times within seconds.
        made.keepsConnection = true
        made.fields = [("User-Agent", "fairlead/\(fairleadVersion)")]
        switch request.method {
        case .get: break
        case .head:
            made.method = .head
            made.responseBody = .ignored
        case .post:
            made.method = .post
            made.body = request.body
            made.fields.append(("Content-Type", "application/jose+json"))
        }
        return made
    }

    /// Made when it is first needed: the list of this machine takes milliseconds to read.
    private func tlsClient() throws(Unanswered) -> TLSClient {
        if let secure { return secure }
        var options = TLSClientOptions(protocols: [.http1])
        if let authorities {
            do throws(FileTextError) {
                options.trust = .authorities(Array(try NamedText.read(path: authorities).text.utf8))
            } catch {
                throw Unanswered(reason: "acme.ca-file \(quoted(authorities)): \(error.text)")
            }
        }
        do throws(TLSClientProblem) {
            let made = try TLSClient(options)
            secure = made
            return made
        } catch {
            throw Unanswered(reason: "\(error)")
        }
    }

}

extension ACMEAnswer {
    /// What of a response matters.
    fileprivate init(_ response: HTTPClient.Response) {
        self.init(
            status: response.status, nonce: response.field("replay-nonce"),
            location: response.field("location"),
            retryAfter: response.retryAfter, body: response.body)
    }
}
