// TurnWatch: since when a backend of a rotation has got no request, and how many others got
// meanwhile, from the workers' counters, once a second: nothing is counted for it.

/// When backends had their last turns. Control thread only.
package struct TurnWatch {
    /// What a backend came to so far.
    package struct Figures: Sendable {
        /// Its number in this process.
        package var backend: UInt32
        /// Requests that were sent to it.
        package var requests: Int
        /// Bytes that came from it.
        package var received: Int

        /// All is required.
        package init(backend: UInt32, requests: Int, received: Int) {
            self.backend = backend
            self.requests = requests
            self.received = received
        }
    }

    /// How a backend fares that waits for its turn.
    package struct Wait: Sendable, Equatable {
        /// When it was last seen to get a request, or first seen at all.
        package var since: ContinuousClock.Instant
        /// When bytes were last seen to come from it, or it was first seen at all.
        package var heardAt: ContinuousClock.Instant
        /// Requests that others of its rotation got since its turn.
        package var elsewhere: Int
    }

    private struct Watched {
        var figures: Figures
        var turnAt: ContinuousClock.Instant
        var heardAt: ContinuousClock.Instant
        /// What its service had sent by its turn.
        var sentAtTurn: Int
    }

    private struct WatchedService {
        /// Requests that its backends have got since it is watched.
        var sent = 0
        var backends: [UInt32: Watched] = [:]
    }

    private var services: [Int: WatchedService] = [:]

    /// Nothing seen yet.
    package init() {}

    /// Takes what the backends of each service's rotation came to so far; call it once a second.
    /// What is not among them is forgotten.
    /// - Complexity: O(number of backends).
    package mutating func note(
        now: ContinuousClock.Instant, _ all: [(service: Int, backends: [Figures])]
    ) {
        let before = services
        services = [:]
        for (number, backends) in all {
            let old = before[number] ?? WatchedService()
            var service = WatchedService()
            service.sent = old.sent
            for figures in backends {
                guard let last = old.backends[figures.backend]?.figures else { continue }
                service.sent += figures.requests - last.requests
            }
            service.backends.reserveCapacity(backends.count)
            for figures in backends {
                var watched =
                    old.backends[figures.backend]
                    ?? Watched(
                        figures: figures, turnAt: now, heardAt: now, sentAtTurn: service.sent)
                if figures.requests != watched.figures.requests {
                    watched.turnAt = now
                    watched.sentAtTurn = service.sent
                }
                if figures.received != watched.figures.received { watched.heardAt = now }
                watched.figures = figures
                service.backends[figures.backend] = watched
            }
            services[number] = service
        }
    }

    /// How long a backend of a service, both by their numbers, has waited for its turn; nil for one
    /// that is not in the rotation, or was not yet seen in it.
    package func wait(of backend: UInt32, ofService number: Int) -> Wait? {
        guard let service = services[number], let watched = service.backends[backend] else {
            return nil
        }
        return Wait(
            since: watched.turnAt, heardAt: watched.heardAt,
            elsewhere: max(0, service.sent - watched.sentAtTurn))
    }
}
