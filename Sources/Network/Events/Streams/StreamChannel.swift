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
    /// Kept from the last step of `splice`; goes before `unsent`.
    private var unsentPipe: SplicePipe?
    private var unsent: [UInt8] = []
    private var unsentStart = 0
    /// Bytes that the peer had not acknowledged when the kernel last took no more.
    private var unacknowledgedWhenFull = 0

    /// Bytes that are kept at most when more are written to a connection that keeps some. A
    /// producer that stops at `.kept` has one receive more to give, so only one that goes on comes
    /// here.
    package static let keptMax = 1 << 20

    /// Whether bytes are kept that the kernel has not taken yet.
    package var isCongested: Bool { !unsent.isEmpty || unsentPipe != nil }

    /// Some of what was kept is sent, and some is left: the receiver is slow, but alive.
    open func onProgress() {}
    /// Everything that was kept is sent; go on producing.
    open func onDrained() {}
    /// Sending what was kept failed; the connection is broken.
    open func onBroken() {}

    // MARK: - Writing

    /// Sends `first` and then `second`, either of which may be empty.
    package func write(_ first: Span<UInt8>, _ second: Span<UInt8> = Span()) -> WriteOutcome {
        if isCongested {
            guard unsent.count - unsentStart + first.count + second.count <= Self.keptMax else {
                return .failed(.noBufferSpace)
            }
            unsent.append(first)
            unsent.append(second)
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
        unsent.append(first.extracting(sentOfFirst..<first.count))
        unsent.append(second.extracting(sent - sentOfFirst..<second.count))
        noteFull()
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
    /// (at least 1) and at most as many as a pipe holds, without copying them.
    ///
    /// - Precondition: the connection is not congested.
    package func splice(from source: Descriptor, limit: Int) -> SpliceOutcome {
        precondition(!isCongested, "a congested connection takes no more")
        guard let pipe = loop.pipes.take() else { return .unavailable }
        switch pipe.fill(from: source, limit: limit) {
        case .bytes(let taken):
            switch pipe.drain(to: descriptor) {
            case .bytes where pipe.count == 0:
                loop.pipes.giveBack(pipe)
                return .sent(taken)
            case .bytes, .wouldBlock:
                unsentPipe = pipe
                noteFull()
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

    /// Takes what was kept, for a successor that sends it in its turn.
    package func takeUnsent() -> [UInt8] {
        var rest: [UInt8] = []
        if let pipe = unsentPipe {
            rest = pipe.takeAll()
            drop(pipe)
        }
        rest += unsent[unsentStart...]
        unsent = []
        unsentStart = 0
        stopAwaitingWrite()
        return rest
    }

    /// Takes what `channel`, which is closed by now and had this one's descriptor, kept.
    func takeOver(_ channel: StreamChannel) {
        swap(&unsent, &channel.unsent)
        swap(&unsentStart, &channel.unsentStart)
        swap(&unsentPipe, &channel.unsentPipe)
        unacknowledgedWhenFull = channel.unacknowledgedWhenFull
        if isCongested { awaitWrite() }
    }

    /// Sends on what was kept. A subclass that awaits writability for another reason as well, such
    /// as a connect, overrides this and calls `super` otherwise.
    open override func onWritable() {
        guard let pipe = unsentPipe else {
            sendUnsent()
            return
        }
        switch pipe.drain(to: descriptor) {
        case .bytes:
            if pipe.count == 0 { drop(pipe) }
            if isCongested { progressed() } else { drained() }
        case .wouldBlock: break
        case .endOfStream, .failed: sendingFailed()
        }
    }

    private func sendUnsent() {
        let rest = unsent.span.extracting(unsentStart..<unsent.count)
        switch descriptor.send(rest) {
        case .bytes(let count):
            unsentStart += count
            guard unsentStart == unsent.count else {
                progressed()
                return
            }
            unsent = []
            unsentStart = 0
            drained()
        case .wouldBlock: break
        case .endOfStream, .failed: sendingFailed()
        }
    }

    private func progressed() {
        noteFull()
        onProgress()
    }

    private func noteFull() {
        unacknowledgedWhenFull = descriptor.unacknowledgedCount
    }

    /// Whether the peer has acknowledged anything since this was last asked, or bytes last moved:
    /// asked when a congested connection seems to stand still. The kernel has room again only when
    /// a third of its buffer is empty, which takes a slow peer longer than it may take nothing.
    package func hasAcknowledgedMore() -> Bool {
        let before = unacknowledgedWhenFull
        noteFull()
        return unacknowledgedWhenFull < before
    }

    private func drained() {
        stopAwaitingWrite()
        onDrained()
    }

    private func sendingFailed() {
        dropUnsent()
        stopAwaitingWrite()
        onBroken()
    }

    private func dropUnsent() {
        unsent = []
        unsentStart = 0
        if let unsentPipe { drop(unsentPipe) }
    }

    private func drop(_ pipe: SplicePipe) {
        unsentPipe = nil
        loop.pipes.giveBack(pipe)
    }

    open override func close() {
        dropUnsent()
        super.close()
    }
}

extension [UInt8] {
    /// Appends all of `bytes` in one copy.
    fileprivate mutating func append(_ bytes: Span<UInt8>) {
        // The pointer is used only inside the closure, while the span lives.
        unsafe bytes.withUnsafeBufferPointer { unsafe self.append(contentsOf: $0) }
    }
}
