// Assembly+Health: what Health is told of a service: how its backends are checked, and when live
// traffic makes one of them stand out.

internal import Configuration
internal import Evidence
internal import HTTP1
internal import Health

extension HealthOptions {
    /// How the backends of a service are checked.
    init(_ check: Service.Check) {
        self.init()
        kind = Kind(check)
        interval = check.interval
        fastInterval = check.fastInterval
        downInterval = check.downInterval
        timeout = check.timeout
        jitterPercent = check.jitterPercent
        port = check.port
        trustsTraffic = check.trustTraffic == .on
    }
}

extension HealthOptions.Kind {
    fileprivate init(_ check: Service.Check) {
        switch check.kind {
        case .off: self = .off
        case .http: self = .http(HealthOptions.HTTP(check))
        case .tcp:
            guard let expect = check.expect else {
                self = .tcp
                return
            }
            self = .sendExpect(
                HealthOptions.SendExpect(
                    send: Array((check.send ?? "").utf8), expect: Array(expect.utf8)))
        }
    }
}

extension HealthOptions.HTTP {
    fileprivate init(_ check: Service.Check) {
        self.init(path: check.path, host: check.host, statuses: check.status)
        method = Method(check.method)
        fields = check.headers.map { Field(name: $0.name, value: $0.value) }
        body = check.body.map { Array($0.utf8) }
    }
}

extension Method {
    fileprivate init(_ method: Service.Check.Method) {
        switch method {
        case .get: self = .get
        case .head: self = .head
        case .options: self = .options
        case .post: self = .post
        case .put: self = .put
        case .patch: self = .patch
        case .delete: self = .delete
        }
    }
}

extension OutlierWatch.Rules {
    /// When a backend of a service stands out.
    init(_ eject: Service.Eject) {
        self.init()
        errorPercent = eject.errorPercent
        slowFactor = eject.slowFactor
        requestsMin = eject.requestsMin
    }
}
