// DenialMemory: the names about which a server says the same however they are spelled. A server
// that compares names byte by byte denies what it knows when the case of letters is mixed; asking
// twice each time would double the traffic of every name that really does not exist. Some servers
// only forward questions, and know some names better than others: so this is remembered for each
// name alone.

internal import DNSWire

/// Names whose denials count at once, by server. Value type; takes `now`.
struct DenialMemory {
    typealias Instant = ContinuousClock.Instant

    /// How long that is known: a server may be replaced behind its address.
    static let life = Duration.seconds(300)
    /// Names that are remembered; about 100 bytes each.
    static let countMax = 16_384

    private struct Key: Hashable {
        let server: Int
        let name: DomainName
    }

    private var until: [Key: Instant] = [:]

    /// Whether a denial or an error of `server` about `name` is known to be meant.
    func trusts(_ server: Int, _ name: DomainName, now: Instant) -> Bool {
        until[Key(server: server, name: name)].map { now < $0 } ?? false
    }

    /// `server` said the same about `name` in either spelling, or knew it in mixed case.
    mutating func remember(_ server: Int, _ name: DomainName, now: Instant) {
        if until.count >= Self.countMax {
            until = until.filter { now < $0.value }
            if until.count >= Self.countMax { until = [:] }
        }
        until[Key(server: server, name: name)] = now + Self.life
    }
}
