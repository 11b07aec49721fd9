// Every option there is, once. A line gives key, place in the model (whose initial value is the
// default), kind and range, and what it means. Everything else follows: `group` puts the same line
// under `services.NAME`, under `defaults` and into the environment.

internal import Backends
internal import ConsulQuery
internal import DNSWire
internal import Endpoints
internal import HTTP1
internal import Lookups
internal import ProxyProtocol
internal import Routing
internal import Traffic
internal import Wording

/// What is read before it becomes a `Configuration`.
struct Draft {
    var configuration: Configuration
    /// What services and listeners start from.
    var service = Service()
    var listener = Listener()
    /// The listener made of flags and environment alone.
    var commandLine = CommandLineListener()

    init(processorCount: Int) {
        configuration = Configuration(processorCount: processorCount)
    }
}

/// The one listener that flags and environment describe, with its service.
struct CommandLineListener {
    var file: String?
    var listen: Place?
    var mode: ListenerMode?
    var srv: [String] = []
    var consul: [ConsulServiceQuery] = []
    var backends: [HostAndPort] = []
}

/// A service or a listener while it is read.
struct Entry<Value: Sendable>: Sendable {
    var value: Value
    var srv: [String] = []
    var consul: [ConsulServiceQuery] = []
    var docker: [DockerPart] = []
    var instanceFile: String?
    var backends: [Service.StaticBackend] = []
    /// The addresses of a listener's name besides its own.
    var alsoListen: [Endpoint] = []
    /// Where it is as a whole, and where each of its keys that has a good value was given.
    var origin: Origin
    var given: [String: Origin] = [:]
    /// Every known key that was there, with a good value or not.
    var keys: Set<String> = []
    /// Where each of a listener's routes is, and which requests they are for.
    var routeOrigins: [Origin] = []
    var routeMatches: Set<RouteMatch> = []
    /// Whether it names its instances, well or badly.
    var hasSource = false
    /// Whether it is the service of one listener, which no other can name.
    var isCarried = false
}

/// The option tables.
enum OptionTable {
    // MARK: The process

    static let process: [Option<Configuration>] =
        [
            Option(
                "workers", \.workersAsked,
                .optional(.count(1...ConfigurationLimits.workersMax), "auto"),
                flag: .workers,
                "Worker threads; `auto` is one per processor that the process may use."),
            Option(
                "pin-workers", \.pinWorkers, .onOff,
                "Whether each worker stays on a processor of its own."),
            Option(
                "user", \.user, .optional(.userName),
                "Whose the process becomes once its addresses are open, a name or a number."),
            Option(
                "state-file", \.stateFile, .optional(.filePath),
                "Where the last good answers are kept, for a start while discovery is away."),
            Option(
                "stop-timeout", \.stopTimeout, .duration(.zero ... .seconds(3600)),
                "How long work in flight may take to finish after the first stop signal."),
            Option(
                "stop-delay", \.stopDelay, .duration(.zero ... .seconds(3600)),
                "How long /health/ready says no before listeners close at the first stop signal."),
            Option(
                "share-addresses", \.shareAddresses, .onOff,
                "Whether another process may listen on the same addresses, to take over."),
            Option("log.level", \.log.level, .word, "The least severe message that is written."),
            Option(
                "log.format", \.log.format, .word, "What a line of the log looks like."),
            Option(
                "reload.watch", \.reload.watch, .onOff,
                "Whether the configuration is read again when its file has changed, besides on "
                    + "SIGHUP."
            ),
        ] + Option.group("admin", \.admin, admin) + Option.group("health", \.health, health)
        + Option.group("statsd", \.statsd, statsd)
        + Option.group("ticket-keys", \.ticketKeys, ticketKeys)
        + Option.group("access-log", \.accessLog, accessLog)
        + Option.group("traces", \.traces, traces) + Option.group("dns", \.dns, dns)
        + Option.group("checks", \.checks, checks) + Option.group("consul", \.consul, consul)
        + Option.group("docker", \.docker, docker) + Option.group("acme", \.acme, acme)
        + Option.group("registrar", \.registrar, registrar)

    private static let accessLog: [Option<AccessLogSettings>] = [
        Option(
            "to", \.to, .accessLogTarget, variable: "FAIRLEAD_ACCESS_LOG", flag: .accessLog,
            "Where a line for each request and TCP connection goes; a file is reopened on "
                + "SIGUSR1."),
        Option("format", \.format, .word, "What a line looks like."),
    ]

    private static let dns: [Option<DNSSettings>] = [
        Option(
            "servers", \.servers,
            .list(of: .nameserver, countMax: ConfigurationLimits.nameserversMax),
            variable: "FAIRLEAD_DNS", flag: .dns,
            "Nameservers, on port 53 unless told; none means those of `dns.resolv-conf`."),
        Option(
            "timeout", \.queries.timeout,
            .optional(.duration(.milliseconds(10) ... .seconds(60)), "auto"),
            "How long one nameserver has for one answer; `auto` is what `dns.resolv-conf` says for "
                + "its own nameservers, else \(Units.write(QueryPolicy.timeoutDefault))."),
        Option(
            "attempts", \.queries.attempts, .optional(.count(1...10), "auto"),
            "Tries of one question before it counts as failed; `auto` is what `dns.resolv-conf` "
                + "says for its own nameservers, else \(QueryPolicy.attemptsDefault)."),
        Option(
            "transport", \.queries.transport, .word,
            "How questions travel: `udp`, and TCP for what is cut; or `tcp` from the start."),
        Option(
            "edns", \.queries.usesEDNS, .onOff,
            "Whether queries carry EDNS, which makes room for 1232 octets over UDP in place of "
                + "512. A server that fails because of it is asked without in either case."),
        Option(
            "mix-case", \.queries.mixesCase, .onOff,
            "Whether letters of names are sent in random case, which a forger would have to "
                + "guess."),
        Option(
            "rate", \.queries.queriesPerSecond, .count(1...100_000),
            "Questions a second at most, over all services."),
        Option(
            "resolv-conf", \.resolvConf, .filePath,
            "The file that names the nameservers when `dns.servers` does not, and says how short "
                + "host names are completed; watched for change."),
    ]

    private static let checks: [Option<CheckSettings>] = [
        Option(
            "rate", \.rate, .count(1...100_000),
            "Checks that begin a second at most, over all services; when more are due, all of them "
                + "come later by the same time.")
    ]

    // MARK: Services

    static let service: [Option<Service>] =
        balancing + Option.group("", \.lookup, records)
        + Option.group("refresh", \.lookup.refresh, refresh) + Option.group("hold", \.roster, hold)
        + Option.group("check", \.self, check) + Option.group("eject", \.self, eject)
        + Option.group("retry", \.policy.retry, retry)
        + Option.group("timeouts", \.policy, backendTimeouts)
        + Option.group(
            "backend-tls", \.tls,
            tlsClient(
                of: "backends",
                "Whether connections to backends, and checks on their ports, are made by TLS; `on` "
                    + "as soon as another of these options is given."))
        + backendProtocols

    private static let records: [Option<LookupOptions>] = [
        Option("addresses", \.family, .word, "Which addresses of a host are used."),
        // Not `port`: Kubernetes sets FAIRLEAD_PORT, to a URL, where a service is called fairlead.
        Option(
            "srv-port", \.port, .optional(.count(1...65535), "auto"),
            "In place of the port of every SRV record; `auto` leaves it."),
        Option(
            "fallback-port", \.fallbackPort, .optional(.count(1...65535), "off"),
            "The port of the addresses that a name without SRV records has."),
    ]

    private static let hold: [Option<RosterOptions>] = [
        Option("nxdomain", \.holds.nxdomain, holdTime, "When the name does not exist."),
        Option("nodata", \.holds.nodata, holdTime, "When the answer names no instance."),
        Option("servfail", \.holds.servfail, holdTime, "When the registry can't find out."),
        Option("refused", \.holds.refused, holdTime, "When it refuses to say."),
        Option(
            "other-code", \.holds.otherCode, holdTime, "When it answers in a way that is not known."
        ),
        Option("timeout", \.holds.timeout, holdTime, "When it does not answer."),
        Option("malformed", \.holds.malformed, holdTime, "When its answer can't be read."),
        Option("unreachable", \.holds.unreachable, holdTime, "When it can't be reached."),
        Option(
            "mass-loss", \.holds.massLoss, holdTime,
            "When more than half of the backends are lost: how long they wait behind those named."),
        Option(
            "with-fail-over", \.holds.withFailover, holdTime,
            "In place of `nxdomain` and `nodata`, while a backend of a source further down is up."),
        Option(
            "keep-passing", \.keepsPassingAfterHold, .onOff,
            "Whether backends that pass their checks stay when a hold ends; addresses of "
                + "containers are used again, so that a passing check may be a stranger's by "
                + "then."),
    ]

    private static let holdTime = ValueKind<Duration>.duration(.zero ... .seconds(30 * 86400))

    private static let refresh: [Option<RefreshSchedule.Options>] = [
        Option(
            "floor", \.floor, .duration(.milliseconds(100) ... .seconds(3600)),
            "The shortest wait before an answer is asked for again, whatever its time to live."),
        Option(
            "ceiling", \.ceiling, .duration(.milliseconds(100) ... .seconds(86400)),
            "The longest wait."),
        Option(
            "every", \.every,
            .optional(.duration(.milliseconds(100) ... .seconds(86400)), "off"),
            "The wait whatever the time to live, in place of both; for Docker's DNS, which says "
                + "10m of what changes at once."),
        Option("jitter", \.jitterPercent, .percent(0...50), "How much a wait varies at random."),
    ]

    private static let backendTimeouts: [Option<BackendPolicy>] = [
        Option("connect", \.timeouts.connect, timeout, "For a connection to a backend."),
        Option(
            "response-head", \.timeouts.responseHead, timeout,
            "From the end of a request to the head of its response."),
        Option(
            "try", \.retry.tryTimeout, .optional(timeout, "off"),
            "The same for one try, as long as another may follow; it is cancelled then."),
        Option(
            "backend-idle", \.timeouts.idle, timeout,
            "How long an unused backend connection is kept."),
    ]

    // MARK: The scopes they are read in

    /// Top level of the file, and the environment.
    static let file: [Option<Draft>] =
        Option.group("", \.configuration, process)
        + Option.group("defaults", \.service, service)
        + Option.group("defaults", \.listener, listener)

    /// Other names that the file may have for options at its top level, and their keys.
    static let fileAliases = ["log-level": "log.level"]

    /// Environment and flags only.
    static let commandLine: [Option<Draft>] = Option.group(
        "", \.commandLine,
        [
            Option(
                "config", \.file, .optional(.filePath), flag: .config, "The configuration file."),
            Option(
                "listen", \.listen, .optional(.listenAddress), flag: .listen, "Where to listen."),
            Option("mode", \.mode, .optional(.word), flag: .mode, "What that listener speaks."),
            Option(
                "service", \.srv, srvNames, flag: .service,
                "The DNS name whose SRV records are that listener's backends; more are to fail "
                    + "over to, in order."),
            Option(
                "consul", \.consul, consulQueries, flag: .consul,
                "The service in Consul's HTTP API, with its parameters, beside or in place of a "
                    + "DNS name."),
            Option(
                "backend", \.backends, .list(of: .backendAddress, countMax: 1000), flag: .backend,
                "Fixed backends in place of a service."),
        ])

    /// One service of the file.
    static let serviceEntry: [Option<Entry<Service>>] =
        sources() + Option.group("", \.value, service)

    /// One listener of the file.
    static let listenerEntry: [Option<Entry<Listener>>] =
        Option.group(
            "", \.value,
            [
                Option(
                    "name", \.name, .name, "Distinct name; the address as written unless given."),
                Option("listen", \.place, .listenAddress, "Where it listens. Required."),
                Option("mode", \.mode, .word, "What it speaks."),
                Option("service", \.service, .name, "The service that its requests go to."),
            ])
        + Option.group("", \.value, Option.group("redirect", \.redirect, redirect))
        + sources() + Option.group("", \.value, listener)

    /// One backend of a list, besides its `address`.
    static let backend: [Option<Service.StaticBackend>] = [
        Option("weight", \.weight, .count(0...65535), "Share of the requests within its priority."),
        Option("priority", \.priority, .count(0...65535), "Tier; the lowest healthy one is used."),
    ]

    /// What an operator decides about one backend.
    static let override: [Option<BackendOverride>] = [
        Option(
            "weight", \.weight, .optional(.count(0...65535), "auto"),
            "Its weight, in place of what discovery says."),
        Option("drain", \.isDrained, .onOff, "Whether it gets no new requests."),
    ]

    private static func sources<Value>() -> [Option<Entry<Value>>] {
        [
            Option(
                "srv", \.srv, srvNames,
                "The DNS name whose SRV records are the backends; more are to fail over to, in "
                    + "order."
            ),
            Option(
                "consul", \.consul, consulQueries,
                "The service in Consul's HTTP API: `web?dc=dc2&tag=v1&passing`. Beside `srv` it "
                    + "comes first, and DNS is for when it fails."),
            Option(
                "docker", \.docker, .dockerQuery,
                "Containers of Docker's engine: `web?network=front`, or a mapping of `service`, "
                    + "`label`, `network` and `port`."),
            Option(
                "file", \.instanceFile, .optional(.filePath),
                "A file of instances, watched for change: JSON or YAML, as Prometheus' file_sd."),
        ]
    }

    private static let srvNames = ValueKind<[String]>.list(
        of: .srvName, countMax: ConfigurationLimits.sourcesMax)
    private static let consulQueries = ValueKind<[ConsulServiceQuery]>.list(
        of: .consulQuery, countMax: ConfigurationLimits.sourcesMax)
}
