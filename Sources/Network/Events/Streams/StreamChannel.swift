// StreamChannel: a connected stream whose writes always take everything.
//
// What the kernel does not take at once is kept, and the caller is told, so that it stops reading
// from where the bytes come from: back-pressure with one buffer of bounded size, which exists only
// while the receiver is slow.

/// What became of the bytes given to `write`.
package enum WriteOutcome: Equatable, Sendable {
    /// The kernel took all of them.
    case sent
    /// Some are kept: stop producing until `onDrained`.
    case kept
    /// The connection is broken, or keeps too much already: reset it.
    case failed(Errno)
}

/// What became of one step of `splice`.
package enum SpliceOutcome: Equatable, Sendable {
    /// So many bytes were moved from the source to the connection; at least one.
    case sent(Int)
    /// So many bytes were taken from the source, and some are kept: stop until `onDrained`.
    case kept(Int)
    /// The source has nothing now.
    case wouldBlock
    /// The source has sent all it will send.
    case endOfStream
    /// The source is broken.
    case sourceFailed(Errno)
    /// The connection is broken; what was taken from the source is lost.
    case failed(Errno)
    /// There is no pipe to be had: receive and write instead.
    case unavailable
}

/// A TCP connection with buffered writing. Loop thread only.
open class StreamChannel: Channel {
    private var unsent = UnsentBytes()
    /// What lies between the stream and the socket, such as TLS; nil: nothing. An idle connection
    /// pays for it with its eight bytes, a write with one comparison.
    package internal(set) final var layer: StreamLayer?

    /// Bytes that are kept at most when more are written to a connection that keeps some. A
    /// producer that stops at `.kept` has one receive more to give, so only one that goes on comes
    /// here.
    package static let keptMax = 1 << 20

    /// Takes over `descriptor`, a connection that is new, and watches it on `loop`; call
    /// `startReading()` to hear of it.
    package override init(_ descriptor: Descriptor, on loop: EventLoop) {
        super.init(descriptor, on: loop)
    }

    /// Takes on a connection that another object had, with what is still to be sent on it.
    package init(_ handoff: consuming Handoff, on loop: EventLoop) {
        unsent = handoff.unsent
        layer = handoff.layer
        super.init(handoff.descriptor, on: loop)
        if isCongested { awaitWrite() }
    }

    /// Whether bytes are kept that the kernel has not taken yet.
    package var isCongested: Bool { !unsent.isEmpty }

    /// How many bytes are kept that the kernel has not taken yet, those of a splice not counted.
    package var keptCount: Int { unsent.byteCount }

    /// Some of what was kept is sent, and some is left: the receiver is slow, but alive.
    open func onProgress() {}
    /// Everything that was kept is sent; go on producing.
    open func onDrained() {}
    /// Sending what was kept failed; the connection is broken.
    open func onBroken() {}

    // MARK: - Writing

    /// Sends `first` and then `second`, either of which may be empty.
    package func write(_ first: Span<UInt8>, _ second: Span<UInt8> = Span()) -> WriteOutcome {
        if isCongested, unsent.byteCount + first.count + second.count > Self.keptMax {
            return .failed(.noBufferSpace)
        }
        guard let layer else { return transmit(first, second) }
        return write(first, second, by: layer)
    }

    /// Sends `first` and then `second`, bytes of the socket, or keeps them.
    @inline(__always)
    final func transmit(_ first: Span<UInt8>, _ second: Span<UInt8>) -> WriteOutcome {
        if isCongested {
            unsent.append(first, second)
            return .kept
        }
        let result =
            if second.isEmpty {
                first.isEmpty ? IOResult.bytes(0) : descriptor.send(first)
            } else {
                first.isEmpty ? descriptor.send(second) : descriptor.send(first, second)
            }
        var sent = 0
        switch result {
        case .bytes(let count):
            if count == first.count + second.count { return .sent }
            sent = count
        case .wouldBlock: break
        case .endOfStream: preconditionFailure("a write does not end a stream")
        case .failed(let error): return .failed(error)
        }
        let sentOfFirst = min(sent, first.count)
        unsent.append(
            first.extracting(sentOfFirst..<first.count),
            second.extracting(sent - sentOfFirst..<second.count))
        unsent.recordFull(descriptor)
        awaitWrite()
        return .kept
    }

    /// Sends `first` and then `second`; an array that is some object's property can't be lent as a
    /// span while that object may be called back.
    package func write(_ first: [UInt8], _ second: Span<UInt8> = Span()) -> WriteOutcome {
        write(first.span, second)
    }

    /// Sends what is in `first`, and then `second`; either may be empty.
    package func write(_ first: SendBuffer, _ second: Span<UInt8> = Span()) -> WriteOutcome {
        first.withBytes { write($0, second) }
    }

    /// Sends what is in `first`, and then `second`; either may be empty.
    package func write(_ first: SendBuffer, _ second: [UInt8]) -> WriteOutcome {
        write(first, second.span)
    }

    /// Sends what `source`, another connection's descriptor, has received: at most `limit` bytes
    /// (at least 1) and at most as many as a pipe holds, without copying them. Under a layer it is
    /// `unavailable`.
    ///
    /// - Precondition: the connection is not congested.
    package func splice(from source: Descriptor, limit: Int) -> SpliceOutcome {
        precondition(!isCongested, "a congested connection takes no more")
        guard layer == nil, let pipe = loop.pipes.take() else { return .unavailable }
        switch pipe.fill(from: source, limit: limit) {
        case .bytes(let taken):
            switch pipe.drain(to: descriptor) {
            case .bytes where pipe.count == 0:
                loop.pipes.giveBack(pipe)
                return .sent(taken)
            case .bytes, .wouldBlock:
                unsent.keep(pipe)
                unsent.recordFull(descriptor)
                awaitWrite()
                return .kept(taken)
            case .endOfStream: preconditionFailure("a write does not end a stream")
            case .failed(let error):
                loop.pipes.giveBack(pipe)
                return .failed(error)
            }
        case .wouldBlock:
            loop.pipes.giveBack(pipe)
            return .wouldBlock
        case .endOfStream:
            loop.pipes.giveBack(pipe)
            return .endOfStream
        case .failed(let error):
            loop.pipes.giveBack(pipe)
            return .sourceFailed(error)
        }
    }

    // MARK: - What is kept

    /// Sends on what was kept. A subclass that awaits writability for another reason as well, such
    /// as a connect, overrides this and calls `super` otherwise.
    open override func onWritable() {
        switch unsent.send(on: descriptor, loop.pipes) {
        case .bytes:
            if isCongested {
                unsent.recordFull(descriptor)
                onProgress()
            } else {
                stopAwaitingWrite()
                onDrained()
            }
        case .wouldBlock: break
        case .endOfStream, .failed:
            unsent.removeAll(loop.pipes)
            stopAwaitingWrite()
            onBroken()
        }
    }

    /// Whether the peer has acknowledged anything since this was last asked, or bytes last moved:
    /// asked when a congested connection seems to stand still. The kernel has room again only when
    /// a third of its buffer is empty, which takes a slow peer longer than it may take nothing.
    package func hasAcknowledgedMore() -> Bool {
        unsent.hasAcknowledgedMore(descriptor)
    }

    override func addReadEvent() {
        super.addReadEvent()
        if let layer, layer.hasPending { makeReadable() }
    }

    // MARK: - The ways out

    /// Gives the connection up to another object, with what is still to be sent on it, and
    /// `received`, which came on it and nobody has read.
    ///
    /// - Precondition: the channel is open.
    package func handOff(received: [UInt8] = []) -> Handoff {
        let handoff = Handoff(detach(), layer, unsent: unsent, received: received)
        unsent = UnsentBytes()
        layer = nil
        return handoff
    }

    /// Closes in such a way that the peer can tell a stream cut short from one that ended (RST).
    package override func reset() {
        // Before it could announce an end.
        layer = nil
        super.reset()
    }

    open override func close() {
        if isOpen, !isCongested { notifyEnd() }
        layer = nil
        unsent.removeAll(loop.pipes)
        super.close()
    }
}
