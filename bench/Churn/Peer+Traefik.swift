// Traefik's configuration: Consul's catalogue, watched; instances that pass; checks, passive checks
// and the policy by tags of the service; retries by status for what may be repeated.

extension Peer {
    static func traefik(_ program: String) -> Peer {
        Peer(name: "traefik", version: [program, "version"], discoveries: [.consul]) { setup in
            let rules = try setup.write(
                """
                http:
                  middlewares:
                    again:
                      retry: {attempts: 4, initialInterval: 10ms, status: ["500", "502-504"]}

                """, as: "rules.yaml")
            let file = try setup.write(
                """
                entryPoints:
                  in:
                    address: "127.0.0.1:\(setup.port)"
                    reusePort: \(setup.sharesPort)
                    transport: {lifeCycle: {requestAcceptGraceTimeout: 1s, graceTimeOut: 10s}}
                providers:
                  file: {filename: \(rules), watch: false}
                  providersThrottleDuration: 200ms
                  consulCatalog:
                    endpoint: {address: "127.0.0.1:\(ConsulRegistry.httpPort)"}
                    exposedByDefault: false
                    watch: true
                    strictChecks: [passing]
                    refreshInterval: 1s
                serversTransport: {forwardingTimeouts: {dialTimeout: 1s, responseHeaderTimeout: 2s}}
                global: {checkNewVersion: false, sendAnonymousUsage: false}
                log: {level: ERROR}

                """, as: "traefik.yaml")
            return Command(words: [program, "--configfile=\(file)"])
        }
    }

    /// What a service says of itself to Traefik.
    static let traefikTags = [
        "traefik.enable=true",
        "traefik.http.routers.web.rule=PathPrefix(`/`)",
        "traefik.http.routers.web.middlewares=again@file",
        "traefik.http.services.web.loadbalancer.strategy=p2c",
        "traefik.http.services.web.loadbalancer.healthcheck.path=/health",
        "traefik.http.services.web.loadbalancer.healthcheck.interval=1s",
        "traefik.http.services.web.loadbalancer.healthcheck.timeout=1s",
        "traefik.http.services.web.loadbalancer.passivehealthcheck.failurewindow=5s",
        "traefik.http.services.web.loadbalancer.passivehealthcheck.maxfailedattempts=3",
    ]
}
