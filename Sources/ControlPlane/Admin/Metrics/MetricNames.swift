// Every metric of Fairlead: name, kind, labels and help, in one place. Names have base units, and
// `_total` on counters and on nothing else. A test holds the names to these rules; a name that was
// released stays, since dashboards and alerts are built on it. The names of the workers' counters
// are in Stats, beside the counters.

internal import Stats

/// A metric family of the Prometheus text format. Any thread.
package struct Metric: Sendable {
    /// The kinds that Fairlead uses.
    package enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    /// The family's name; the rules above hold for it.
    package let name: String
    /// The kind of its series, as in the `# TYPE` line.
    package let kind: Kind
    /// The labels of its series, in order; a histogram has `le` as well.
    package let labels: [String]
    /// The help text: one sentence.
    package let help: String

    private init(_ kind: Kind, _ name: String, _ help: String) {
        self.init(kind, name, [], help)
    }

    /// A family; `help` is a sentence.
    package init(_ kind: Kind, _ name: String, _ labels: [String], _ help: String) {
        self.kind = kind
        self.name = name
        self.labels = labels
        self.help = help
    }

    /// Every family, in the order in which they are written.
    package static let all: [Metric] =
        process + listener + certificate + service + discovery + backend

    // MARK: - The process. `process_…` are the names that every Prometheus client library uses.

    static let buildInfo = Metric(
        .gauge, "fairlead_build_info", ["version"], "Always 1; the label has the version.")
    static let uptime = Metric(.gauge, "fairlead_uptime_seconds", "Time since the process started.")
    static let draining = Metric(
        .gauge, "fairlead_draining",
        "1 while the process finishes what is in flight before it stops.")
    static let ready = Metric(
        .gauge, "fairlead_ready", "1 if /health/ready answers 200, else 0.")
    static let workers = Metric(.gauge, "fairlead_workers", "Worker threads.")
    static let startTime = Metric(
        .gauge, "process_start_time_seconds", "When the process started, in seconds since 1970.")
    static let openDescriptors = Metric(.gauge, "process_open_fds", "Open file descriptors.")
    static let descriptorsMax = Metric(
        .gauge, "process_max_fds", "File descriptors that the process may open.")
    static let residentBytes = Metric(
        .gauge, "process_resident_memory_bytes", "Resident memory.")
    static let cpuSeconds = Metric(
        .counter, "process_cpu_seconds_total", "Processor time used, user and system.")
    static let accessLogLines = Metric(
        .counter, "fairlead_access_log_lines_total", ["outcome"],
        "Lines of the access log: written, dropped for a slow reader, or lost to an error.")
    static let traceSpans = Metric(
        .counter, "fairlead_trace_spans_total", ["outcome"],
        "Spans of requests: sent, rejected by the collector, failed to be sent, or dropped while "
            + "others waited.")
    static let configurations = Metric(
        .counter, "fairlead_configurations_total", ["outcome"],
        "Configurations that arrived while the process ran: applied or refused.")
    static let reloads = Metric(
        .counter, "fairlead_reloads_total", ["outcome"],
        "Times that the configuration was read again: applied, unchanged, or refused.")
    static let reloadRefused = Metric(
        .gauge, "fairlead_reload_refused", "1 while the last reload stands refused.")
    static let rateShares = Metric(
        .gauge, "fairlead_rate_shares",
        "Processes among which limits of requests with share: on are divided.")
    static let shortages = Metric(
        .counter, "fairlead_shortages_total", ["kind"],
        "Calls that failed because this machine had no descriptors, ports or memory left.")
    private static let process = [
        buildInfo, uptime, draining, ready, workers, startTime, accessLogLines, traceSpans,
        configurations, reloads, reloadRefused, rateShares, shortages, openDescriptors,
        descriptorsMax, residentBytes, cpuSeconds,
    ]

    // MARK: - Listeners

    static let listenerCounters = CounterFamily<ListenerCounter>.all(of: ["listener"])
    private static let listener = listenerCounters.map(\.metric)

    // MARK: - Certificates

    static let certificates = Metric(
        .gauge, "fairlead_certificates", "Certificates of listeners that are in use.")
    static let certificateEnd = Metric(
        .gauge, "fairlead_certificate_expiry_timestamp_seconds", ["certificate", "file"],
        "When the certificate ends, in seconds since 1970; of the thousand that end first.")
    static let certificatesRefused = Metric(
        .gauge, "fairlead_certificate_files_refused",
        "Files whose certificates can't be used, so that an earlier one stays in use.")
    static let revocationsEnd = Metric(
        .gauge, "fairlead_crl_expiry_timestamp_seconds", ["file"],
        "When the first list of revoked certificates of clients in the file ends, in seconds since "
            + "1970: from then on no client is let in.")
    static let ticketKeysFailing = Metric(
        .gauge, "fairlead_ticket_keys_failing",
        "1 while the shared keys of session tickets can't be read or renewed.")
    private static let certificate = [
        certificates, certificateEnd, certificatesRefused, revocationsEnd, ticketKeysFailing,
    ]

    // MARK: - Services

    static let serviceCounters = CounterFamily<ServiceCounter>.all(of: ["service"])
    static let emergency = Metric(
        .gauge, "fairlead_emergency", ["service", "conduct"],
        "1 while no backend is up and requests go to others all the same (serving), or are refused."
    )
    static let emergencies = Metric(
        .counter, "fairlead_emergencies_total", ["service"],
        "How often a service had no backend that is up.")
    static let ejectionsRefused = Metric(
        .counter, "fairlead_ejections_refused_total", ["service"],
        "Ejections that were refused, since too few backends would have been left.")
    static let duration = Metric(
        .histogram, "fairlead_request_duration_seconds", ["service"],
        "Time from a request's head to the last byte of its response; for TCP, of the connection.")
    static let callStatuses = Metric(
        .counter, "fairlead_grpc_statuses_total", ["service", "status"],
        "Calls of gRPC by their status; those whose clients left count as CANCELLED, or as "
            + "DEADLINE_EXCEEDED if their time was over.")
    static let lateCalls = Metric(
        .counter, "fairlead_grpc_late_calls_total", ["service"],
        "Calls of gRPC that ended since the time was over that their clients give them.")
    static let backends = Metric(
        .gauge, "fairlead_backends", ["service", "state"], "Backends on the roster, by state.")
    static let rotation = Metric(
        .gauge, "fairlead_rotation_backends", ["service"], "Backends that may get requests now.")
    static let deploys = Metric(
        .counter, "fairlead_deploys_total", ["service", "outcome"],
        "Deploys of the service that have ended: done or undone.")
    static let deploySeconds = Metric(
        .counter, "fairlead_deploy_seconds_total", ["service", "outcome"],
        "How long these deploys took, from the first check to the end of the drain or of the undo.")
    static let deployRunning = Metric(
        .gauge, "fairlead_deploy_running", ["service"], "1 while a deploy is under way, else 0.")
    static let backendsVerified = Metric(
        .gauge, "fairlead_backend_tls_verified", ["service"],
        "Whether the certificates of the service's backends have to verify; of services whose "
            + "backends speak TLS.")
    private static let service =
        serviceCounters.map(\.metric) + [
            callStatuses, lateCalls, duration, backends, backendsVerified, rotation, emergency,
            emergencies,
            ejectionsRefused, deploys, deploySeconds, deployRunning,
        ]

    // MARK: - Discovery

    static let goodAnswerAge = Metric(
        .gauge, "fairlead_discovery_last_good_answer_age_seconds", ["service", "source"],
        "Time since the last good answer; absent before the first.")
    static let goodAnswerInstances = Metric(
        .gauge, "fairlead_discovery_instances", ["service", "source"],
        "Instances that the last good answer named.")
    static let leftOut = Metric(
        .gauge, "fairlead_discovery_left_out", ["service", "source"],
        "Entries of the last good answer that are left out, since they make no sense.")
    static let discoveryFailing = Metric(
        .gauge, "fairlead_discovery_failing", ["service", "source"],
        "1 if the newest lookup failed, else 0.")
    static let heldBackends = Metric(
        .gauge, "fairlead_discovery_held_backends", ["service"],
        "Backends that discovery does not name now, and that are kept.")
    static let answers = Metric(
        .counter, "fairlead_discovery_answers_total", ["service", "source", "kind"],
        "Lookups, by result.")
    static let registryUp = Metric(
        .gauge, "fairlead_registry_up", ["kind", "address"],
        "1 if the nameserver, Consul agent or Docker engine is asked as usual, 0 while it fails.")
    static let registryAnswers = Metric(
        .counter, "fairlead_registry_answers_total", ["kind", "address", "outcome"],
        "Answers and failures of a nameserver, Consul agent or Docker engine, by kind.")
    static let registryMalformed = Metric(
        .counter, "fairlead_registry_malformed_total", ["kind", "address"],
        "Messages or documents that were malformed, or did not answer the question.")
    static let containers = Metric(
        .gauge, "fairlead_docker_containers", ["state"],
        "Containers of Docker's engine, by what it does with them.")
    static let certificateOrders = Metric(
        .counter, "fairlead_acme_orders_total", ["outcome"],
        "Orders of certificates from an authority: issued, or why not.")
    static let dnsMessages = Metric(
        .counter, "fairlead_dns_messages_total", ["kind"],
        "DNS messages sent and received, by transport and by fault.")
    static let checks = Metric(
        .counter, "fairlead_checks_total", ["result"], "Health checks, by result.")
    static let lateChecks = Metric(
        .counter, "fairlead_checks_late_total", [],
        "Health checks that had to wait for the budget (checks.rate) when they were due.")
    static let checkLateness = Metric(
        .counter, "fairlead_checks_lateness_seconds_total", [], "How long those waited in total.")
    private static let discovery = [
        goodAnswerAge, goodAnswerInstances, leftOut, discoveryFailing, heldBackends, answers,
        registryUp, registryAnswers, registryMalformed, containers, certificateOrders, dnsMessages,
        checks, lateChecks, checkLateness,
    ]

    // MARK: - Backends. Their series end with the backend.

    static let omittedBackends = Metric(
        .gauge, "fairlead_omitted_backends", [],
        "Backends that have no series here, since there are too many.")
    static let backendState = Metric(
        .gauge, "fairlead_backend_state", ["service", "backend", "state"],
        "1 for the state that the backend is in, 0 for the others.")
    static let backendInRotation = Metric(
        .gauge, "fairlead_backend_in_rotation", ["service", "backend"],
        "1 if the backend may get requests now, else 0.")
    static let backendOnProbation = Metric(
        .gauge, "fairlead_backend_on_probation", ["service", "backend"],
        "1 if the backend was ejected and has to prove itself by single requests, else 0.")
    static let backendCheckPassed = Metric(
        .gauge, "fairlead_backend_check_passed", ["service", "backend"],
        "1 if the last check passed, else 0; absent before the first.")
    static let backendCounters = CounterFamily<BackendCounter>.all(of: ["service", "backend"])
    static let backendFirstByte = Metric(
        .histogram, "fairlead_backend_first_byte_seconds", ["service", "backend"],
        "Time from the first byte sent to the backend to the head of its response; only with "
            + "admin.backend-histograms.")
    private static let backend =
        [omittedBackends, backendState, backendInRotation, backendOnProbation, backendCheckPassed]
        + backendCounters.map(\.metric) + [backendFirstByte]
}
