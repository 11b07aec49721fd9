// ListeningChannel: the one accept loop. It takes what has connected in small batches, and rests
// when nothing more can or may be taken: the socket stays readable then, and asking again at once
// would spin.

package import Endpoints

/// A listening socket that hands on what it accepts. Loop thread only; the loop and what is called
/// are kept until `close()`.
package final class ListeningChannel: Channel {
    /// Connections taken before others get their turn; more are waiting for the next batch.
    private static let batchMax = 16
    /// How long a rest lasts, in nanoseconds: 100 ms, far less than a client's patience.
    private static let restNanoseconds: UInt64 = 100_000_000

    private var onConnection: ((Descriptor, Endpoint) -> Void)?
    private var onLeft: (() -> Void)?
    private var isResting = false
    /// Called when none can be accepted, most often because no descriptor is left. The channel
    /// rests after it.
    package var onFailure: ((Errno) -> Void)?
    /// Asked at the end of a rest whether there is room for another connection; nil: there is.
    package var hasRoom: (() -> Bool)?

    /// Accepts, and gives each connection, with the address it comes from, to `onConnection`. It
    /// is non-blocking and closed on exec, and has what the listening socket has of TCP_NODELAY
    /// and `PeerLimits`.
    package func start(_ onConnection: @escaping (Descriptor, Endpoint) -> Void) {
        self.onConnection = onConnection
        startReading()
    }

    /// Accepts nothing for a moment. May be called from within `onConnection`.
    package func rest() {
        isResting = true
        stopReading()
        // One that leaves tries once more at its end, which stays.
        if onLeft == nil { deadlineNanoseconds = loop.nowNanoseconds + Self.restNanoseconds }
    }

    public override func onReadable() {
        accept(atMost: Self.batchMax)
    }

    private func accept(atMost limit: Int) {
        guard let onConnection else { return }
        isResting = false
        var left = limit
        while left > 0, isOpen, !isResting {
            left -= 1
            switch descriptor.accept() {
            case .connection(let connection, let peer): onConnection(connection, peer)
            case .wouldBlock: return
            case .failed(let error):
                onFailure?(error)
                rest()
            }
        }
    }

    public override func onDeadline() {
        if let onLeft {
            closeAtOnce()
            onLeft()
        } else if hasRoom?() ?? true {
            startReading()
        } else {
            rest()
        }
    }

    // MARK: - The end

    /// Takes what has connected already, then stops listening: the kernel would reset it.
    package func closeAtOnce() {
        accept(atMost: .max)
        close()
    }

    /// Stops listening where others go on: takes no new handshakes, and what comes of those that
    /// have begun for a moment more; then it closes and calls `onLeft`. False when it can't.
    package func leave(_ onLeft: @escaping () -> Void) -> Bool {
        guard descriptor.dropNewHandshakes() else { return false }
        self.onLeft = onLeft
        startReading()
        deadlineNanoseconds = loop.nowNanoseconds + Descriptor.handshakeNanoseconds
        return true
    }

    /// Stops listening; the kernel resets what has connected and was not accepted. Harmless when
    /// repeated.
    public override func close() {
        super.close()
        onConnection = nil
        onLeft = nil
        onFailure = nil
        hasRoom = nil
    }
}
