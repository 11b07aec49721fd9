// EndpointCheck: the check of one endpoint, for everybody who watches it. A backend of one service
// and one of another at the same address, or two of one service whose checks go to the same port,
// are told by one probe if theirs would do the same.

internal import Backends
internal import Endpoints
internal import Traffic

/// What is done where: checks of which this is the same are one.
struct CheckKey: Hashable {
    let target: Endpoint
    let kind: CheckOptions.Kind
    let timeout: Duration
}

/// A check that is made again and again. Control thread only.
final class EndpointCheck {
    let id: CheckID
    let key: CheckKey
    /// The one under way; nil between two.
    var probe: Probe?
    /// In the order in which they came; a backend once.
    private(set) var watchers: [Watcher] = []

    /// Somebody who is told how the check ends.
    struct Watcher {
        let service: ServiceChecks
        let backend: BackendID
        /// The live requests that the backend had answered when the check was last due; nil when
        /// that is not known.
        fileprivate(set) var answers: UInt64?
    }

    init(_ id: CheckID, _ key: CheckKey) {
        self.id = id
        self.key = key
    }

    func add(_ backend: BackendID, of service: ServiceChecks) {
        watchers.append(Watcher(service: service, backend: backend))
    }

    func remove(_ backend: BackendID) {
        watchers.removeAll { $0.backend == backend }
    }

    /// How soon the next check should follow for the watcher who needs it soonest; nil when nobody
    /// watches.
    var mostUrgent: (timing: CheckSchedule.Timing, pace: CheckSchedule.Pace)? {
        watchers.map { ($0.service.timing, $0.service.pace(of: $0.backend)) }
            .min { $0.0.interval($0.1) < $1.0.interval($1.1) }
    }

    /// Whether live traffic has told since the check was last due what it would tell, and that to
    /// each of the watchers. Call it once each time that the check is due.
    func isToldByTraffic() -> Bool {
        var isTold = true
        for index in watchers.indices {
            let watcher = watchers[index]
            let answers = watcher.service.liveAnswers(of: watcher.backend)
            // All are looked at, so that each is up to date the next time.
            watchers[index].answers = answers
            guard let answers, let before = watcher.answers, answers > before,
                watcher.service.isWell(watcher.backend)
            else {
                isTold = false
                continue
            }
        }
        return isTold
    }
}
