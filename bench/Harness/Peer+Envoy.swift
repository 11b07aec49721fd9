// Envoy's configuration for a setup: no admin port, circuit breakers out of the way.

extension Peer {
    /// Envoy from wherever `program` is.
    static func envoy(_ program: String) -> Peer {
        Peer(name: "envoy", version: [program, "--version"]) { setup in
            // Ten thousand clusters take it minutes; that is measured among the others.
            guard setup.services == 1 else { return nil }
            let file = try write(envoyFile(setup), as: "envoy.yaml", of: setup)
            return [
                program, "-c", file, "--concurrency", "1", "--log-level", "error",
                "--disable-hot-restart",
            ]
        }
    }
}

private func envoyFile(_ setup: Setup) -> String {
    let endpoints = setup.endpoints.map { endpoint in
        let parts = endpoint.split(separator: ":")
        return "            - endpoint: {address: {socket_address: "
            + "{address: \(parts[0]), port_value: \(parts[1])}}}"
    }
    return """
        static_resources:
          listeners:
          - address: {socket_address: {address: 127.0.0.1, port_value: \(setup.port)}}
            filter_chains:
            - filters:
        \(setup.mode == .http ? envoyHTTP(setup) : envoyTCP)
        \(setup.certificate.map(envoySecure) ?? "")
          clusters:
          - name: web
            connect_timeout: 5s
            type: STATIC
            lb_policy: ROUND_ROBIN
            circuit_breakers: {thresholds: [{max_connections: 100000, max_pending_requests: 100000, max_requests: 100000, max_retries: 1000}]}
        \(setup.originSpeaksHTTP2 ? envoySecondProtocol : "")
            load_assignment:
              cluster_name: web
              endpoints:
              - lb_endpoints:
        \(endpoints.joined(separator: "\n"))

        """
}

private let envoySecondProtocol = """
        typed_extension_protocol_options:
          envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
            "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
            explicit_http_config: {http2_protocol_options: {}}
    """

/// Its suites for TLS 1.3 can't be chosen; it takes AES-128-GCM by itself.
private func envoySecure(_ certificate: Setup.Certificate) -> String {
    """
          transport_socket:
            name: envoy.transport_sockets.tls
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
              common_tls_context:
                alpn_protocols: [h2, http/1.1]
                tls_params: {tls_minimum_protocol_version: TLSv1_3, tls_maximum_protocol_version: TLSv1_3, ecdh_curves: [X25519]}
                tls_certificates:
                - certificate_chain: {filename: \(certificate.chain)}
                  private_key: {filename: \(certificate.key)}
    """
}

private func envoyHTTP(_ setup: Setup) -> String {
    let log = """
                  access_log:
                  - name: file
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
                      path: \(setup.logPath)
        """
    return """
              - name: envoy.filters.network.http_connection_manager
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                  codec_type: \(setup.speaksHTTP2 ? "HTTP2" : "HTTP1")
                  stat_prefix: in
                  use_remote_address: true
                  route_config:
                    virtual_hosts:
                    - {name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: web, timeout: 0s}}]}
                  http_filters:
                  - name: router
                    typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
        \(setup.hasAccessLog ? log : "")
        """
}

private let envoyTCP = """
          - name: envoy.filters.network.tcp_proxy
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
              stat_prefix: in
              cluster: web
    """
