// Envoy's configuration: addresses by DNS once a second and one port for all, since it knows no
// SRV; checks every second, outlier detection that a passing check does not undo, and retries: of
// everything for GET, of what was never sent for POST.

extension Peer {
    static func envoy(_ program: String) -> Peer {
        Peer(
            name: "envoy", version: [program, "--version"], followsPorts: false,
            drainPath: "/drain_listeners?graceful&skip_exit"
        ) { setup in
            let file = try setup.write(envoyFile(setup), as: "envoy.yaml")
            return Command(words: [
                program, "-c", file, "--concurrency", "\(setup.workers ?? 1)", "--log-level",
                "error",
                "--disable-hot-restart", "--drain-time-s", "\(Peer.drainSeconds)",
            ])
        }
    }
}

private func envoyFile(_ setup: Setup) -> String {
    let type = "type.googleapis.com/envoy.extensions"
    return """
        admin: {address: {socket_address: {address: 127.0.0.1, port_value: \(setup.adminPort)}}}
        static_resources:
          listeners:
          - address: {socket_address: {address: 127.0.0.1, port_value: \(setup.port)}}
            enable_reuse_port: true
            filter_chains:
            - filters:
              - name: envoy.filters.network.http_connection_manager
                typed_config:
                  "@type": \(type).filters.network.http_connection_manager.v3.HttpConnectionManager
                  codec_type: HTTP1
                  stat_prefix: in
                  use_remote_address: true
                  route_config:
                    virtual_hosts:
                    - name: all
                      domains: ["*"]
                      routes:
                      - match: {prefix: /, headers: [{name: ":method", string_match: {exact: POST}}]}
                        route:
                          cluster: web
                          timeout: 10s
                          retry_policy:
                            retry_on: connect-failure,refused-stream,reset-before-request
        \(envoyRetries)
                      - match: {prefix: /}
                        route:
                          cluster: web
                          timeout: 10s
                          retry_policy:
                            retry_on: 5xx,reset,connect-failure,refused-stream
        \(envoyRetries)
                  http_filters:
                  - name: router
                    typed_config: {"@type": \(type).filters.http.router.v3.Router}
        \(envoyCluster(setup, type))

        """
}

private func envoyCluster(_ setup: Setup, _ type: String) -> String {
    """
      clusters:
      - name: web
        connect_timeout: 1s
        type: STRICT_DNS
        dns_lookup_family: V4_ONLY
        dns_refresh_rate: 1s
        dns_failure_refresh_rate: {base_interval: 0.5s, max_interval: 1s}
        respect_dns_ttl: false
        typed_dns_resolver_config:
          name: envoy.network.dns_resolver.cares
          typed_config:
            "@type": \(type).network.dns_resolver.cares.v3.CaresDnsResolverConfig
            resolvers:
            - socket_address: {address: 127.0.0.1, port_value: \(setup.dnsPort)}
            dns_resolver_options: {no_default_search_domain: true}
        ignore_health_on_host_removal: true
        lb_policy: LEAST_REQUEST
        health_checks:
        - timeout: 1s
          interval: 1s
          no_traffic_interval: 1s
          unhealthy_threshold: 2
          healthy_threshold: 2
          http_health_check: {path: /health}
        outlier_detection:
          consecutive_5xx: 3
          interval: 1s
          base_ejection_time: 5s
          max_ejection_percent: 50
          successful_active_health_check_uneject_host: false
        # By default three retries at a time, which one instance of three exceeds.
        circuit_breakers: {thresholds: [{max_retries: 1000, max_requests: 10000, max_pending_requests: 10000, max_connections: 10000}]}
        load_assignment:
          cluster_name: web
          endpoints:
          - lb_endpoints:
            - endpoint: {address: {socket_address: {address: \(setup.discovery.host), port_value: \(Instance.sharedPort)}}}
    """
}

private let envoyRetries = """
                        num_retries: 3
                        per_try_timeout: 2s
                        retry_host_predicate:
                        - name: envoy.retry_host_predicates.previous_hosts
                          typed_config:
                            "@type": type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate
                        host_selection_retry_max_attempts: 5
    """
