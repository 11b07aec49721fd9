// Scenario: something that happens to instances, a registry or the proxies themselves, and what may
// come of it.

/// A row of the table.
struct Scenario: Sendable {
    /// The name as on the command line.
    let name: String
    /// The title as in the table.
    let title: String
    /// Whether Fairlead checks by HTTP; without, by TCP, its default.
    var checksByHTTP = false
    /// Whether instances share an address.
    var sharesAddress = false
    /// Whether two processes of a proxy share a port.
    var sharesPorts = false
    /// How many instances there are before anything happens.
    var instances = 3
    /// Seconds after which an instance closes a connection that rests.
    var idleSeconds = 60
    /// The load, where it is another than the command line's.
    var schedule: Schedule?
    /// Streams that clients hold open beside the load, and open again when they end.
    var streams = 0
    /// Threads that move traffic, in each proxy that lets them be set; nil leaves it to the proxy's
    /// own configuration.
    var workers: Int?
    /// Options of Fairlead that are not its defaults, as variables.
    var settings: [String: String] = [:]
    /// What counts as traffic having moved; nil when it need not.
    var movement: Movement?
    let bar: Bar
    /// Makes it happen, with a pause behind it in which its consequences show.
    let events: @Sendable (Stage) throws -> Void

    /// All of them, in the order of the report.
    static let all = arrivals + deploys + failures + crowds + streaming + disasters

    /// Whether the peer takes part.
    func has(_ peer: Peer) -> Bool { !sharesAddress || peer.followsPorts }
}
