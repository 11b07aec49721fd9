// EndpointCheck: the check of one endpoint, for all backends that it stands for. Backends of two
// services at one address, or two of one service whose checks go to the same port, share one check
// if theirs would do the same.

internal import Backends
internal import Endpoints
internal import HTTPClient
internal import ProxyProtocol
internal import Traffic

/// What a check does, and where: checks with equal keys are one.
struct CheckKey: Hashable {
    let target: Endpoint
    let kind: CheckOptions.Kind
    /// The form of the PROXY header with which it begins; nil for none.
    let header: ProxyHeader.Version?
    let timeout: Duration
    /// How the connection is made secure; nil: it is not.
    var tls: HTTPClient.Security?
    /// By which HTTP one of kind `http` asks; of the other kinds it is HTTP/1.1, and means nothing.
    var version = HTTPClient.Version.http1
}

extension CheckKey {
    /// The header of a check on a connection from `local`, which says that the connection is
    /// Fairlead's own: `LOCAL`, or what the protocol asks for in its place in version 1 (section
    /// 2.1): the ends of this connection. Nil without one.
    func header(from local: Endpoint?) -> [UInt8]? {
        switch header {
        case nil: nil
        case .v1:
            ProxyHeader(local.map { ProxyHeader.Ends(source: $0, destination: target) })
                .bytes(.v1)
        case .v2: ProxyHeader(nil).bytes(.v2)
        }
    }
}

/// A check that is repeated. Control thread only.
final class EndpointCheck {
    let id: CheckID
    let key: CheckKey
    /// The probe under way; nil between two.
    var probe: Probe?
    /// In the order in which they were added; each backend once.
    private(set) var watchers: [Watcher] = []

    /// A backend whose service gets the results of the check.
    struct Watcher {
        let service: ServiceChecks
        let backend: BackendID
        /// How many live requests the backend had answered when the check was last due; nil when
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

    /// How soon the next check should follow, for the watcher that needs it soonest; nil without
    /// watchers.
    var mostUrgent: (timing: CheckSchedule.Timing, pace: CheckSchedule.Pace)? {
        watchers.map { ($0.service.timing, $0.service.pace(of: $0.backend)) }
            .min { $0.0.interval($0.1) < $1.0.interval($1.1) }
    }

    /// Whether live traffic has shown, since the check was last due, what the check would show, for
    /// each of the watchers. Call it once each time the check is due.
    func isCoveredByTraffic() -> Bool {
        var isCovered = true
        for index in watchers.indices {
            let watcher = watchers[index]
            let answers = watcher.service.liveAnswers(of: watcher.backend)
            // No early exit: each watcher's count has to be current the next time.
            watchers[index].answers = answers
            guard let answers, let before = watcher.answers, answers > before,
                watcher.service.isWell(watcher.backend)
            else {
                isCovered = false
                continue
            }
        }
        return isCovered
    }
}
