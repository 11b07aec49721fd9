// AdminVerdict+Traffic: what live requests show, in words. States of backends say what should
// happen; this is what happens to clients. It never keeps the process from being ready: a load
// balancer would send its requests to another Fairlead, which has the same backends.

internal import Stats
internal import Traffic
internal import WallClock

extension AdminVerdict {
    static func trafficProblems(of service: AdminSnapshot.Service) -> [Problem] {
        var problems: [Problem] = []
        let what = service.mode == .http ? "requests" : "connections"
        if let trouble = service.failures {
            var text = "\(service.name): \(share(trouble, of: what, "fail", "failed"))"
            if let cause = service.failureCause {
                text += ", " + phrase(cause, in: service.mode)
                if let backends = backendsClause(service, cause) { text += "; " + backends }
            }
            problems.append(problem(trouble, text + "."))
        }
        if let trouble = service.abandonments {
            let share = share(
                trouble, of: what, "are given up by their clients",
                "were given up by their clients")
            problems.append(
                problem(trouble, "\(service.name): \(share), before an answer began."))
        }
        if let trouble = service.lateCalls {
            let share = share(
                trouble, of: "calls", "end at their deadline", "ended at their deadline")
            problems.append(
                problem(
                    trouble,
                    "\(service.name): \(share): the backends take longer than clients wait."))
        }
        if let trouble = service.denials {
            // The requests get one try less, which is no failure by itself.
            let share = share(
                trouble, of: what, "are not tried again", "were not tried again")
            problems.append(
                Problem(
                    level: .warning,
                    text: "\(service.name): \(share): the retry budget is spent.",
                    blocksReadiness: false))
        }
        return problems
    }

    static func trafficProblems(of listener: AdminSnapshot.Listener) -> [Problem] {
        var problems: [Problem] = []
        let place = "\(listener.endpoint)"
        let name = listener.name == place ? place : "\(listener.name) (\(place))"
        if let trouble = listener.refusals {
            let share = share(
                trouble, of: "connections", "are closed at once", "were closed at once")
            problems.append(
                problem(
                    trouble,
                    "\(name): \(share): it has as many as limits.connections allows."))
        }
        if let trouble = listener.unrouted {
            let share = share(trouble, of: "requests", "get 404", "got 404")
            problems.append(problem(trouble, "\(name): \(share): no route is for them."))
        }
        return problems
    }

    private static func problem(_ trouble: AdminSnapshot.Trouble, _ text: String) -> Problem {
        Problem(
            level: trouble.reading.level == .half ? .failing : .warning, text: text,
            blocksReadiness: false)
    }

    /// `28 of 28 requests a second fail since 22:29:24`, or, where that would be less than one,
    /// `6 of 12 requests of the last 40 s failed, since 22:29:24`.
    private static func share(
        _ trouble: AdminSnapshot.Trouble, of what: String, _ now: String, _ past: String
    ) -> String {
        let reading = trouble.reading
        let since = UTCTime(secondsSince1970: trouble.since).iso8601.dropFirst(11).prefix(8)
        let seconds = max(1, reading.seconds)
        guard reading.failed >= seconds else {
            return
                "\(reading.failed) of \(reading.ended) \(what) of the last \(seconds) s \(past), "
                + "since \(since)"
        }
        // Both are rounded in the same way, so that "all" stays all.
        let failed = (reading.failed + seconds / 2) / seconds
        let ended = (reading.ended + seconds / 2) / seconds
        return "\(failed) of \(ended) \(what) a second \(now) since \(since)"
    }

    private static func phrase(_ cause: FailureCause, in mode: ListenerMode) -> String {
        let isHTTP = mode == .http
        switch cause {
        case .status500: return "status 500"
        case .status502: return "status 502 of the backends"
        case .status503: return "status 503 of the backends"
        case .status504: return "status 504 of the backends"
        case .otherStatus: return "a status above 500"
        case .noBackend:
            return isHTTP ? "status 503: no backend takes them" : "no backend takes them"
        case .overLimit:
            let reason = "the service or its backends have as many as limits allow"
            return isHTTP ? "status 503: \(reason)" : reason
        case .shortage:
            let reason = "this machine has no room for a connection to a backend"
            return isHTTP ? "status 503: \(reason)" : reason
        case .noAnswer:
            return "status 502: the backends break off or send what is not HTTP"
        case .timeout:
            return isHTTP
                ? "status 504: the backends do not answer in time" : "the backends say nothing"
        case .cutShort:
            return "the backends break off in the middle"
        case .outOfTime:
            return "their time, or that of a drain, is over before their end"
        }
    }

    /// What the rotation does about it; nil when the cause is not in the backends' answers.
    private static func backendsClause(
        _ service: AdminSnapshot.Service, _ cause: FailureCause
    ) -> String? {
        switch cause {
        case .noBackend, .overLimit, .shortage, .outOfTime: return nil
        case .status500, .status502, .status503, .status504, .otherStatus, .noAnswer, .timeout,
            .cutShort:
            break
        }
        let count = service.counts.inRotation
        switch count {
        case 0: return nil
        case 1: return "the only backend in the rotation is kept although its answers fail"
        default:
            // Backends that fail more often than the others are ejected.
            return service.failures?.reading.level == .half
                ? "the \(count) backends in the rotation fail alike" : nil
        }
    }
}
