// AdminSnapshot: everything that the admin port shows, as one value.
//
// The program fills it on the control thread from the roster, the journal and the counters, once
// per request. So nothing here reads live objects, and every view (page, JSON, metrics, health)
// shows one moment.

package import Backends
package import Endpoints
package import Stats
package import Traffic

/// The state of the whole process at one moment. Wall-clock times are seconds since 1970; ages are
/// computed against `takenAt`. Value type, any thread.
package struct AdminSnapshot: Sendable {
    /// When it was taken.
    package var takenAt: Double
    /// The program's version, such as `0.1.0`.
    package var version: String
    /// When the process started, by the wall clock of that moment. It is the same in every
    /// snapshot, so that it identifies the process.
    package var startedAt: Double
    /// How long it has run, in seconds, whatever happened to the wall clock since.
    package var uptimeSeconds: Double
    /// How many workers there are.
    package var workers: Int
    /// Whether the process takes over from another one, or has.
    package var isSuccessor = false
    /// Whether the process finishes what is in flight, and neither it nor a successor accepts more.
    package var isDraining = false
    /// In the order of the configuration.
    package var listeners: [Listener] = []
    /// In the order of the configuration.
    package var services: [Service] = []
    /// The newest first.
    package var journal: [JournalEntry] = []
    /// Messages of the resolver by kind: `sent_udp`, `received`, `malformed` and so on.
    package var dnsMessages: [String: Int] = [:]
    /// What the running configuration follows; nil when it follows nothing.
    package var following: Following?
    /// The outcome of reloads; nil for a configuration that can't change.
    package var reloads: Reloads?
    /// The servers that are asked for instances: nameservers, then Consul agents, each in the
    /// configured order, then Docker's engine.
    package var registries: [Registry] = []
    /// Containers of Docker's engine by state: `running`, `exited` and so on; empty without one.
    package var containers: [String: Int] = [:]
    /// The first of the engine's containers that run and that no service wants; empty without an
    /// engine.
    package var unserved: [Idle] = []
    /// How many such containers there are.
    package var unservedCount = 0
    /// Orders of certificates by what they came to: `issued`, or why not, such as `not_proven`;
    /// empty before the first.
    package var certificateOrders: [String: Int] = [:]
    /// Health checks of all services by result: `passed`, `failed`, `inconclusive`, `skipped`.
    package var checks: [String: Int] = [:]
    /// Checks that had to wait for the budget when they were due.
    package var lateChecks = 0
    /// How long those checks waited in total.
    package var checkLatenessSeconds = 0.0
    /// The certificates of listeners.
    package var certificates = ShownCertificates()
    /// The keys of session tickets that several processes share; nil where they are not shared.
    package var ticketKeys: ShownTicketKeys?
    /// Among how many processes limits are divided; nil where none is shared.
    package var rateShares: ShownRateShares?
    /// Lines of the access log by outcome: `written`, `dropped`, `lost`; empty without a log.
    package var accessLogLines: [String: Int] = [:]
    /// Spans of requests by outcome: `sent`, `rejected`, `failed`, `dropped`; empty where none are
    /// made.
    package var traceSpans: [String: Int] = [:]
    /// What the kernel says about the process; nil when it could not be read.
    package var process: ProcessFigures?

    /// What this machine can run out of, each with how often it has.
    package var shortages: [Shortage] = []

    /// Something that this machine can run out of, whatever it is needed for.
    package struct Shortage: Sendable {
        /// `descriptors`, `ports` or `memory`.
        package var kind: String
        /// Calls that have failed because of it since the process started.
        package var count: Int
        /// When it was first noticed; nil while there is enough.
        package var since: Double?
        /// A clause: `this machine has no local ports left for connections to backends`.
        package var what: String
        /// What an operator can do about it, as a clause.
        package var advice: String

        /// A value with all of its properties.
        package init(kind: String, count: Int, since: Double?, what: String, advice: String) {
            self.kind = kind
            self.count = count
            self.since = since
            self.what = what
            self.advice = advice
        }
    }

    /// A process that is not draining, without listeners, services, journal and figures so far.
    package init(takenAt: Double, version: String, startedAt: Double, workers: Int) {
        self.takenAt = takenAt
        self.version = version
        self.startedAt = startedAt
        uptimeSeconds = max(0, takenAt - startedAt)
        self.workers = workers
    }

    /// Where clients connect.
    package struct Listener: Sendable {
        /// Its name in the configuration; unique.
        package var name: String
        /// The address it is bound to; the port is the kernel's choice where the configuration says
        /// 0.
        package var endpoint: Endpoint
        /// The protocol that it speaks.
        package var mode: ListenerMode
        /// The names of the services that its requests can go to.
        package var services: [String]
        /// The names of the services that get copies of its requests.
        package var mirrors: [String] = []
        /// What the workers have counted for it; zeros until filled in.
        package var totals = ListenerTotals()
        /// Its connections that are closed at once because of its limit; nil for few or none.
        package var refusals: Trouble?
        /// Its requests that no route is for; nil for few or none.
        package var unrouted: Trouble?

        /// A listener without counts.
        package init(name: String, endpoint: Endpoint, mode: ListenerMode, services: [String]) {
            self.name = name
            self.endpoint = endpoint
            self.mode = mode
            self.services = services
        }
    }

    /// A service with its roster.
    package struct Service: Sendable {
        /// Its name in the configuration; unique.
        package var name: String
        /// The mode of a listener that leads to it; `http` without one.
        package var mode: ListenerMode
        /// The sources of its instances, in the order of fail-over.
        package var sources: [Source]
        /// Why backends are kept that discovery does not name, as a sentence; nil when none is
        /// kept.
        package var hold: String?
        /// A deploy that is under way or holds, as a sentence without its end; nil for none.
        package var deploy: String?
        /// What its deploys came to in this process; nil where none can be begun.
        package var deploys: DeployTally?
        /// The holds in force.
        package var holds: [Hold] = []
        /// What happens to its requests while no backend is up; nil while one is.
        package var emergency: Emergency?
        /// How often that has happened.
        package var emergencies = 0
        /// How long requests wait while no backend gets any, as `10s`; nil: they are refused.
        package var emptyWait: String?
        /// Ejections that were refused, since too few backends would have been left.
        package var ejectionsRefused = 0
        /// Whether it has active checks.
        package var isChecked = true
        /// Whether the certificates of its backends have to verify; nil where they speak no TLS.
        package var verifiesBackends: Bool?
        /// Every backend on the roster, whatever its state; in an outline only those that a verdict
        /// names.
        package var backends: [Backend] = []
        /// The counts of an outline; nil where `backends` has all of them.
        package var outlineCounts: BackendCounts?
        /// What the workers have counted for it; zeros until filled in.
        package var totals = ServiceTotals()
        /// Its requests that fail now; nil for few or none.
        package var failures: Trouble?
        /// Why most of those fail; nil when nothing is known of it.
        package var failureCause: FailureCause?
        /// Its requests whose clients go away unanswered now; nil for few or none.
        package var abandonments: Trouble?
        /// Its calls of gRPC that end since their clients' time is over; nil for few or none.
        package var lateCalls: Trouble?
        /// Its retries that the budget denies now, as a share of its requests; nil for few or none.
        package var denials: Trouble?
        /// The last minutes; nil when they are not kept.
        package var recent: TrafficHistory.Recent?

        /// A service with an empty roster, whose backends are checked.
        package init(name: String, mode: ListenerMode, sources: [Source]) {
            self.name = name
            self.mode = mode
            self.sources = sources
        }

        /// Entries that discovery names and that are no backends, each as a sentence without its
        /// end.
        package var leftOut: [String] = []

        /// How many backends there are.
        package var counts: BackendCounts { outlineCounts ?? BackendCounts(of: backends) }
    }

    /// Events of which too many fail now.
    package struct Trouble: Sendable, Equatable {
        /// How many fail, over how many seconds, at which level.
        package var reading: FailureShare.Reading
        /// When it began.
        package var since: Double

        /// A value with all of its properties.
        package init(reading: FailureShare.Reading, since: Double) {
            self.reading = reading
            self.since = since
        }
    }

    /// A hold in force: backends that would leave without it.
    package struct Hold: Sendable {
        /// What it protects from: `nxdomain`, `mass_loss` and so on.
        package var kind: String
        /// How many backends it holds.
        package var backends: Int
        /// When the last of them is released.
        package var until: Double

        /// A value with all of its properties.
        package init(kind: String, backends: Int, until: Double) {
            self.kind = kind
            self.backends = backends
            self.until = until
        }
    }

    /// What happens to a service's requests while no backend is up.
    package struct Emergency: Sendable {
        /// Since when.
        package var since: Double
        /// Whether they are refused; if not, they go to backends that are not up.
        package var isRefusing: Bool
        /// Whether live requests show that backends serve though none is up, or none is to show it.
        package var isServed: Bool

        /// A value with all of its properties.
        package init(since: Double, isRefusing: Bool, isServed: Bool) {
            self.since = since
            self.isRefusing = isRefusing
            self.isServed = isServed
        }
    }

    /// A source, and how its lookups end.
    package struct Source: Sendable {
        /// What is asked: `SRV _web._tcp.service.consul`.
        package var summary: String
        /// When the last good answer came; nil before the first.
        package var lastGoodAt: Double?
        /// How many instances it had.
        package var lastGoodCount = 0
        /// When a lookup last failed; nil when none has.
        package var lastFailureAt: Double?
        /// Why that lookup failed; empty when none has.
        package var lastFailure = ""
        /// Lookups by result: `good`, `nxdomain`, `timeout` and so on. A kind that did not occur
        /// may be missing or 0.
        package var answers: [String: Int] = [:]

        /// What is odd about its answers, a clause each: entries that are left out, answers that
        /// are never whole.
        package var findings: [String] = []
        /// How many entries of the last good answer are left out.
        package var leftOutCount = 0
        /// What is part of the service and gets no requests, as containers that have ended.
        package var idle: [Idle] = []

        /// When it is asked again; nil while it is being asked, or when it reports changes by
        /// itself.
        package var nextAskAt: Double?

        /// A source without lookups so far.
        package init(_ summary: String) {
            self.summary = summary
        }

        /// Whether the newest lookup failed.
        package var isFailing: Bool {
            guard let lastFailureAt else { return false }
            return lastFailureAt > lastGoodAt ?? 0
        }
    }

    /// A member of a service that gets no requests.
    package struct Idle: Sendable {
        /// What people call it: `shop_web_1`.
        package var name: String
        /// What is known of it: `image`, `id`, `project` and so on.
        package var metadata: [String: String]
        /// Why it gets none, as a clause.
        package var reason: String
        /// Whether its process is over.
        package var hasEnded: Bool

        /// A value with all of its properties.
        package init(
            name: String, metadata: [String: String], reason: String, hasEnded: Bool
        ) {
            self.name = name
            self.metadata = metadata
            self.reason = reason
            self.hasEnded = hasEnded
        }
    }

    /// What the running configuration follows, and whether that works.
    package struct Following: Sendable {
        /// What is watched.
        package var feeds: [Feed]
        /// Why the configuration there was refused, a line each, and since when; nil while it is
        /// the one that runs.
        package var refusal: (at: Double, reasons: [String])?
        /// How often the configuration there was applied.
        package var applied = 0
        /// How often it was refused.
        package var refused = 0

        /// One watch.
        package struct Feed: Sendable {
            /// What is watched: `Consul K/V fairlead/`.
            package var summary: String
            /// When it last answered with something new; nil before the first answer.
            package var lastGoodAt: Double?
            /// Why it fails now; nil while it works.
            package var failure: String?
            /// What was left out of its answer, a line each.
            package var problems: [String]

            /// A value with all of its properties.
            package init(
                summary: String, lastGoodAt: Double?, failure: String?, problems: [String]
            ) {
                self.summary = summary
                self.lastGoodAt = lastGoodAt
                self.failure = failure
                self.problems = problems
            }
        }

        /// Nothing applied or refused yet.
        package init(_ feeds: [Feed]) {
            self.feeds = feeds
        }
    }

    /// The outcome of reloads.
    package struct Reloads: Sendable {
        /// How often a changed configuration was applied.
        package var applied = 0
        /// How often the configuration had not changed.
        package var unchanged = 0
        /// How often the configuration was refused.
        package var refused = 0
        /// Why the last reload was refused, a line each, and when; nil when it was not.
        package var refusal: (at: Double, reasons: [String])?

        /// No reload so far.
        package init() {}
    }

    /// A nameserver, a Consul agent or Docker's engine, and how it answers.
    package struct Registry: Sendable {
        /// What it is: `nameserver`, `Consul agent`, `Docker engine`.
        package var kind: String
        /// Where it is: `127.0.0.1:8600`.
        package var address: String
        /// Whether it is asked as usual; false when it failed so often that others are asked first.
        package var isWell: Bool
        /// How it fares, as a phrase: `answers within 0.4 ms`, `no answer in time, 12 times in a
        /// row`.
        package var sentence: String
        /// Answers and failures by kind: `good`, `nxdomain`, `timeout` and so on.
        package var answers: [String: Int] = [:]
        /// Messages or documents that were malformed, or did not answer the question.
        package var malformed = 0
        /// What was wrong with the last of them; empty when there was none.
        package var lastMalformed = ""
        /// When that was; nil when there was none.
        package var lastMalformedAt: Double?

        /// A server that was not asked yet.
        package init(kind: String, address: String, isWell: Bool, sentence: String) {
            self.kind = kind
            self.address = address
            self.isWell = isWell
            self.sentence = sentence
        }
    }

    /// A backend.
    package struct Backend: Sendable {
        /// Its number in this process; never used twice.
        package var id: UInt32
        /// Its address and port.
        package var endpoint: Endpoint
        /// The name that the endpoint was resolved from; empty for none.
        package var hostName = ""
        /// What else its source says of it: tags, or the container that it is.
        package var metadata: [String: String] = [:]
        /// Its state.
        package var state: BackendState.Phase
        /// When it came into that state.
        package var since: Double
        /// Why, as a phrase: `3 checks failed in a row, the last: timed out`.
        package var cause: String
        /// Its tier in the order of fail-over.
        package var tier: Tier
        /// RFC 2782 weight.
        package var weight: UInt16
        /// The weight from discovery, whatever an operator says.
        package var namedWeight: UInt16
        /// Whether the last good answer names it.
        package var isNamed = true
        /// What an operator changed about it, as a phrase: `weight 5, drained`; empty for nothing.
        package var override = ""
        /// Whether it gets no new requests since an operator drained or disabled it.
        package var isDrained = false
        /// Whether it is in the rotation.
        package var isInRotation: Bool
        /// Whether it is in the part of the rotation that gets the requests; the rest stands by.
        package var isActive = false
        /// When its ejection ends by itself; nil when it is not ejected, or checks end that.
        package var ejectedUntil: Double?
        /// Ejections since it last was well for a while.
        package var ejections = 0
        /// Whether it has to prove itself by one request at a time.
        package var isOnProbation = false
        /// How much of its share it gets, in percent; less than 100 in its slow start.
        package var sharePercent = 100
        /// The last evidence of live requests against it: when, and as a phrase; nil for none.
        package var lastLiveFailure: (at: Double, text: String)?
        /// The last check; nil when none has ended.
        package var check: Check?
        /// How the last checks ended.
        package var recentChecks = CheckStrip()
        /// What the workers have counted for it; zeros until filled in.
        package var totals = BackendTotals()
        /// Why it has had no request for a while; nil when it has had one, or that is not known.
        package var withoutTurn: WithoutTurn?

        /// A backend that the last good answer names, without host name, check and counts.
        package init(
            id: UInt32, endpoint: Endpoint, state: BackendState.Phase, since: Double,
            cause: String, tier: Tier, weight: UInt16, isInRotation: Bool
        ) {
            self.id = id
            self.endpoint = endpoint
            self.state = state
            self.since = since
            self.cause = cause
            self.tier = tier
            self.weight = weight
            namedWeight = weight
            self.isInRotation = isInRotation
        }

        /// Requests that failed on it: no connection, or a broken one.
        package var failures: Int { totals[.dialFailures] + totals[.failures] }
    }

    /// The result of a backend's last check.
    package struct Check: Sendable {
        /// Whether it passed, and counts towards `rise`; a failed check counts towards `fall`.
        package var passed: Bool
        /// When it ended.
        package var at: Double
        /// How the check ended, as a phrase: `200 in 3 ms`, `connection refused`.
        package var result: String

        /// A value with all of its properties.
        package init(passed: Bool, at: Double, result: String) {
            self.passed = passed
            self.at = at
            self.result = result
        }
    }
}
