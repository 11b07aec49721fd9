// What the operator asked for, complete and checked: every option has a value here, whether it came
// from a flag, the environment, the file or a default. Plain values, so that a reload can compare
// the old and the new one. Each default stands once, as the initial value of its property; the
// option tables (`OptionTable`) read it from there.

package import CertificateFiles
package import DNSWire
package import Endpoints
package import Passwords
package import Routing
internal import Wording

/// A validated configuration. Only `ConfigurationLoader` makes one.
package struct Configuration: Equatable, Sendable {
    /// What was asked for; nil means as many as there are processors.
    var workersAsked: Int?
    /// Processors the program may run on, as the loader was given them.
    var processorCount: Int

    /// Where the admin port listens, and who may use it.
    package internal(set) var admin = AdminSettings()
    /// Where health and metrics alone are served.
    package internal(set) var health = HealthSettings()
    /// Where metrics are sent by StatsD.
    package internal(set) var statsd = StatsDSettings()
    /// How names are looked up.
    package internal(set) var dns = DNSSettings()
    /// What holds for the checks of all services.
    package internal(set) var checks = CheckSettings()
    /// Where Consul's agents are, and what is asked of them.
    package internal(set) var consul = ConsulSettings()
    /// Where Docker's engine is, and what is made of its containers.
    package internal(set) var docker = DockerSettings()
    /// How certificates come from an authority.
    package internal(set) var acme = ACMESettings()
    /// What `fairlead registrar` does; the proxy takes no notice of it.
    package internal(set) var registrar = RegistrarSettings()
    /// How long work in flight may take to finish after the first stop signal; zero means at once.
    package internal(set) var stopTimeout = Duration.seconds(30)
    /// How long readiness is denied before listeners close at the first stop signal, so that load
    /// balancers notice and send connections elsewhere.
    package internal(set) var stopDelay = Duration.zero
    /// Whether each worker stays on a processor of its own.
    package internal(set) var pinWorkers = false
    /// The user that the process becomes once its addresses are open; nil for no change.
    package internal(set) var user: String?
    /// Where good answers are kept for the next process; nil: nowhere.
    package internal(set) var stateFile: String?
    /// What is logged, and how.
    package internal(set) var log = LogSettings()
    /// When the configuration is read again without a signal.
    package internal(set) var reload = ReloadSettings()
    /// Whether another process may listen on the same addresses.
    package internal(set) var shareAddresses = false
    /// Where the keys of session tickets are from.
    package internal(set) var ticketKeys = TicketKeySettings()
    /// Where a line for each request goes.
    package internal(set) var accessLog = AccessLogSettings()
    /// Whether requests are traced.
    package internal(set) var traces = TraceSettings()
    /// In the order of the file, the one made of flags or environment last. Never empty; names and
    /// addresses are distinct.
    package internal(set) var listeners: [Listener] = []
    /// In the order of the file, then those that listeners carry. Names are distinct.
    package internal(set) var services: [Service] = []
    /// What the sources of the listeners' certificates had when they were read for it, without a
    /// trouble. Certificates change while it runs, so this is no part of what two configurations
    /// are compared by.
    package internal(set) var certificates: [CertificateSource: CertificateReading] = [:]
    /// What was in the files of pages and of users when they were read for it. Its listeners and
    /// routes have it as well.
    package internal(set) var files = NamedFiles()

    init(processorCount: Int) {
        self.processorCount = processorCount
    }

    /// The name of a service that is likely to be meant by `text`; nil for none.
    package func serviceName(nearestTo text: String) -> String? {
        nearest(to: text, among: services.map(\.name))
    }

    /// Worker threads, 1 to 256.
    package var workers: Int {
        workersAsked ?? min(max(processorCount, 1), ConfigurationLimits.workersMax)
    }
}

/// What was in the files that listeners and routes name, by path. Value type, any thread.
package struct NamedFiles: Equatable, Sendable {
    /// Pages of errors and of maintenance.
    package var pages: [String: Page] = [:]
    /// Users that may come by a password.
    package var users: [String: UserList] = [:]

    /// None.
    package init() {}

    /// Whether there are none.
    package var isEmpty: Bool { pages.isEmpty && users.isEmpty }

    /// Takes those of `others` in the place of its own.
    package mutating func merge(_ others: NamedFiles) {
        pages.merge(others.pages) { $1 }
        users.merge(others.users) { $1 }
    }
}

/// When the configuration is read again.
package struct ReloadSettings: Equatable, Sendable {
    /// Whether it is read again when its file changes. Off, so that a half-edited file does no
    /// harm; on where a tool replaces the file as a whole.
    package internal(set) var watch = false
}

/// How names are looked up.
package struct DNSSettings: Equatable, Sendable {
    /// Nameservers, at most eight; empty means those of `resolvConf`.
    package internal(set) var servers: [Place] = []
    /// How they are asked.
    package internal(set) var queries = QueryPolicy()
    /// The file that says how short names are completed, and names the nameservers when `servers`
    /// is empty.
    package internal(set) var resolvConf = "/etc/resolv.conf"

    /// The defaults.
    package init() {}
}

/// What holds for the checks of all services.
package struct CheckSettings: Equatable, Sendable {
    /// Checks that begin a second at most, 1 to 100,000. Two thousand backends at the default
    /// interval need so many.
    package internal(set) var rate = 1000
}

/// What is logged on standard error.
package struct LogSettings: Equatable, Sendable {
    /// The least severe message that is written.
    package internal(set) var level = LogLevel.info
    /// What a line looks like.
    package internal(set) var format = Format.text

    /// What a line looks like.
    package enum Format: String, CaseIterable, Equatable, Sendable {
        /// Time, severity, event, and what belongs to it as `key=value`.
        case text
        /// A JSON object a line.
        case json
    }
}

/// How severe a log message must be to be written; each case includes those before it.
package enum LogLevel: String, CaseIterable, Equatable, Sendable {
    case error, warning, info, debug
}

/// Limits of configuration itself.
enum ConfigurationLimits {
    /// Problems that are kept and printed; a hostile file must not fill the log.
    static let problemsMax = 100
    /// Listeners of a file: each takes a descriptor per worker, and each is compared with each.
    static let listenersMax = 1000
    /// Certificates of one listener.
    static let certificatesMax = 2000
    /// Routes of a listener; with more the file's own limit of 1 MiB comes first.
    static let routesMax = 20_000
    /// In one list of those who may come, or may not: several countries' worth. Ten thousand take
    /// 300 KB, once for all workers, and a look-up a few dozen comparisons.
    static let networksMax = 10_000
    /// Limits of requests of one listener or route: each is asked for each request.
    static let ratesMax = 8
    /// What all limits of requests may take together, once as many clients have come as they tell
    /// apart, in bytes: a fifth of a small machine.
    static let rateBytesMax = 1 << 30
    /// Bytes of one page, which has no pictures in it: each answer carries it.
    static let pageBytesMax = 256 << 10
    /// Pages of one listener or route: a few statuses and hundreds of them.
    static let pagesMax = 64
    /// What all pages may take together, in bytes.
    static let allPagesBytesMax = 32 << 20
    /// Worker threads: more than the largest machines have processors for.
    static let workersMax = 256
    /// Sources of a service: datacentres to fail over to.
    static let sourcesMax = 16
    /// Nameservers: each question is raced among them, so more only adds load.
    static let nameserversMax = 8
    /// Bytes of a DNS name without its trailing dot (RFC 1035, section 2.3.4).
    static let nameBytesMax = 253
}
