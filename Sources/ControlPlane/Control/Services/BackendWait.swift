// BackendWait: delays an action until services have backends, so that the first requests find some,
// but no longer than discovery needs to find them.

internal import Events

/// A wait for services to have backends. It may begin again after it is over. Control thread only.
final class BackendWait {
    /// How long services have to find backends: a lookup of three tries and its retry.
    static let usualLimit = Duration.seconds(10)

    /// How long a wait that begins from now on takes at most.
    var limit = BackendWait.usualLimit
    /// Whether it is under way.
    private(set) var isOn = false
    private let isOver: () -> Bool
    private let action: () -> Void
    private var isStopped = false
    private var timer: Timer?

    /// Waits for nothing yet.
    ///
    /// - Parameters:
    ///   - isOver: whether there is nothing to wait for.
    ///   - action: what waits; called once for each wait, when that is over or late.
    init(on loop: EventLoop, until isOver: @escaping () -> Bool, _ action: @escaping () -> Void) {
        self.isOver = isOver
        self.action = action
        timer = Timer(on: loop) { [unowned self] in end() }
    }

    /// Begins to wait. A wait that is under way keeps its end, so that a row of changes can't
    /// postpone it for long.
    func begin() {
        guard !isStopped else { return }
        if !isOn { timer?.schedule(after: limit) }
        isOn = true
    }

    /// Ends the wait if it is over; call it whenever it may be.
    func look() {
        guard isOn, isOver() else { return }
        end()
    }

    /// Ends the wait without its action, and begins no other.
    func stop() {
        isStopped = true
        isOn = false
        timer?.cancel()
    }

    private func end() {
        isOn = false
        timer?.cancel()
        action()
    }
}
