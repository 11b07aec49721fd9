// Channel: one descriptor on one loop. Subclasses say what readiness means.
//
// The read event is added once and stays (level-triggered, persistent): no interest is changed per
// request. Write interest exists only while something could not be written. There is one way out,
// close(), and the object outlives every callback that may still be on the stack.

internal import CLibevent
internal import Glibc

/// A descriptor that the loop watches. Loop thread only.
///
/// `open` and not `package`, because only `open` allows subclasses in other modules.
/// From `init` to `close()` the loop keeps the channel alive; nobody else needs to.
@safe open class Channel: Deadlined {
    /// The descriptor; owned: `close()` closes it. Invalid once `isOpen` is false.
    package let descriptor: Descriptor
    /// False from `close()` on.
    package private(set) var isOpen = true
    /// Whether `onReadable` is called when there is something to read.
    @usableFromInline package private(set) var isReading = false
    /// Whether `onWritable` is called when there is room to write.
    package private(set) var isAwaitingWrite = false
    private var isAwaitingTurnEnd = false

    // libevent's own records, 128 bytes each; allocated so that their address stays, freed in
    // deinit, which runs only after event_del. The write event exists from its first use on.
    private let readEvent: UnsafeMutablePointer<event>
    private var writeEvent: UnsafeMutablePointer<event>?

    /// Takes over `descriptor` and watches it on `loop`; call `startReading()` to hear of it.
    package init(_ descriptor: Descriptor, on loop: EventLoop) {
        self.descriptor = descriptor
        unsafe readEvent = .allocate(capacity: 1)
        unsafe readEvent.initialize(to: event())
        super.init(on: loop)
        // The context pointer is this object, retained below until close().
        let context = unsafe Unmanaged.passRetained(self).toOpaque()
        unsafe event_assign(
            readEvent, loop.base, descriptor.number, Int16(EV_READ | EV_PERSIST),
            { _, _, context in
                guard let context = unsafe context else { return }
                unsafe Unmanaged<Channel>.fromOpaque(context)._withUnsafeGuaranteedRef {
                    $0.onReadable()
                }
            }, context)
    }

    deinit {
        precondition(!isOpen, "a channel was released without close()")
        unsafe readEvent.deallocate()
        unsafe writeEvent?.deallocate()
    }

    // MARK: - What a subclass answers

    /// There is something to read: bytes, the end of the stream, an error or a connection.
    open func onReadable() {}
    /// There is room to write, or a connect has ended; asked for by `awaitWrite()`.
    open func onWritable() {}

    /// The batch of callbacks in which `awaitTurnEnd()` was called is over: what was gathered in it
    /// can go out at once.
    open func onTurnEnd() {}

    // MARK: - Interest

    /// Asks for `onTurnEnd`, once, if the channel is still open then.
    package func awaitTurnEnd() {
        guard isOpen, !isAwaitingTurnEnd else { return }
        isAwaitingTurnEnd = true
        loop.awaitTurnEnd(of: self)
    }

    func turnEnds() {
        isAwaitingTurnEnd = false
        if isOpen { onTurnEnd() }
    }

    /// Asks for `onReadable`.
    @inlinable package func startReading() {
        if !isReading { addReadEvent() }
    }

    @usableFromInline func addReadEvent() {
        guard isOpen else { return }
        isReading = true
        unsafe event_add(readEvent, nil)
    }

    /// Has `onReadable` called soon although the descriptor may be silent, if the channel reads.
    func makeReadable() {
        guard isOpen, isReading else { return }
        unsafe event_active(readEvent, Int32(EV_READ), 1)
    }

    /// Stops `onReadable`, so that the peer feels back-pressure.
    package func stopReading() {
        guard isOpen, isReading else { return }
        isReading = false
        unsafe event_del(readEvent)
    }

    /// Asks for `onWritable` until `stopAwaitingWrite()`.
    package func awaitWrite() {
        guard isOpen, !isAwaitingWrite else { return }
        isAwaitingWrite = true
        unsafe event_add(writeEventMade(), nil)
    }

    /// Stops `onWritable`.
    package func stopAwaitingWrite() {
        guard isOpen, isAwaitingWrite, let writeEvent = unsafe writeEvent else { return }
        isAwaitingWrite = false
        unsafe event_del(writeEvent)
    }

    private func writeEventMade() -> UnsafeMutablePointer<event> {
        if let writeEvent = unsafe writeEvent { return unsafe writeEvent }
        let made = UnsafeMutablePointer<event>.allocate(capacity: 1)
        unsafe made.initialize(to: event())
        // Unretained: the read event's reference keeps this object until both are deleted.
        unsafe event_assign(
            made, loop.base, descriptor.number, Int16(EV_WRITE | EV_PERSIST),
            { _, _, context in
                guard let context = unsafe context else { return }
                unsafe Unmanaged<Channel>.fromOpaque(context)._withUnsafeGuaranteedRef {
                    $0.onWritable()
                }
            }, Unmanaged.passUnretained(self).toOpaque())
        unsafe writeEvent = made
        return unsafe made
    }

    /// A channel that is closed has no deadline any more.
    override func putInWheel() {
        if isOpen { super.putInWheel() }
    }

    // MARK: - The way out

    /// Stops all callbacks, closes the descriptor and releases the object: once the current batch
    /// is over, or at once outside of one. Harmless when repeated. A subclass that overrides it
    /// calls `super.close()`.
    open func close() {
        guard isOpen else { return }
        detach().close()
    }

    /// The other way out: like `close()`, but leaves the descriptor open and to the caller.
    ///
    /// - Precondition: the channel is open.
    package func detach() -> Descriptor {
        precondition(isOpen, "a closed channel has no descriptor to give")
        stopReading()
        stopAwaitingWrite()
        loop.wheel.remove(self)
        isOpen = false
        loop.retire(self)
        // Balances passRetained in init; the loop or, outside of a batch, the caller holds the
        // object now.
        unsafe Unmanaged.passUnretained(self).release()
        return descriptor
    }

    /// Closes in such a way that the peer can tell a stream cut short from one that ended (RST).
    package func reset() {
        descriptor.resetOnClose()
        close()
    }
}
