// ShortageWatch: detects shortages of this machine by counts of calls that fail for them.
// Events/Shortage.swift counts the calls; this compares the counts once a second.

internal import Events

/// What the machine is short of. Value type; the caller owns the clock.
struct ShortageWatch {
    /// A shortage that goes on.
    struct Episode: Equatable {
        /// When it was first noticed.
        let since: ContinuousClock.Instant
        /// When a call last failed for it.
        fileprivate(set) var lastAt: ContinuousClock.Instant
        /// Calls that failed for it.
        fileprivate(set) var failures: Int
    }

    /// What is new since the last look.
    enum Change: Equatable {
        case began(Shortage)
        case ended(Shortage, after: Duration, failures: Int)
    }

    /// A shortage is over when no call has failed for it for this long.
    static let quiet = Duration.seconds(10)

    /// The shortages that go on.
    private(set) var episodes: [Shortage: Episode] = [:]
    private var counts: [Shortage: Int] = [:]

    /// Compares how often calls have failed so far, by `count`, with the last look.
    mutating func look(
        now: ContinuousClock.Instant, count: (Shortage) -> Int = ShortageTally.count
    ) -> [Change] {
        Shortage.allCases.compactMap { shortage in
            let total = count(shortage)
            let new = total - (counts.updateValue(total, forKey: shortage) ?? 0)
            guard var episode = episodes[shortage] else {
                guard new > 0 else { return nil }
                episodes[shortage] = Episode(since: now, lastAt: now, failures: new)
                return .began(shortage)
            }
            if new > 0 {
                episode.lastAt = now
                episode.failures += new
                episodes[shortage] = episode
                return nil
            }
            guard episode.lastAt.duration(to: now) >= Self.quiet else { return nil }
            episodes[shortage] = nil
            return .ended(
                shortage, after: episode.since.duration(to: episode.lastAt),
                failures: episode.failures)
        }
    }
}

extension Shortage {
    /// What has run out, as a clause without its full stop.
    func clause(descriptorLimit: Int) -> String {
        switch self {
        case .descriptors:
            "this process has no descriptors left for more connections (its limit is "
                + "\(descriptorLimit))"
        case .ports: "this machine has no local ports left for connections to backends"
        case .memory: "the kernel has no memory left for more connections"
        }
    }

    /// What an operator can do about it, as a clause without its full stop.
    var advice: String {
        switch self {
        case .descriptors:
            "raise it (LimitNOFILE= in a systemd unit, --ulimit nofile= for docker, ulimit -n) or "
                + "lower limits.connections"
        case .ports:
            "widen net.ipv4.ip_local_port_range, keep unused connections longer "
                + "(timeouts.backend-idle), or spread the backends over more addresses"
        case .memory: "look at net.ipv4.tcp_mem and at the memory limit of the process"
        }
    }
}
