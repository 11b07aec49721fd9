// The options by which a service's backends are checked, and ejected.

internal import Backends
internal import Evidence
internal import HTTP1
internal import Traffic

extension OptionTable {
    static let check: [Option<Service>] =
        [
            Option(
                "type", \.check.type, .word,
                "What a check does; options of HTTP without a type mean `http`, `expect` means "
                    + "`tcp`, `grpc` means `grpc`."
            ),
            Option(
                "grpc", \.check.grpcService, .grpcService,
                "The service about which the health service of gRPC is asked; empty for the whole "
                    + "server."),
        ] + httpCheck + tcpCheck + checkTimes

    private static let httpCheck: [Option<Service>] = [
        Option("method", \.check.http.method, .checkMethod, "Method of an HTTP check."),
        Option("path", \.check.http.path, .urlPath, "Path of an HTTP check."),
        Option(
            "host", \.check.http.host, .optional(.hostHeader, "auto"),
            "Host header of an HTTP check, authority of one by gRPC; `auto` is the backend's "
                + "address and port."),
        Option(
            "headers", \.check.http.fields, .checkHeaders,
            "Further lines of its head, or of the metadata by gRPC; in the file a mapping of names "
                + "to values, too."),
        Option(
            "status", \.check.http.statuses,
            .list(of: .statusRange, mayBeEmpty: false, countMax: 32),
            "Statuses that pass an HTTP check."),
        Option(
            "body", \.check.http.body, .optional(.checkText),
            "What the first 64KiB of its answer's body have to contain."),
    ]

    private static let tcpCheck: [Option<Service>] = [
        Option(
            "send", \.check.send, .optional(.checkSecret),
            "What a TCP check says first; in double quotes with YAML's escapes: `\"PING\\r\\n\"`."),
        Option(
            "expect", \.check.expect, .optional(.checkText),
            "What the answer to a TCP check has to begin with."),
        Option(
            "trust-traffic", \.check.trustsTraffic, .onOff,
            "Whether a TCP check that only connects is left out when a backend that is up has "
                + "answered a live request since the last one."),
    ]

    private static let checkTimes: [Option<Service>] = [
        Option(
            "interval", \.check.interval, interval,
            "From the start of one check to the start of the next."),
        Option(
            "fast-interval", \.check.fastInterval, interval,
            "The same while the next check may change the backend's state; `interval`, unless "
                + "given, where that is shorter."),
        Option(
            "down-interval", \.check.downInterval, .optional(interval, "auto"),
            "The same while the backend is down; `auto` is `interval`."),
        Option(
            "timeout", \.check.timeout, .duration(.milliseconds(10) ... .seconds(60)),
            "How long one check may take."),
        Option(
            "rise", \.checkCounts.rise, .count(1...100),
            "Passes in a row that bring a backend up that was down; a new one needs one."),
        Option(
            "fall", \.checkCounts.fall, .count(1...100),
            "Failures in a row that take a backend down."),
        Option(
            "jitter", \.check.jitterPercent, .percent(0...50),
            "How much the interval varies at random."),
        Option(
            "port", \.check.port, .optional(.count(1...65535), "auto"),
            "The port to check; `auto` is the backend's own."),
    ]

    private static let interval = ValueKind<Duration>.duration(
        .milliseconds(100) ... .seconds(3600))

    static let eject: [Option<Service>] = [
        Option(
            "failures", \.policy.ejection.failures, .optional(.count(1...1000), "off"),
            "Failed answers in a row that eject a backend when others hardly ever fail; more, the "
                + "more often these do."),
        Option(
            "silence", \.policy.ejection.silence,
            .optional(.duration(.milliseconds(100) ... .seconds(60)), "off"),
            "How long requests wait on a backend that sends nothing while others answer; then it "
                + "is ejected, and those that may be repeated go elsewhere."),
        Option(
            "time", \.roster.ejectTime, .duration(.milliseconds(100) ... .seconds(3600)),
            "How long a first ejection lasts; each further one lasts twice as long."),
        Option(
            "time-max", \.roster.ejectTimeMax, .duration(.milliseconds(100) ... .seconds(86400)),
            "The longest ejection; a backend that was up for so long starts over."),
        Option(
            "share-max", \.roster.ejectShareMax, .percent(0...100),
            "The most backends that live traffic may eject at a time; never the last."),
        Option(
            "error-rate", \.outliers.errorPercent, .optional(.percent(1...100), "off"),
            "The share of failed answers within 10s, three times that of the others at least, that "
                + "ejects a backend."),
        Option(
            "slow-factor", \.outliers.slowFactor, .optional(.count(2...100), "off"),
            "How many times as long as the others' its answers take, within 10s and by 50ms at "
                + "least, to eject a backend."),
        Option(
            "requests-min", \.outliers.requestsMin, .count(1...100_000),
            "Answers within 10s, of a backend and of the others, without which neither is judged."),
    ]
}
