// RelayEnd: one of the two connections of a relay. It passes on what it receives to its peer, each
// direction by itself, so that one side may end its sending while the other goes on (half-close).
//
// Two ways lead across: received into the worker's buffer and sent from there, or, for bulk,
// spliced inside the kernel; `SpliceChoice` says which.

internal import Events
internal import Stats

/// One connection of a `TCPRelay`. Worker thread only.
final class RelayEnd: StreamChannel {
    /// What is still to come from this side.
    private enum Inflow {
        /// Bytes may come.
        case open
        /// The peer has sent its FIN.
        case ended
        /// The peer reset the connection, or gave up taking, and all that came before has been
        /// read.
        case broken
    }

    private let relay: TCPRelay
    /// Which backend this side is; nil for the client.
    let backend: PooledBackend?
    /// Where to what comes in goes; nil while there is no connection to a backend, and after the
    /// relay's end.
    var peer: RelayEnd?
    /// The backend has not accepted yet.
    var isConnecting = false
    private var inflow = Inflow.open
    /// Writing to this side failed: what it sent before may still be read, then it is broken.
    private var takesNoMore = false
    private var choice = SpliceChoice()
    /// Where the frames of a WebSocket's backend end; nil for anything else.
    var frames: WebSocketFrames?
    /// What is known of its host (TCPRelay+Watch.swift).
    var watch = PeerWatch()
    /// Whether the kernel asks its host now and then whether it is there.
    var isKeptAlive = false

    /// Takes a connection on, the client's or, when `backend` is given, that backend's.
    init(_ handoff: consuming Handoff, of relay: TCPRelay, to backend: PooledBackend? = nil) {
        self.relay = relay
        self.backend = backend
        super.init(handoff, on: relay.worker.loop)
    }

    // MARK: - In

    override func onReadable() {
        guard let peer else { return }
        if choice.isSplice, spliceLimit >= SpliceChoice.smallestSplice, let source = spliceEnd {
            splice(source, to: peer)
        } else {
            copy(to: peer)
        }
    }

    private func copy(to peer: RelayEnd) {
        let buffer = relay.worker.buffer
        switch receive(into: buffer) {
        case .bytes(let count):
            // Between the payloads of a WebSocket that are spliced a little is received.
            if !choice.isSplice { choice.noteReceived(count, of: buffer.capacity) }
            noteMoved(count, to: peer)
            buffer.withBytes(count) { bytes in
                if relay.isParting, frames != nil {
                    part(bytes, peer)
                } else {
                    follow(bytes)
                    pass(bytes, to: peer)
                }
            }
        case .wouldBlock: break
        case .endOfStream: inflowEnded(.ended, peer)
        case .failed: inflowEnded(.broken, peer)
        }
    }

    private func splice(_ source: Descriptor, to peer: RelayEnd) {
        switch peer.splice(from: source, limit: spliceLimit) {
        case .sent(let count):
            choice.noteSpliced(count)
            frames?.skip(count)
            noteMoved(count, to: peer)
        case .kept(let count):
            frames?.skip(count)
            noteMoved(count, to: peer)
            stopReading()
        case .wouldBlock: break
        case .endOfStream: inflowEnded(.ended, peer)
        case .sourceFailed: inflowEnded(.broken, peer)
        case .failed: peer.outflowFailed()
        case .unavailable:
            choice.noteUnavailable()
            copy(to: peer)
        }
    }

    /// The most bytes that one step may move: a pipe's pieces can be large, and others wait.
    private static let spliceMax = 1 << 20

    /// How many bytes the next step may move without a look at them: of a WebSocket no more than
    /// what is left of the frame under way.
    private var spliceLimit: Int {
        guard let frames, !frames.isLost else { return Self.spliceMax }
        return Int(min(frames.remaining, UInt64(Self.spliceMax)))
    }

    // MARK: - Frames

    /// Follows the frames in bytes that came from this side.
    func follow(_ bytes: Span<UInt8>) {
        if frames != nil { _ = frames?.advance(bytes, stops: false) }
    }

    /// Passes on those of `bytes` that belong to the frame under way. Once that has ended, so does
    /// the stream, and the rest is dropped.
    private func part(_ bytes: Span<UInt8>, _ peer: RelayEnd) {
        let count = frames?.advance(bytes, stops: true) ?? bytes.count
        pass(bytes.extracting(0..<count), to: peer)
        _ = sayGoodbye(to: peer)
    }

    /// Ends a WebSocket between two frames of its backend, which this side is: by a close frame,
    /// unless the backend has sent one. False when that can't be done here and now.
    func sayGoodbye(to client: RelayEnd) -> Bool {
        guard let frames, frames.isAtBoundary, inflow == .open, !client.takesNoMore else {
            return false
        }
        if !frames.hasClosed {
            switch client.write(WebSocketFrames.goingAway) {
            case .sent, .kept: break
            case .failed: return false
            }
        }
        relay.saidGoodbye()
        return true
    }

    /// Passes on bytes that came from this side.
    func pass(_ bytes: Span<UInt8>, to peer: RelayEnd) {
        switch peer.write(bytes) {
        case .sent: break
        case .kept: stopReading()
        case .failed: peer.outflowFailed()
        }
    }

    /// Counts bytes that came from this side.
    func noteMoved(_ count: Int, to peer: RelayEnd) {
        relay.noteActivity()
        let counters = relay.pool.counters
        if let backend {
            relay.bytesOut += count
            counters.add(.bytesToClients, count)
            backend.counters.add(.bytesReceived, count)
        } else {
            relay.bytesIn += count
            counters.add(.bytesFromClients, count)
            peer.backend?.counters.add(.bytesSent, count)
        }
    }

    /// Nothing more comes from this side.
    private func inflowEnded(_ ending: Inflow, _ peer: RelayEnd) {
        inflow = takesNoMore ? .broken : ending
        stopReading()
        passEnd(to: peer)
    }

    /// Tells `peer` that everything from this side has come, once it has got all of that.
    private func passEnd(to peer: RelayEnd) {
        guard !peer.isCongested else { return }
        switch inflow {
        case .open: startReading()
        case .broken: relay.broken(by: self, peer)
        case .ended:
            if peer.inflow == .ended, !isCongested {
                relay.finish(.complete, .complete)
            } else {
                peer.endWriting()
            }
        }
    }

    // MARK: - Out

    override func onProgress() {
        relay.noteActivity()
    }

    override func onDrained() {
        relay.noteActivity()
        peer?.passEnd(to: self)
    }

    override func onBroken() {
        outflowFailed()
    }

    /// Writing to this side failed. Its last words may have come before: they are passed on, and
    /// only then the break.
    private func outflowFailed() {
        guard let peer else { return }
        takesNoMore = true
        peer.stopReading()
        if inflow == .ended { inflow = .broken }
        passEnd(to: peer)
    }

    override func onWritable() {
        if isConnecting {
            relay.connectEnded(self)
        } else {
            super.onWritable()
        }
    }

    override func onDeadline() {
        relay.deadlinePassed(isConnecting: isConnecting)
    }
}
