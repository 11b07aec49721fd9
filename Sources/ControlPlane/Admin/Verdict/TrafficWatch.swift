// TrafficWatch: whether requests of services and listeners fail now, from the workers' counters,
// once a second. The verdict rests on it: counters since the start say what happened long ago,
// states of backends say what should happen, and neither says that every answer is a 500.

package import Stats

/// How requests of services and listeners fared in the last minute. Control thread only.
package struct TrafficWatch {
    /// A share of failures that is too high, for a snapshot.
    package struct Trouble: Sendable, Equatable {
        /// How many events fail, and at which level.
        package var reading: FailureShare.Reading
        /// When it began.
        package var since: ContinuousClock.Instant
    }

    /// A listener's counts since the start.
    package struct ListenerFigures: Sendable {
        /// Connections accepted, and how many of them its limit had closed at once.
        package var connections: (all: Int, refused: Int)
        /// Requests, and how many of them no route was for.
        package var requests: (all: Int, unrouted: Int)

        /// The counts of a listener.
        package init(
            connections: (all: Int, refused: Int), requests: (all: Int, unrouted: Int)
        ) {
            self.connections = connections
            self.requests = requests
        }
    }

    private struct WatchedService {
        var last: TrafficFigures
        var failures = FailureShare()
        var abandonments = FailureShare()
        var denials = FailureShare()
        var lateCalls = FailureShare()
        /// Totals of up to `causesSeconds` ago, and of up to twice that: causes are counted since.
        var marks: (newer: TrafficFigures, older: TrafficFigures)
        var isFresh = true
    }

    private struct WatchedListener {
        var last: ListenerFigures
        var refusals = FailureShare()
        var unrouted = FailureShare()
        var isFresh = true
    }

    private static let causesSeconds = 30

    private var services: [Int: WatchedService] = [:]
    private var listeners: [Int: WatchedListener] = [:]
    private var begin: ContinuousClock.Instant?
    private var second = 0

    /// No services or listeners yet.
    package init() {}

    /// Takes the current counts of services and listeners, by their numbers; call it once a second.
    /// Services and listeners that are not in them are dropped; of new ones only events from now on
    /// count. Returns whether anything is wrong now, or was until now.
    package mutating func update(
        now: ContinuousClock.Instant, services: [(number: Int, figures: TrafficFigures)],
        listeners: [(number: Int, figures: ListenerFigures)]
    ) -> Bool {
        let begin = begin ?? now
        self.begin = begin
        let before = second
        second = Int(begin.duration(to: now).components.seconds)
        let isMark = second / Self.causesSeconds != before / Self.causesSeconds
        let wasWrong = isAnythingWrong
        for key in self.services.keys { self.services[key]?.isFresh = false }
        for (number, figures) in services { update(number, figures, isMark: isMark) }
        self.services = self.services.filter(\.value.isFresh)
        for key in self.listeners.keys { self.listeners[key]?.isFresh = false }
        for (number, figures) in listeners { update(number, figures) }
        self.listeners = self.listeners.filter(\.value.isFresh)
        return wasWrong || isAnythingWrong
    }

    private mutating func update(_ number: Int, _ figures: TrafficFigures, isMark: Bool) {
        guard var watched = services[number] else {
            services[number] = WatchedService(last: figures, marks: (figures, figures))
            return
        }
        let ended = figures.ended - watched.last.ended
        watched.failures.record(
            second: second, ended: ended, failed: figures.failed - watched.last.failed)
        watched.abandonments.record(
            second: second, ended: ended, failed: figures.gaveUp - watched.last.gaveUp)
        watched.denials.record(
            second: second, ended: ended,
            failed: figures.retriesDenied - watched.last.retriesDenied)
        watched.lateCalls.record(
            second: second, ended: figures.calls - watched.last.calls,
            failed: figures.lateCalls - watched.last.lateCalls)
        if isMark { watched.marks = (watched.last, watched.marks.newer) }
        watched.last = figures
        watched.isFresh = true
        services[number] = watched
    }

    private mutating func update(_ number: Int, _ figures: ListenerFigures) {
        guard var watched = listeners[number] else {
            listeners[number] = WatchedListener(last: figures)
            return
        }
        let last = watched.last
        watched.refusals.record(
            second: second, ended: figures.connections.all - last.connections.all,
            failed: figures.connections.refused - last.connections.refused)
        watched.unrouted.record(
            second: second, ended: figures.requests.all - last.requests.all,
            failed: figures.requests.unrouted - last.requests.unrouted)
        watched.last = figures
        watched.isFresh = true
        listeners[number] = watched
    }

    private var isAnythingWrong: Bool {
        services.values.contains {
            $0.failures.reading != nil || $0.abandonments.reading != nil
                || $0.denials.reading != nil || $0.lateCalls.reading != nil
        }
            || listeners.values.contains {
                $0.refusals.reading != nil || $0.unrouted.reading != nil
            }
    }

    // MARK: - What is wrong

    /// The failing requests of a service, and the cause of most of them; nil for few or none.
    package func failures(ofService number: Int) -> (trouble: Trouble, cause: FailureCause?)? {
        guard let watched = services[number], let trouble = trouble(watched.failures) else {
            return nil
        }
        var most: (cause: FailureCause, count: Int)?
        for cause in FailureCause.allCases {
            let count = watched.last[cause] - watched.marks.older[cause]
            if count > most?.count ?? 0 { most = (cause, count) }
        }
        return (trouble, most?.cause)
    }

    /// The requests of a service whose clients go away unanswered; nil for few or none.
    package func abandonments(ofService number: Int) -> Trouble? {
        services[number].flatMap { trouble($0.abandonments) }
    }

    /// The retries of a service that its budget denies, as a share of its requests; nil for few or
    /// none.
    package func denials(ofService number: Int) -> Trouble? {
        services[number].flatMap { trouble($0.denials) }
    }

    /// The calls of gRPC of a service that end since their clients' time is over; nil for few or
    /// none.
    package func lateCalls(ofService number: Int) -> Trouble? {
        services[number].flatMap { trouble($0.lateCalls) }
    }

    /// The connections that a listener closes at once because of its limit; nil for few or none.
    package func refusals(ofListener number: Int) -> Trouble? {
        listeners[number].flatMap { trouble($0.refusals) }
    }

    /// The requests of a listener that no route is for; nil for few or none.
    package func unrouted(ofListener number: Int) -> Trouble? {
        listeners[number].flatMap { trouble($0.unrouted) }
    }

    private func trouble(_ share: FailureShare) -> Trouble? {
        guard let reading = share.reading, let begin else { return nil }
        // The second named by its end began one before.
        return Trouble(
            reading: reading, since: begin + .seconds(max(0, reading.since - 1)))
    }
}
