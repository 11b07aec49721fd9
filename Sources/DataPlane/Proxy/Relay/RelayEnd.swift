// RelayEnd: one of the two connections of a relay. It passes on what it receives to its peer. Each
// direction works by itself, so that one side may stop sending while the other goes on
// (half-close).
//
// Bytes are received into the worker's buffer and sent from there or, in bulk, spliced inside the
// kernel; `SpliceChoice` decides.

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
        /// The peer reset the connection, or takes no more, and all that came before has been read.
        case broken
    }

    private let relay: TCPRelay
    /// The backend on this side; nil for the client.
    let backend: PooledBackend?
    /// The other end, which gets what comes in; nil while there is no connection to a backend, and
    /// after the relay's end.
    var peer: RelayEnd?
    /// Whether the connection is still being made, or made secure.
    var isConnecting = false
    private var inflow = Inflow.open
    /// Whether a write to this side failed: what it sent before may still be read, then it is
    /// broken.
    private var takesNoMore = false
    private var choice = SpliceChoice()
    /// Where the frames of a WebSocket from this backend end; nil for anything else.
    var frames: WebSocketFrames?
    /// What is known of the peer's host (TCPRelay+Watch.swift).
    var watch = PeerWatch()
    /// Whether the kernel probes the peer's host with keepalives.
    var isKeptAlive = false

    /// The end for a connection of the client or, with `backend`, of that backend.
    init(_ handoff: consuming Handoff, of relay: TCPRelay, to backend: PooledBackend? = nil) {
        self.relay = relay
        self.backend = backend
        super.init(handoff, on: relay.worker.loop)
    }

    // MARK: - In

    override func onReadable() {
        guard let peer else {
            if isConnecting { goOnSecuring() }
            return
        }
        if choice.isSplice, spliceLimit >= SpliceChoice.smallestSplice, let source = spliceEnd {
            splice(source, to: peer)
        } else {
            copy(to: peer)
        }
    }

    /// Goes on with the handshake of TLS, which comes before any content.
    private func goOnSecuring() {
        switch receive(into: relay.worker.buffer) {
        case .bytes: preconditionFailure("a layer gives content after its handshake")
        case .wouldBlock: if layer?.isEstablished == true { relay.secured(self) }
        case .endOfStream: relay.securingFailed(self, .connectionReset)
        case .failed(let error): relay.securingFailed(self, error)
        }
    }

    private func copy(to peer: RelayEnd) {
        let buffer = relay.worker.buffer
        switch receive(into: buffer) {
        case .bytes(let count):
            // A little is received between the spliced payloads of a WebSocket.
            if !choice.isSplice { choice.recordReceived(count, of: buffer.capacity) }
            countMoved(count, to: peer)
            buffer.withBytes(count) { bytes in
                if relay.isParting, frames != nil {
                    passLastFrame(bytes, peer)
                } else {
                    follow(bytes)
                    pass(bytes, to: peer)
                }
            }
        case .wouldBlock: break
        case .endOfStream: inflowEnded(.ended, peer)
        case .failed:
            if backend == nil { relay.listener.countFlood(self) }
            inflowEnded(.broken, peer)
        }
    }

    private func splice(_ source: Descriptor, to peer: RelayEnd) {
        switch peer.splice(from: source, limit: spliceLimit) {
        case .sent(let count):
            choice.recordSpliced(count)
            frames?.skip(count)
            countMoved(count, to: peer)
        case .kept(let count):
            frames?.skip(count)
            countMoved(count, to: peer)
            stopReading()
        case .wouldBlock: break
        case .endOfStream: inflowEnded(.ended, peer)
        case .sourceFailed: inflowEnded(.broken, peer)
        case .failed: peer.outflowFailed()
        case .unavailable:
            choice.recordUnavailable()
            copy(to: peer)
        }
    }

    /// The most bytes that one step may move: a pipe can be large, and other connections wait.
    private static let spliceMax = 1 << 20

    /// How many bytes the next step may move unseen: of a WebSocket no more than the rest of the
    /// current frame.
    private var spliceLimit: Int {
        guard let frames, !frames.isLost else { return Self.spliceMax }
        return Int(min(frames.remaining, UInt64(Self.spliceMax)))
    }

    // MARK: - Frames

    /// Tracks the frames in bytes that came from this side.
    func follow(_ bytes: Span<UInt8>) {
        if frames != nil { _ = frames?.advance(bytes, stops: false) }
    }

    /// Passes on those of `bytes` that belong to the current frame. Once that has ended, so does
    /// the stream, and the rest is dropped.
    private func passLastFrame(_ bytes: Span<UInt8>, _ peer: RelayEnd) {
        let count = frames?.advance(bytes, stops: true) ?? bytes.count
        pass(bytes.extracting(0..<count), to: peer)
        _ = sendCloseFrame(to: peer)
    }

    /// Ends a WebSocket between two frames from its backend, which is this side: sends a close
    /// frame to `client`, unless the backend has sent one. False when that is not possible now.
    func sendCloseFrame(to client: RelayEnd) -> Bool {
        guard let frames, frames.isAtBoundary, inflow == .open, !client.takesNoMore else {
            return false
        }
        if !frames.hasClosed {
            switch client.write(WebSocketFrames.goingAway) {
            case .sent, .kept: break
            case .failed: return false
            }
        }
        relay.closeFrameSent()
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
    func countMoved(_ count: Int, to peer: RelayEnd) {
        relay.recordActivity()
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

    /// This side sends nothing more.
    private func inflowEnded(_ ending: Inflow, _ peer: RelayEnd) {
        inflow = takesNoMore ? .broken : ending
        stopReading()
        passEnd(to: peer)
    }

    /// Ends the sending to `peer` once it has got everything from this side.
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
        relay.recordActivity()
    }

    override func onDrained() {
        relay.recordActivity()
        peer?.passEnd(to: self)
    }

    override func onBroken() {
        outflowFailed()
    }

    /// A write to this side failed. It may have sent something before: that is passed on first, and
    /// then the break.
    private func outflowFailed() {
        guard let peer else { return }
        takesNoMore = true
        peer.stopReading()
        if inflow == .ended { inflow = .broken }
        passEnd(to: peer)
    }

    override func onWritable() {
        if isConnecting, layer == nil {
            relay.connectEnded(self)
        } else {
            super.onWritable()
        }
    }

    override func onDeadline() {
        relay.deadlinePassed(isConnecting: isConnecting)
    }
}
