// RetiredServices: keeps services that get no more requests until those in flight have ended.

internal import Backends
internal import Events

/// Services on their way out. Control thread only.
final class RetiredServices {
    private struct Retired {
        let control: ServiceControl
        let since: ContinuousClock.Instant
        let limit: Duration
    }

    private var retired: [Retired] = []
    private var timer: Timer?

    /// Holds none yet. `onLook` is called after each look at the retired services.
    init(on loop: EventLoop, onLook: @escaping () -> Void) {
        timer = Timer(on: loop) { [unowned self] in
            look()
            onLook()
        }
    }

    /// How many services still finish what is in flight.
    var count: Int { retired.count }

    /// Retires a service. Call `lookSoon` after the last one.
    func add(_ control: ServiceControl, now: ContinuousClock.Instant) {
        control.retire()
        control.roster.serviceRemoved(now: now)
        retired.append(
            Retired(control: control, since: now, limit: control.roster.options.drainLimit))
    }

    /// Looks at all of them once every worker has applied what was published before.
    func lookSoon() {
        if !retired.isEmpty { timer?.schedule(after: ServiceControl.drainLook) }
    }

    private func look() {
        let now = ContinuousClock.now
        retired.removeAll { service in
            let age = service.since.duration(to: now)
            // A tunnel may last for days; its service is not kept that long.
            guard !service.control.isBusy || age >= service.limit else { return false }
            service.control.forget()
            return true
        }
        lookSoon()
    }
}
