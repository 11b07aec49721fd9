// ClosingConnection: the one way in which a connection ends without loss.
//
// close(2) at once would be answered with RST to whatever the peer still sends, and an RST throws
// away what the peer has not got yet (RFC 9112, section 9.6); and a process that exits takes
// nothing along that would go on sending where its network goes with it, as a container's does. So
// a connection with nothing more to say is handed over to an object that only ends it:
//
//   sending ── all taken by the kernel ──▶ delivering ── all acknowledged ──▶ lingering ──▶ closed
//
// What the peer sends meanwhile is read and dropped, unless it is dismissed. As long as its
// acknowledgements go on, so does this; a peer that takes nothing for `stall` is reset.

/// How a connection ends once its peer has everything.
package enum Farewell: Sendable {
    /// With FIN: this was all of it.
    case end
    /// With RST, so that the peer can tell that it was cut short.
    case cut
    /// With RST, and what the peer still sends is not read: it has been sent away for what it did.
    case dismiss
}

/// The limits of a connection's end, in nanoseconds.
package struct ClosingLimits: Sendable {
    /// How long the peer may take without acknowledging a byte.
    package var stall: UInt64
    /// How long the peer has to end its side, from the time that it has everything.
    package var linger: UInt64

    /// Both in nanoseconds.
    package init(stall: UInt64, linger: UInt64 = 2_000_000_000) {
        self.stall = stall
        self.linger = linger
    }
}

/// A connection that is being ended: created with what is left to send, started by `begin()`,
/// closed by itself. Loop thread only.
open class ClosingConnection: StreamChannel {
    private enum Phase {
        /// Bytes are kept that the kernel has not taken.
        case sending
        /// The kernel has everything, the peer has not acknowledged all of it.
        case delivering
        /// The peer has everything, and has not ended its side.
        case lingering
    }

    private let farewell: Farewell
    private let limits: ClosingLimits
    /// Where what the peer still sends is read to.
    private let buffer: ReceiveBuffer
    private var phase = Phase.sending
    /// The peer has sent its FIN.
    private var peerHasEnded: Bool
    /// Bytes not acknowledged at the last look, and when they last became fewer.
    private var unacknowledged = Int.max
    private var progressedAt: UInt64

    /// Called once, when the connection is closed.
    package var onClosed: (() -> Void)?

    /// How often acknowledgements are looked at, in nanoseconds: the kernel tells nobody.
    private static let lookInterval: UInt64 = 100_000_000

    /// Takes over the descriptor of `channel`, which is open, and what it keeps. `buffer` is lent
    /// while something is read.
    package init(
        _ channel: StreamChannel, _ farewell: Farewell, limits: ClosingLimits,
        peerHasEnded: Bool = false, dropping buffer: ReceiveBuffer
    ) {
        self.farewell = farewell
        self.limits = limits
        self.peerHasEnded = peerHasEnded
        self.buffer = buffer
        progressedAt = channel.loop.nowNanoseconds
        super.init(channel.handOff(), on: channel.loop)
    }

    /// Whether the peer has acknowledged everything: a close loses nothing.
    package var isDelivered: Bool { phase == .lingering }

    /// Goes on with the end; `close()` may be called before this returns.
    package func begin() {
        if !peerHasEnded, farewell != .dismiss { startReading() }
        if farewell == .end { notifyEnd() }
        if isCongested {
            deadlineNanoseconds = loop.nowNanoseconds + limits.stall
        } else {
            deliver()
        }
    }

    /// Waits no longer. What the kernel has, it goes on delivering; what is kept here is lost, and
    /// the peer can tell.
    package func giveUp() {
        if isCongested || farewell != .end { reset() } else { close() }
    }

    private func deliver() {
        phase = .delivering
        progressedAt = loop.nowNanoseconds
        switch farewell {
        case .cut, .dismiss: look()
        case .end:
            descriptor.shutdownWriting()
            // A peer that takes everything at once ends its side before that, most often.
            deadlineNanoseconds = progressedAt + Self.lookInterval
        }
    }

    private func look() {
        let count = descriptor.unacknowledgedCount
        guard count > 0 else {
            delivered()
            return
        }
        let now = loop.nowNanoseconds
        if count < unacknowledged {
            unacknowledged = count
            progressedAt = now
        }
        let end = progressedAt &+ limits.stall
        if now >= end { reset() } else { deadlineNanoseconds = min(now + Self.lookInterval, end) }
    }

    private func delivered() {
        switch farewell {
        case .cut, .dismiss: reset()
        case .end where peerHasEnded: close()
        case .end:
            phase = .lingering
            deadlineNanoseconds = loop.nowNanoseconds + limits.linger
        }
    }

    open override func close() {
        guard isOpen else { return }
        super.close()
        let action = onClosed
        onClosed = nil
        action?()
    }

    // MARK: - Events

    public override func onReadable() {
        // Past the layer, if there is one: it is dropped unread.
        switch descriptor.receive(into: buffer) {
        case .bytes, .wouldBlock: break
        case .endOfStream:
            peerHasEnded = true
            stopReading()
            switch phase {
            case .sending: break
            case .delivering: look()
            case .lingering: close()
            }
        case .failed: close()
        }
    }

    public override func onProgress() {
        deadlineNanoseconds = loop.nowNanoseconds + limits.stall
    }

    public override func onDrained() { deliver() }

    public override func onBroken() { close() }

    public override func onDeadline() {
        switch phase {
        case .sending: if hasAcknowledgedMore() { onProgress() } else { reset() }
        case .delivering: look()
        case .lingering: close()
        }
    }
}
