// RetiredServices: services that get no more requests and finish those in flight; then they are
// forgotten.

internal import Backends
internal import Events

/// The services on their way out. Control thread only.
final class RetiredServices {
    private struct Retired {
        let control: ServiceControl
        let since: ContinuousClock.Instant
        let limit: Duration
    }

    private var retired: [Retired] = []
    private var timer: Timer?

    /// None yet. `onLook` is called after each look at them.
    init(on loop: EventLoop, onLook: @escaping () -> Void) {
        timer = Timer(on: loop) { [unowned self] in
            look()
            onLook()
        }
    }

    /// How many still finish what is in flight.
    var count: Int { retired.count }

    /// Retires a service; `look` follows.
    func add(_ control: ServiceControl, now: ContinuousClock.Instant) {
        control.retire()
        control.roster.serviceRemoved(now: now)
        retired.append(
            Retired(control: control, since: now, limit: control.roster.options.drainLimit))
    }

    /// Looks at them after the time in which every worker has taken up what was published before,
    /// also at those that were here already.
    func lookSoon() {
        if !retired.isEmpty { timer?.schedule(after: ServiceControl.drainLook) }
    }

    private func look() {
        let now = ContinuousClock.now
        retired.removeAll { service in
            let age = service.since.duration(to: now)
            // A tunnel may go on for days: its service is not kept for that.
            guard !service.control.isBusy || age >= service.limit else { return false }
            service.control.forget()
            return true
        }
        lookSoon()
    }
}
