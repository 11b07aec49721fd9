// Traefik's configuration for a setup. Go runs as many threads as it likes; one runs at a time.

extension Peer {
    /// Traefik from wherever `program` is.
    static func traefik(_ program: String) -> Peer {
        Peer(name: "traefik", version: [program, "version"]) { setup in
            guard setup.services == 1 else { return nil }
            let isHTTP = setup.mode == .http
            let places = setup.endpoints.map { endpoint in
                isHTTP ? "{url: \"http://\(endpoint)\"}" : "{address: \"\(endpoint)\"}"
            }
            let rules = """
                \(isHTTP ? "http" : "tcp"):
                  routers:
                    all: {entryPoints: [in], rule: "\(isHTTP ? "PathPrefix(`/`)" : "HostSNI(`*`)")", service: web\(setup.certificate == nil ? "" : ", tls: {}")}
                  services:
                    web:
                      loadBalancer:
                        servers: [\(places.joined(separator: ", "))]
                \(isHTTP ? "        serversTransport: kept\n  serversTransports: {kept: {maxIdleConnsPerHost: 512}}" : "")
                \(setup.certificate.map(traefikSecure) ?? "")

                """
            let dynamic = try write(rules, as: "traefik-rules.yaml", of: setup)
            let main = """
                entryPoints: {in: {address: "127.0.0.1:\(setup.port)"}}
                providers: {file: {filename: \(dynamic), watch: false}}
                global: {checkNewVersion: false, sendAnonymousUsage: false}
                log: {level: ERROR}
                \(setup.hasAccessLog ? "accessLog: {filePath: \(setup.logPath), bufferingSize: 100}" : "")

                """
            let file = try write(main, as: "traefik.yaml", of: setup)
            return ["/usr/bin/env", "GOMAXPROCS=1", program, "--configfile=\(file)"]
        }
    }
}

/// Its suites for TLS 1.3 can't be chosen; it takes AES-128-GCM by itself.
private func traefikSecure(_ certificate: Setup.Certificate) -> String {
    let files = "{certFile: \(certificate.chain), keyFile: \(certificate.key)}"
    return """
        tls:
          stores: {default: {defaultCertificate: \(files)}}
          options: {default: {minVersion: VersionTLS13, curvePreferences: [X25519]}}
        """
}
