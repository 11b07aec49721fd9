// What is said about Docker's engine, apart from which containers are asked of it.

internal import Endpoints

/// Where Docker's engine is, and what is made of its containers.
package struct DockerSettings: Equatable, Sendable {
    /// Whether labels of containers, such as `fairlead.host`, become services and routes.
    package internal(set) var routes = false
    /// Where the engine listens; by default its socket on this machine, as it is installed.
    package internal(set) var host = RegistryPlace(.target(.engineSocket))
    /// How it is asked where it is asked by TLS.
    package internal(set) var tls = TLSClientSettings()

    /// Whether `other` differs at most in how the engine is asked by TLS.
    package func isLike(_ other: DockerSettings) -> Bool {
        var same = other
        same.tls = tls
        return self == same
    }

    /// Whether anything is asked of the engine, by these settings or by one of `services`.
    package func isUsed(by services: [Service]) -> Bool {
        routes
            || services.contains { service in
                service.sources.contains { if case .docker = $0 { true } else { false } }
            }
    }
}

extension Target {
    /// The socket that Docker's engine listens on by default.
    fileprivate static let engineSocket = Target.unix("/var/run/docker.sock")
}
