// RateLimit: a rule at work, with the buckets of its clients. One object counts for all workers,
// and goes on counting when the configuration is read again and says the same.

package import Endpoints

/// A limit of requests with what it has counted. Any thread.
package final class RateLimit: Sendable {
    /// The rule.
    package let rule: RateRule
    /// Whether all requests have the limit together.
    package let isForAll: Bool
    /// The field's name in small letters; empty unless the rule counts by a field.
    package let field: [UInt8]
    private let rate: RequestRate
    private let table: RateTable
    /// How many processes have the limit together; nil where this one has it alone.
    private let shares: RateShares?

    /// Nothing has come yet. `shares` says how many processes have the limit together, where its
    /// rule says that it is shared.
    package init(_ rule: RateRule, shares: RateShares = .ofProcess) {
        self.rule = rule
        isForAll = !rule.tellsApart
        field = if case .field(let name) = rule.scope { Array(name.lowercased().utf8) } else { [] }
        rate = RequestRate(requests: rule.requests, per: rule.time, burst: rule.burst)
        table = RateTable(entries: rule.tellsApart ? rule.clients : 1)
        self.shares = rule.isShared ? shares : nil
    }

    /// Limits for `rules`, in their order; each that one of `old` is for goes on with that.
    package static func limits(
        _ rules: [RateRule], keeping old: [RateLimit] = []
    ) -> [RateLimit] {
        var old = old
        return rules.map { rule in
            guard let place = old.firstIndex(where: { $0.rule == rule }) else {
                return RateLimit(rule)
            }
            return old.remove(at: place)
        }
    }

    /// Takes one request of the client with this key out of its bucket, `now` in nanoseconds of one
    /// clock of the whole machine. A request that is refused takes nothing.
    package func take(_ key: RateKey, at now: UInt64) -> RateTable.Outcome {
        guard let shares else { return table.take(key.hash, rate, at: now) }
        return table.take(key.hash, rate.divided(among: shares.count), at: now)
    }

    /// What a client may send in which time, as this process counts: its part where the limit is
    /// shared, rounded down. A part of less than one request is one in the time that this takes, in
    /// whole seconds.
    package var quota: (requests: Int, time: Duration) {
        let sharers = shares?.count ?? 1
        guard sharers > rule.requests else { return (rule.requests / sharers, rule.time) }
        let (seconds, rest) = (rule.time * sharers / rule.requests).components
        return (1, .seconds(seconds + (rest > 0 ? 1 : 0)))
    }
}

/// Whose request it is, as a number. Value type.
///
/// The hash is keyed, by a key that Swift draws for each process: nobody can choose an address or a
/// value that has its place where another client's is.
package struct RateKey: Sendable, Equatable {
    let hash: UInt64

    /// All clients.
    package static let all = RateKey(hash: 1)

    private init(hash: UInt64) { self.hash = hash }

    private init(_ hasher: consuming Hasher) {
        hash = UInt64(bitPattern: Int64(hasher.finalize()))
    }

    /// The client at `address`; all of a /64 of IPv6 are one.
    package static func address(_ address: IPAddress) -> RateKey {
        var hasher = Hasher()
        switch address {
        case .v4(let bits): hasher.combine(bits)
        case .v6(let high, _): hasher.combine(high)
        }
        return RateKey(hasher)
    }

    /// The clients that send these bytes.
    package static func value(_ bytes: Span<UInt8>) -> RateKey {
        var hasher = Hasher()
        // The length tells a value from an address, which a client could send.
        hasher.combine(bytes.count)
        var word: UInt64 = 0
        for index in bytes.indices {
            word = word << 8 | UInt64(bytes[index])
            if index & 7 == 7 { hasher.combine(word) }
        }
        hasher.combine(word)
        return RateKey(hasher)
    }
}
