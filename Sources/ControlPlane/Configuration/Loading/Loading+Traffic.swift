// Whether the options of a service for balancing, limits and retries fit together.

internal import Backends
internal import Balancing
internal import Routing
internal import Traffic
internal import Wording

extension Loading {
    /// Checks one service; adds to errors and warnings.
    mutating func checkTraffic(_ service: Entry<Service>) {
        let given = given
        func origin(_ keys: String...) -> Origin {
            keys.compactMap { service.given[$0] }.first
                ?? keys.compactMap { given["defaults.\($0)"] }.first ?? service.origin
        }
        let value = service.value
        if value.policy.balancing.policy == .firstFit, value.policy.limits.backendRequestsMax == nil
        {
            errors.add(
                "found balance first-fit without a limit, expected limits.backend-requests beside "
                    + "it: without one the first backend would get everything",
                at: origin("balance"))
        }
        if value.policy.balancing.policy != .consistentHash, service.given["hash"] != nil {
            errors.add(
                "found hash beside balance \(value.policy.balancing.policy.rawValue), expected "
                    + "balance consistent-hash", at: origin("hash"))
        }
        if value.policy.balancing.policy == .consistentHash,
            value.policy.balancing.sticky.cookie != nil
        {
            errors.add(
                "found sticky.cookie beside balance consistent-hash, expected one of them: both "
                    + "decide which backend a client gets", at: origin("sticky.cookie"))
        }
        if value.policy.balancing.sticky.cookie == nil, service.given["sticky.secret"] != nil {
            errors.add(
                "found sticky.secret without sticky.cookie, expected both",
                at: origin("sticky.secret"))
        }
        if let all = value.policy.limits.requestsMax,
            let one = value.policy.limits.backendRequestsMax, one > all
        {
            errors.add(
                "found a limit of \(one) requests on a backend and of \(all) on the service, "
                    + "expected backend-requests <= requests",
                at: origin("limits.backend-requests", "limits.requests"))
        }
        if value.roster.zone.preferred == nil, service.given["zone.key"] != nil {
            errors.add("found zone.key without zone.prefer, expected both", at: origin("zone.key"))
        }
        if value.roster.ejectTime > value.roster.ejectTimeMax {
            errors.add(
                "found an ejection of \(Units.write(value.roster.ejectTime)) and at most "
                    + "\(Units.write(value.roster.ejectTimeMax)), expected time <= time-max",
                at: origin("eject.time", "eject.time-max"))
        }
        if let silence = value.policy.ejection.silence,
            silence >= value.policy.timeouts.responseHead
        {
            warnings.add(
                "found eject.silence of \(Units.write(silence)) and a time for a response's head "
                    + "of \(Units.write(value.policy.timeouts.responseHead)), expected silence < "
                    + "response-head: it has no effect",
                at: origin("eject.silence", "timeouts.response-head"))
        }
        checkRetry(value, origin: origin)
        checkProtocol(value, origin: origin)
    }

    private mutating func checkProtocol(_ value: Service, origin: (String...) -> Origin) {
        if value.policy.speaks == .auto, !value.tls.isOn {
            errors.add(
                "found protocol auto without backend-tls, expected both: backends choose in the "
                    + "handshake of TLS; in the clear, name the protocol: http1 or h2",
                at: origin("protocol"))
        }
        if value.policy.speaks != .http1, value.policy.sendsHeader != nil {
            errors.add(
                "found protocol \(value.policy.speaks.rawValue) beside send-proxy, expected one of "
                    + "them: a PROXY header names one client, and a connection of HTTP/2 carries "
                    + "the requests of many; forwarding tells each request's client in its fields",
                at: origin("send-proxy", "protocol"))
        }
    }

    private mutating func checkRetry(_ value: Service, origin: (String...) -> Origin) {
        if value.policy.retry.backOff > value.policy.retry.backOffMax {
            errors.add(
                "found a back-off of \(Units.write(value.policy.retry.backOff)) and at most "
                    + "\(Units.write(value.policy.retry.backOffMax)), expected back-off <= "
                    + "back-off-max",
                at: origin("retry.back-off", "retry.back-off-max"))
        }
        if let hedge = value.policy.retry.rule.hedging.delay {
            if value.policy.retry.rule.attempts == 1 {
                errors.add(
                    "found retry.hedge and retry.attempts 1, expected 2 attempts or more: a hedge "
                        + "is a second try", at: origin("retry.hedge", "retry.attempts"))
            }
            if hedge >= value.policy.timeouts.responseHead {
                errors.add(
                    "found retry.hedge after \(Units.write(hedge)) and "
                        + "\(Units.write(value.policy.timeouts.responseHead)) for a response's "
                        + "head, expected hedge < response-head",
                    at: origin("retry.hedge", "timeouts.response-head"))
            }
        }
        if let perTry = value.policy.retry.tryTimeout {
            if perTry >= value.policy.timeouts.responseHead {
                errors.add(
                    "found \(Units.write(perTry)) for a try and "
                        + "\(Units.write(value.policy.timeouts.responseHead)) for a response's "
                        + "head, expected try < response-head",
                    at: origin("timeouts.try", "timeouts.response-head"))
            }
            if value.policy.retry.rule.attempts == 1 {
                errors.add(
                    "found a time for a try and retry.attempts 1, expected 2 attempts or more",
                    at: origin("timeouts.try", "retry.attempts"))
            }
        }
    }

    /// Warns of options that need HTTP on a service of a listener that speaks TCP.
    mutating func checkTrafficOfTCP() {
        let names = Set(
            listeners.filter { $0.value.mode == .tcp }.flatMap(\.value.serviceNames))
        for service in services where names.contains(service.value.name) {
            let origin = service.given["hash"] ?? service.given["sticky.cookie"] ?? service.origin
            if service.value.policy.balancing.policy == .consistentHash,
                service.value.policy.balancing.hashBy != .client
            {
                errors.add(
                    "found a hash of what only HTTP has on a service of a listener of mode tcp, "
                        + "expected hash: client", at: origin)
            }
            if service.value.policy.balancing.sticky.cookie != nil {
                errors.add(
                    "found a sticky cookie on a service of a listener of mode tcp, expected "
                        + "balance: consistent-hash", at: origin)
            }
            if service.value.policy.speaks != .http1 {
                errors.add(
                    "found protocol \(service.value.policy.speaks.rawValue) on a service of a "
                        + "listener of mode tcp, expected mode: http: what TCP carries is not "
                        + "looked at", at: service.given["protocol"] ?? service.origin)
            }
        }
    }
}
