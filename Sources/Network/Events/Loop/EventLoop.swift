// EventLoop: one libevent base and the thread that turns it.
//
// Everything registered on a loop belongs to the loop's thread, so nothing here locks
// (EVENT_BASE_FLAG_NOLOCK); other threads reach a loop only through a Mailbox.

internal import CLibevent
internal import Glibc

/// One thread's event loop. Not Sendable: create it on the thread that runs it.
///
/// `public` and not `package`, because only members of public types are inlined in other modules
/// (Swift 6.3.1): the clock is asked for at every step of a request.
@safe public final class EventLoop {
    /// libevent's version, of the library that is loaded: `2.1.12-stable`. Any thread.
    package static var libraryVersion: String {
        // A constant of the library, which ends in zero.
        unsafe String(cString: event_get_version())
    }

    // The base lives exactly as long as the loop: made in init, freed in deinit.
    let base: OpaquePointer
    let wheel = DeadlineWheel()
    /// For bulk between two of the loop's connections.
    let pipes = PipePool()
    /// For streams under a layer; made for the first one.
    lazy var layerBuffers = LayerBuffers()
    private var isRunning = false
    private var isStopping = false
    /// Whether a batch of callbacks may be on the stack.
    private var isTurning = false
    /// 0 when the clock was not read in this batch.
    @usableFromInline var cachedNow: UInt64 = 0
    /// Channels that have asked for the end of this batch.
    private var atTurnEnd: [Channel] = []
    /// Channels closed in this batch, kept alive until no callback of theirs can be on the stack.
    private var closed: [Channel] = []
    // libevent's timer behind the deadlines; as long-lived as the base.
    private let tick: UnsafeMutablePointer<event>
    private var isTicking = false
    /// When the tick is due, in nanoseconds.
    private var tickDue: UInt64 = 0
    /// When the loop last went on after it had stood still, because the machine or the process did,
    /// or a callback took long; in `nowNanoseconds`, 0 for never. Noticed while any deadline is
    /// set. What others sent meanwhile is read late: nobody was silent because of that. Loop thread
    /// only.
    package private(set) var resumedAt: UInt64 = 0

    /// A new loop with nothing on it.
    ///
    /// - Precondition: the kernel grants an epoll descriptor; a process that can't have one can't
    ///   do anything, and says so at once.
    package init() {
        // A write to a closed peer is reported by the call itself, not by a signal that would end
        // the process: sends carry MSG_NOSIGNAL, but not every call can.
        _ = signal(SIGPIPE, SIG_IGN)
        guard let config = unsafe event_config_new() else { preconditionFailure("out of memory") }
        defer { unsafe event_config_free(config) }
        // The changelist holds changes of interest back until the next epoll_wait, so that pausing
        // and resuming a side within one batch costs no system call.
        let flags = EVENT_BASE_FLAG_NOLOCK.rawValue | EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST.rawValue
        unsafe event_config_set_flag(config, Int32(flags))
        guard let base = unsafe event_base_new_with_config(config) else {
            preconditionFailure("no event loop: \(Errno.current)")
        }
        unsafe self.base = base
        guard let tick = unsafe event_new(base, -1, 0, nil, nil) else {
            preconditionFailure("out of memory")
        }
        unsafe self.tick = tick
        // Unretained: deinit deletes the event before the loop is gone.
        unsafe event_assign(
            tick, base, -1, 0,
            { _, _, context in
                guard let context = unsafe context else { return }
                unsafe Unmanaged<EventLoop>.fromOpaque(context).takeUnretainedValue()
                    .fireDeadlines()
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    deinit {
        unsafe event_free(tick)
        unsafe event_base_free(base)
    }

    /// Runs callbacks until `stop()`. Loop thread only.
    package func run() {
        precondition(!isRunning, "a loop runs once at a time")
        isRunning = true
        while !isStopping { turn(EVLOOP_ONCE) }
        isStopping = false
        isRunning = false
    }

    /// Makes `run()` return after the current batch of callbacks, or at once when it has not begun.
    /// Loop thread only.
    package func stop() {
        isStopping = true
        unsafe _ = event_base_loopbreak(base)
    }

    /// Runs the callbacks of one batch; waits for the first event when `waiting`. Loop thread only.
    package func runOnce(waiting: Bool = false) {
        turn(waiting ? EVLOOP_ONCE : EVLOOP_NONBLOCK)
    }

    private func turn(_ flags: Int32) {
        // One asked for between two turns must not stand for the time after the wait.
        cachedNow = 0
        isTurning = true
        unsafe _ = event_base_loop(base, flags)
        if !atTurnEnd.isEmpty { endTurn() }
        // Before the channels are released: what their release closes is not kept in turn.
        isTurning = false
        cachedNow = 0
        if !closed.isEmpty { closed.removeAll(keepingCapacity: true) }
    }

    private func endTurn() {
        // One may bring another here.
        var place = 0
        while place < atTurnEnd.count {
            let channel = atTurnEnd[place]
            place += 1
            channel.turnEnds()
        }
        atTurnEnd.removeAll(keepingCapacity: true)
    }

    /// Monotonic nanoseconds, read once per batch of callbacks: as exact as deadlines and latency
    /// figures need, without a clock read per event. Loop thread only.
    @inlinable package var nowNanoseconds: UInt64 {
        cachedNow != 0 ? cachedNow : readClock()
    }

    @usableFromInline func readClock() -> UInt64 {
        cachedNow = Self.monotonicNanoseconds()
        return cachedNow
    }

    private static func monotonicNanoseconds() -> UInt64 {
        var time = timespec()
        unsafe _ = clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    // MARK: - For Channel

    /// Has `channel` called at the end of the batch of callbacks.
    func awaitTurnEnd(of channel: Channel) { atTurnEnd.append(channel) }

    /// Keeps a closed channel alive until the current batch is over. Outside of one it keeps none:
    /// no callback is on the stack, who closes it holds it, and another batch may never come.
    func retire(_ channel: Channel) {
        if isTurning { closed.append(channel) }
    }

    /// Sees to it that deadlines are looked at while any is set.
    func armDeadlines() {
        guard !isTicking else { return }
        wheel.start(now: nowNanoseconds)
        scheduleTick()
    }

    private func fireDeadlines() {
        isTicking = false
        if nowNanoseconds > tickDue &+ DeadlineWheel.tickNanoseconds { resumedAt = nowNanoseconds }
        wheel.advance(to: nowNanoseconds)
        if !wheel.isEmpty, !isTicking { scheduleTick() }
    }

    private func scheduleTick() {
        isTicking = true
        tickDue = nowNanoseconds + DeadlineWheel.tickNanoseconds
        var time = timeval(tv_sec: 0, tv_usec: Int(DeadlineWheel.tickNanoseconds / 1000))
        unsafe event_add(tick, &time)
    }
}
