// AdminSnapshot+Discovery: what the admin port shows of sources, of backends that are kept although
// no source names them, and of what is followed in Consul.

internal import Admin
internal import Backends
internal import InstanceSources
internal import Wording

extension AdminSnapshot.Source {
    /// A source, and what became of its answers on the roster.
    init(_ asked: any Source, _ source: SourceStatus, _ clock: DisplayClock) {
        self.init(asked.summary)
        lastGoodAt = source.lastGoodAnswer.map { clock.wall($0.at) }
        lastGoodCount = source.lastGoodAnswer?.instances ?? 0
        lastFailureAt = source.lastFailure.map { clock.wall($0.at) }
        lastFailure = source.lastFailure.map { "\($0.failure)" } ?? ""
        nextAskAt = asked.nextAsk.map(clock.wall)
        let odd = asked.findings
        findings = odd.sentences
        leftOutCount = odd.omissions.count
        idle = odd.idle.map(AdminSnapshot.Idle.init)
        answers = ["good": Int(source.goodAnswers)]
        for (kind, count) in source.failures { answers[kind.rawValue] = Int(count) }
    }
}

extension AdminSnapshot.Service {
    /// Which sets of backends serve and why, as clauses; nil when exactly the named ones do.
    static func hold(
        _ holds: [SourceStatus.Hold], _ losses: [LossStatus], _ clock: DisplayClock
    ) -> String? {
        var clauses = holds.filter { $0.kind != .massLoss || losses.isEmpty }.map { hold in
            let left = (hold.until - .now).spoken
            return
                "\(counted(hold.backends, "backend")) held (\(hold.kind.rawValue)) for \(left) more"
        }
        for loss in losses {
            if loss.held > 0, let until = loss.until {
                let (lost, end) = (clock.time(loss.at), clock.time(until))
                clauses.append(
                    loss.hasJoined
                        ? "\(loss.held) lost at \(lost) serve beside the \(loss.named) named by the"
                            + " answer until \(end), since these can't carry the load"
                        : "\(loss.named) named by the answer serve; \(loss.held) lost at \(lost) "
                            + "wait"
                            + " behind them until \(end), for when these can't carry the load")
            }
            if loss.replaced > 0 {
                clauses.append(
                    "\(loss.replaced) replaced at \(clock.time(loss.at)) serve until as many of the"
                        + " \(loss.arrivals) new ones are up (\(loss.arrivalsUp) by now)")
            }
        }
        return clauses.isEmpty ? nil : clauses.joined(separator: "; ")
    }
}

extension AdminSnapshot.Following {
    /// What is followed, and what came of its documents.
    init(
        following feeds: [Control.Feed], _ outcome: LiveConfiguration.Outcome,
        _ clock: DisplayClock
    ) {
        self.init(
            feeds.map { feed in
                .init(
                    summary: feed.summary, lastGoodAt: feed.lastGoodAt.map(clock.wall),
                    failure: feed.failure, problems: feed.problems)
            })
        if outcome.isRefusing, let last = outcome.lastRefusal {
            refusal = (clock.wall(last.at), last.reasons)
        }
        applied = outcome.applied
        refused = outcome.refused
    }
}

extension AdminSnapshot.Reloads {
    /// What came of reloads.
    init(_ reloads: LiveConfiguration.Reloads, _ clock: DisplayClock) {
        self.init()
        applied = reloads.applied
        unchanged = reloads.unchanged
        refused = reloads.refused
        refusal = reloads.refusal.map { (clock.wall($0.at), $0.reasons) }
    }
}

extension AdminSnapshot.Idle {
    /// A member that gets no requests.
    init(_ idle: SourceFindings.Idle) {
        self.init(
            name: idle.name, metadata: idle.metadata, reason: idle.reason, hasEnded: idle.hasEnded)
    }
}
