// ConsulAgentPlace: where an agent of Consul is, and how it is asked there.

package import Endpoints
internal import HTTPClient
internal import TLS

/// An agent that can be connected to. Value type, any thread.
package struct ConsulAgentPlace: Hashable, Sendable {
    /// Where it listens.
    package let target: Target
    /// The name and port by which it was given, and which it is asked as; nil for an address and
    /// for a socket.
    package let name: HostAndPort?
    /// Whether it is asked by TLS. Its certificate is for its name then, or for its address, unless
    /// options of TLS have another name.
    package let isSecure: Bool

    /// An agent at `target`, which is where `name` leads.
    package init(_ target: Target, name: HostAndPort? = nil, isSecure: Bool = false) {
        self.target = target
        self.name = name
        self.isSecure = isSecure
    }

    /// How it is asked securely by `client`; nil for one that is asked without TLS.
    func security(by client: TLSClient?) -> HTTPClient.Security? {
        guard isSecure, case .endpoint(let endpoint) = target else { return nil }
        guard let client else { preconditionFailure("no TLS is set up for agents") }
        return HTTPClient.Security(
            client,
            for: client.options.name ?? name.flatMap { TLSPeerName($0.host) }
                ?? .address(endpoint.address))
    }
}

extension ConsulAgentPlace: CustomStringConvertible {
    /// `127.0.0.1:8500`, `https://10.0.0.1:8501` or `unix:/run/agent.sock`.
    package var description: String { isSecure ? "https://\(target)" : "\(target)" }
}
