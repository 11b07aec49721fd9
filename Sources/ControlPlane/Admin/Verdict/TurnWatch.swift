// TurnWatch: since when a backend of a rotation has had no request, and how many the others had
// meanwhile. It uses the workers' counters, once a second: workers count nothing more for it.

/// When backends had their last turns. Control thread only.
package struct TurnWatch {
    /// A backend's counts since the start.
    package struct Figures: Sendable {
        /// Its number in this process.
        package var backend: UInt32
        /// Requests that were sent to it.
        package var requests: Int
        /// Bytes that came from it.
        package var received: Int

        /// The counts of a backend.
        package init(backend: UInt32, requests: Int, received: Int) {
            self.backend = backend
            self.requests = requests
            self.received = received
        }
    }

    /// How long a backend has waited for its turn.
    package struct Wait: Sendable, Equatable {
        /// When its count of requests last rose, or it was first seen.
        package var since: ContinuousClock.Instant
        /// When its count of bytes received last rose, or it was first seen.
        package var receivedAt: ContinuousClock.Instant
        /// Requests that other backends of its rotation got since its turn.
        package var elsewhere: Int
    }

    private struct Watched {
        var figures: Figures
        var turnAt: ContinuousClock.Instant
        var receivedAt: ContinuousClock.Instant
        /// How many requests its service had sent by its turn.
        var sentAtTurn: Int
    }

    private struct WatchedService {
        /// Requests that its backends have got since the service is watched.
        var sent = 0
        var backends: [UInt32: Watched] = [:]
    }

    private var services: [Int: WatchedService] = [:]

    /// No backends yet.
    package init() {}

    /// Takes the current counts of the backends in each service's rotation; call it once a second.
    /// Backends that are not in them are dropped.
    /// - Complexity: O(number of backends).
    package mutating func update(
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
                        figures: figures, turnAt: now, receivedAt: now, sentAtTurn: service.sent)
                if figures.requests != watched.figures.requests {
                    watched.turnAt = now
                    watched.sentAtTurn = service.sent
                }
                if figures.received != watched.figures.received { watched.receivedAt = now }
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
            since: watched.turnAt, receivedAt: watched.receivedAt,
            elsewhere: max(0, service.sent - watched.sentAtTurn))
    }
}
