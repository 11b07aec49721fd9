// Options of Consul and of Docker's engine, which know what instances there are, and of the
// registration of this process with Consul.

internal import Lookups

extension OptionTable {
    static let consul: [Option<ConsulSettings>] =
        [
            Option(
                "agents", \.agents, .list(of: .agent, countMax: 8),
                "Consul's agents, the preferred one first; on port 8500 unless told, and with TLS "
                    + "on 8501."),
            Option("token", \.token, .optional(.token), "The ACL token that they get."),
            Option(
                "token-file", \.tokenFile, .optional(.filePath),
                "A file with that token, read at the start."),
            Option(
                "wait", \.policy.wait, .duration(.seconds(1) ... .seconds(600)),
                "How long an agent may hold a question for news."),
            Option(
                "stale", \.policy.isStale, .onOff,
                "Whether any server may answer, not only the leader."),
            Option(
                "connections", \.policy.connectionsPerAgentMax, .count(2...10_000),
                "Connections to one agent at most; it allows 200 per client by default."),
            Option(
                "kv", \.kv, .optional(.keyPrefix, "off"),
                "The prefix of the K/V store that routes, services and weights are read from."),
            Option(
                "tags", \.tags, .onOff,
                "Whether tags such as `urlprefix-example.com/api` become services and routes."),
        ] + Option.group("register", \.register, registration)
        + Option.group(
            "tls", \.tls,
            tlsClient(
                of: "agents",
                "Whether agents are asked by TLS that have neither `https://`, which says so, nor "
                    + "`http://`; `on` as soon as another of these options is given, or by "
                    + "CONSUL_HTTP_SSL."))

    static let docker: [Option<DockerSettings>] =
        [
            Option(
                "routes", \.routes, .onOff, variable: "FAIRLEAD_DOCKER",
                "Whether labels of containers such as `fairlead.host` become services and routes; "
                    + "`docker: on` is short for it."),
            Option(
                "host", \.host, .engineHost, flag: .dockerHost,
                "Where Docker's engine listens, on port 2375 unless told, and with TLS on 2376; "
                    + "DOCKER_HOST says so too."),
        ]
        + Option.group(
            "tls", \.tls,
            tlsClient(
                of: "engines",
                "Whether an engine at `tcp://` is asked by TLS; `on` as soon as another of these "
                    + "options is given, or by DOCKER_TLS_VERIFY."))

    private static let registration: [Option<ConsulSettings.Registration>] = [
        Option(
            "name", \.name, .optional(.name, "off"),
            "The name under which this process registers itself with the first agent."),
        Option(
            "address", \.address, .optional(.address, "auto"),
            "Its address; `auto` is the agent's own."),
        Option(
            "port", \.port, .optional(.count(1...65535), "auto"),
            "Its port; `auto` is that of the first listener."),
        Option("tags", \.tags, .list(of: .tag, countMax: 64), "Its tags."),
        Option(
            "check-path", \.checkPath, .optional(.urlPath, "off"),
            "The path of the agent's HTTP check; without one it connects by TCP."),
    ]
}
