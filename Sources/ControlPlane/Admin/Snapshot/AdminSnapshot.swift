// AdminSnapshot: all that the admin port shows, as one value.
//
// The program fills it on the control thread from the roster, the journal and the counters, once
// per request. So nothing here reaches into live objects, and every view (page, JSON, metrics,
// health) speaks about the same moment.

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
    /// When the process started, by the wall clock of that moment: the same in every snapshot, so
    /// that it tells one process from another.
    package var startedAt: Double
    /// For how long it has run, whatever was done to the wall clock since.
    package var uptimeSeconds: Double
    /// How many workers there are.
    package var workers: Int
    /// Whether the process is finishing what is in flight and takes on nothing more.
    package var isDraining = false
    /// In the order of the configuration.
    package var listeners: [Listener] = []
    /// In the order of the configuration.
    package var services: [Service] = []
    /// The newest first.
    package var journal: [JournalEntry] = []
    /// Messages of the resolver by what became of them: `sent_udp`, `received`, `malformed` and so
    /// on.
    package var dnsMessages: [String: Int] = [:]
    /// What the running configuration follows; nil when that is nothing.
    package var following: Following?
    /// What came of reading the configuration again; nil for one that is not to change.
    package var reloads: Reloads?
    /// The servers that are asked for instances: nameservers, then Consul agents, each in the
    /// configured order.
    package var registries: [Registry] = []
    /// Health checks of all services by what they came to: `passed`, `failed`, `inconclusive`,
    /// `skipped`.
    package var checks: [String: Int] = [:]
    /// Checks that were due and had to wait for the budget.
    package var lateChecks = 0
    /// How long those waited in all.
    package var checkLatenessSeconds = 0.0
    /// Lines of the access log by what became of them: `written`, `dropped`, `lost`; empty without
    /// one.
    package var accessLogLines: [String: Int] = [:]
    /// What the kernel says about the process; nil when it could not be read.
    package var process: ProcessFigures?

    /// What this machine can run out of, each with how often it has.
    package var shortages: [Shortage] = []

    /// Something that this machine can run out of, whoever was to be reached.
    package struct Shortage: Sendable {
        /// `descriptors`, `ports` or `memory`.
        package var kind: String
        /// Calls that have failed for it since the process started.
        package var count: Int
        /// When it was first noticed; nil while there is enough.
        package var since: Double?
        /// A clause: `this machine has no local ports left for connections to backends`.
        package var what: String
        /// What an operator can do about it, as a clause.
        package var advice: String

        /// All is required.
        package init(kind: String, count: Int, since: Double?, what: String, advice: String) {
            self.kind = kind
            self.count = count
            self.since = since
            self.what = what
            self.advice = advice
        }
    }

    /// A process that is not draining, still without listeners, services, journal and figures.
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
        /// What it carries.
        package var mode: ListenerMode
        /// The names of the services that its requests can go to.
        package var services: [String]
        /// What the workers have counted for it; zeros until filled in.
        package var totals = ListenerTotals()
        /// Its connections that are closed at once, since it has as many as it may; nil for few or
        /// none.
        package var refusals: Trouble?
        /// Its requests that no route is for; nil for few or none.
        package var unrouted: Trouble?

        /// All is required but the counts.
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
        /// What its requests come as: the mode of a listener that leads to it; `http` without one.
        package var mode: ListenerMode
        /// Where its instances come from, in the order of fail-over.
        package var sources: [Source]
        /// Why backends are kept that discovery does not name, as a sentence; nil when none are.
        package var hold: String?
        /// The holds in force.
        package var holds: [Hold] = []
        /// What becomes of its requests while no backend is up; nil while one is.
        package var emergency: Emergency?
        /// How often that has happened.
        package var emergencies = 0
        /// Ejections that were refused: there would have been too few left.
        package var ejectionsRefused = 0
        /// Whether it has active checks.
        package var isChecked = true
        /// Every backend on the roster, whatever its state; in an outline only those that a
        /// verdict names.
        package var backends: [Backend] = []
        /// The counts of an outline; nil where `backends` are all.
        package var outlineCounts: BackendCounts?
        /// What the workers have counted for it; zeros until filled in.
        package var totals = ServiceTotals()
        /// Its requests that fail now; nil for few or none.
        package var failures: Trouble?
        /// Why most of those fail; nil when nothing is known of it.
        package var failureCause: FailureCause?
        /// Its requests whose clients go away unanswered now; nil for few or none.
        package var abandonments: Trouble?
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

        /// What discovery names and is no backend, each as a sentence without its end.
        package var leftOut: [String] = []

        /// How many backends there are.
        package var counts: BackendCounts { outlineCounts ?? BackendCounts(of: backends) }
    }

    /// Something of which too much fails now.
    package struct Trouble: Sendable, Equatable {
        /// How much fails, over how many seconds, at which level.
        package var reading: FailureShare.Reading
        /// When it began.
        package var since: Double

        /// All is required.
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
        /// When the last of them is let go.
        package var until: Double

        /// All is required.
        package init(kind: String, backends: Int, until: Double) {
            self.kind = kind
            self.backends = backends
            self.until = until
        }
    }

    /// What becomes of a service's requests while no backend is up.
    package struct Emergency: Sendable {
        /// Since when.
        package var since: Double
        /// Whether they are refused; if not, they go to backends that are not up.
        package var isRefusing: Bool

        /// All is required.
        package init(since: Double, isRefusing: Bool) {
            self.since = since
            self.isRefusing = isRefusing
        }
    }

    /// A source, and how asking it fares.
    package struct Source: Sendable {
        /// What is asked: `SRV _web._tcp.service.consul`.
        package var summary: String
        /// When the last good answer came; nil when none ever did.
        package var lastGoodAt: Double?
        /// How many instances it had.
        package var lastGoodCount = 0
        /// When a lookup failed last; nil when none ever did.
        package var lastFailureAt: Double?
        /// Why; empty when none ever did.
        package var lastFailure = ""
        /// Lookups by what they came to: `good`, `nxdomain`, `timeout` and so on. Kinds that did
        /// not occur may be left out or be 0.
        package var answers: [String: Int] = [:]

        /// What is odd about its answers, a clause each: entries that are left out, answers that
        /// never are whole.
        package var findings: [String] = []
        /// How many entries of the last good answer are left out.
        package var leftOutCount = 0

        /// When it is asked again; nil while it is asked, or when it tells of changes by itself.
        package var nextAskAt: Double?

        /// Nothing asked yet.
        package init(_ summary: String) {
            self.summary = summary
        }

        /// Whether the newest lookup failed.
        package var isFailing: Bool {
            guard let lastFailureAt else { return false }
            return lastFailureAt > lastGoodAt ?? 0
        }
    }

    /// What the running configuration follows, and how that goes.
    package struct Following: Sendable {
        /// What is watched.
        package var feeds: [Feed]
        /// Why the configuration as it stands there was refused, a line each, since when; nil while
        /// what stands there is what runs.
        package var refusal: (at: Double, reasons: [String])?
        /// How often what stands there was taken up.
        package var applied = 0
        /// How often it was refused.
        package var refused = 0

        /// One watch.
        package struct Feed: Sendable {
            /// What is watched: `Consul K/V fairlead/`.
            package var summary: String
            /// When it answered last with something new; nil before it ever answered.
            package var lastGoodAt: Double?
            /// Why it fails now; nil while it works.
            package var failure: String?
            /// What it says that is left out, a line each.
            package var problems: [String]

            /// All is required.
            package init(
                summary: String, lastGoodAt: Double?, failure: String?, problems: [String]
            ) {
                self.summary = summary
                self.lastGoodAt = lastGoodAt
                self.failure = failure
                self.problems = problems
            }
        }

        /// Nothing taken up or refused yet.
        package init(_ feeds: [Feed]) {
            self.feeds = feeds
        }
    }

    /// What came of reloads.
    package struct Reloads: Sendable {
        /// How often something was different, and taken up.
        package var applied = 0
        /// How often what was read was what ran.
        package var unchanged = 0
        /// How often it could not be taken up.
        package var refused = 0
        /// Why the last one was refused, a line each, and when; nil when it was not.
        package var refusal: (at: Double, reasons: [String])?

        /// None so far.
        package init() {}
    }

    /// A nameserver or a Consul agent, and how it answers.
    package struct Registry: Sendable {
        /// What it is: `nameserver`, `Consul agent`.
        package var kind: String
        /// Where it is: `127.0.0.1:8600`.
        package var address: String
        /// Whether it is asked as usual; otherwise it failed so often that others go first.
        package var isWell: Bool
        /// How it fares, as a phrase: `answers within 0.4 ms`, `no answer in time, 12 times in a
        /// row`.
        package var sentence: String
        /// Answers and failures by what they were: `good`, `nxdomain`, `timeout` and so on.
        package var answers: [String: Int] = [:]
        /// Messages or documents that could not be read, or did not answer what was asked.
        package var malformed = 0
        /// What was wrong with the last of them; empty when there was none.
        package var lastMalformed = ""
        /// When that was; nil when there was none.
        package var lastMalformedAt: Double?

        /// One that was not asked yet.
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
        /// Where its state machine stands.
        package var state: BackendState.Phase
        /// When it came into that state.
        package var since: Double
        /// Why, as a phrase: `3 checks failed in a row, the last: timed out`.
        package var cause: String
        /// Where it stands in the order of fail-over.
        package var tier: Tier
        /// RFC 2782 weight.
        package var weight: UInt16
        /// The weight that discovery gives it, whatever an operator says.
        package var namedWeight: UInt16
        /// Whether the last good answer names it.
        package var isNamed = true
        /// What an operator said of it, as a phrase: `weight 5, drained`; empty for nothing.
        package var override = ""
        /// Whether it gets no new requests since an operator drained or disabled it.
        package var isDrained = false
        /// Whether the rotation has it.
        package var isInRotation: Bool
        /// Whether it is in the part of the rotation that gets the requests; the rest stands by.
        package var isActive = false
        /// When its ejection ends by itself; nil when it is not ejected, or checks end that.
        package var ejectedUntil: Double?
        /// Ejections since it was last well for long.
        package var ejections = 0
        /// Whether it has to prove itself by one request at a time.
        package var isOnProbation = false
        /// How much of its share it gets, in percent; less than 100 in its slow start.
        package var sharePercent = 100
        /// What live requests showed against it last: when, and as a phrase; nil for nothing.
        package var lastLiveFailure: (at: Double, text: String)?
        /// The last check; nil when none has ended.
        package var check: Check?
        /// How the last checks ended.
        package var recentChecks = CheckStrip()
        /// What the workers have counted for it; zeros until filled in.
        package var totals = BackendTotals()
        /// Why it has had no request for a while; nil when it has, or that is not known.
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

        /// Requests that failed at it: no connection, or a broken one.
        package var failures: Int { totals[.dialFailures] + totals[.failures] }
    }

    /// What the last check of a backend came to.
    package struct Check: Sendable {
        /// Whether it counts towards `rise`; a failed one counts towards `fall`.
        package var passed: Bool
        /// When it ended.
        package var at: Double
        /// How the check ended, as a phrase: `200 in 3 ms`, `connection refused`.
        package var result: String

        /// All is required.
        package init(passed: Bool, at: Double, result: String) {
            self.passed = passed
            self.at = at
            self.result = result
        }
    }

    /// One change that was journalled.
    package struct JournalEntry: Sendable {
        /// Counts from 0 over the life of the process.
        package var number: UInt64
        /// When it happened.
        package var at: Double
        /// The name of the service that it happened to; empty for the whole process.
        package var service: String
        /// The backend's address; empty for an event of the whole service.
        package var backend: String
        /// What happened and why: `up to down: 3 checks failed in a row, the last: timed out`.
        package var text: String
        /// The state that the backend came into; nil for an event that changed none.
        package var to: BackendState.Phase?

        /// All but the number and the state is required.
        package init(
            number: UInt64 = 0, at: Double, service: String, backend: String, text: String,
            to: BackendState.Phase? = nil
        ) {
            self.number = number
            self.at = at
            self.service = service
            self.backend = backend
            self.text = text
            self.to = to
        }
    }
}
