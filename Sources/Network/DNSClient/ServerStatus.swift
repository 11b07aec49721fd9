// ServerStatus: what is known of one nameserver at one moment, for display.

package import DNSWire
package import Endpoints

/// A nameserver as the admin port shows it. A copy does not follow the resolver.
package struct ServerStatus: Sendable, Equatable {
    /// Where it is asked.
    package let endpoint: Endpoint
    /// Its place in the order of asking now, from 0.
    package internal(set) var place: Int
    /// State, smoothed round trip, answers and failures, with the last failure and its time.
    package internal(set) var health: ServerHealth
    /// What came of queries to it, by kind.
    package internal(set) var counters = QueryCounters()
    /// The last packet from it that could not be read, why, and when; nil for none yet.
    package internal(set) var lastMalformed: ServerHealth.Noted<DecodeError>?
    /// Whether it repeats a question in the case of letters that it was sent in; nil before that is
    /// known. False means that it is asked without mixed case from then on.
    package internal(set) var keepsCase: Bool?
    /// Whether it knows a name in any case of letters; nil before that is known. False means that
    /// it denied, or failed at, a question in mixed case that it could answer as spelled (older
    /// servers of Docker, Podman and Mesos): it is asked as spelled for ten minutes from then on.
    package internal(set) var ignoresCase: Bool?
    /// When that was found; nil while it is not so.
    var asSpelledSince: ContinuousClock.Instant?
    /// Whether it knows EDNS; nil before its first answer. One that fails because of it is asked
    /// without for five minutes; one that only ignores it goes on being asked with it.
    package internal(set) var knowsEDNS: Bool?
    /// What it says to a query with an OPT record, as a clause, while it is asked without for that;
    /// nil while it is asked with one.
    package internal(set) var ednsFailure: String?
    /// When it was found to fail because of EDNS, or tried with it last; nil when it takes it, with
    /// an OPT record of its own or without.
    var withoutEDNSSince: ContinuousClock.Instant?
    /// Whether it once answered without an OPT record after silence with one: the next time is no
    /// chance, even for a server that used to take EDNS.
    var isEDNSSuspect = false
    /// When it last answered a query with an OPT record well; nil for never.
    var ednsWorkedAt: ContinuousClock.Instant?
    /// When it last gave records for a question in mixed case; nil for never.
    var mixedCaseWorkedAt: ContinuousClock.Instant?

    /// A server about which nothing is known.
    package init(_ endpoint: Endpoint) {
        self.endpoint = endpoint
        place = 0
        health = ServerHealth()
    }
}
