// The channel's side of a layer: it carries the layer's bytes, and sees to it that content which
// the layer holds is read although the socket is silent.

extension StreamChannel {
    /// Receives what the peer has sent, as the layer has it if there is one. Call it once for each
    /// readiness: when the layer holds more, the channel becomes readable again.
    ///
    /// Under a layer a stream that ends without the layer's word has `failed` with
    /// `connectionReset`: anybody on the way could have ended it.
    package func receive(into buffer: ReceiveBuffer) -> IOResult {
        guard let layer else { return descriptor.receive(into: buffer) }
        let result = receive(by: layer, into: buffer)
        if layer.hasPending { makeReadable() }
        return result
    }

    /// Puts `layer` between the stream, which is connected and has carried nothing yet, and its
    /// socket. Sends `preface`, which goes past the layer, and what the layer has to say first.
    /// The rest of its handshake goes on by `receive`, which gives no content before the layer is
    /// established.
    package func begin(_ layer: StreamLayer, behind preface: [UInt8] = []) -> WriteOutcome {
        precondition(self.layer == nil, "a stream has one layer")
        self.layer = layer
        let out = loop.layerBuffers.out
        out.append(preface.span)
        layer.begin(into: out)
        return transmit(out)
    }

    private func receive(by layer: StreamLayer, into buffer: ReceiveBuffer) -> IOResult {
        let buffers = loop.layerBuffers
        if layer.hasPending { return give(Span(), to: layer, into: buffer, buffers.out) }
        switch descriptor.receive(into: buffers.received, atMost: buffer.capacity) {
        case .bytes(let count):
            return buffers.received.withBytes(count) {
                give($0, to: layer, into: buffer, buffers.out)
            }
        case .endOfStream:
            let last = give(Span(), to: layer, into: buffer, buffers.out)
            return last == .wouldBlock ? .failed(.connectionReset) : last
        case .wouldBlock: return .wouldBlock
        case .failed(let error): return .failed(error)
        }
    }

    /// Gives `bytes` from the socket to the layer, and sends what that wants to say in return, by
    /// way of `reply`, which is empty.
    private func give(
        _ bytes: Span<UInt8>, to layer: StreamLayer, into buffer: ReceiveBuffer, _ reply: SendBuffer
    ) -> IOResult {
        let outcome = layer.receive(bytes, into: buffer, reply: reply)
        if !reply.isEmpty, case .failed(let error) = transmit(reply) { return .failed(error) }
        switch outcome {
        case .content(let count): return .bytes(count)
        case .needsMore: return .wouldBlock
        case .ended: return .endOfStream
        case .failed: return .failed(.protocolError)
        }
    }

    /// `write` under `layer`.
    func write(
        _ first: Span<UInt8>, _ second: Span<UInt8>, by layer: StreamLayer
    ) -> WriteOutcome {
        // Before the layer has them: what it was given has to be sent.
        guard !isCongested || keptCount + first.count + second.count <= Self.keptMax else {
            return .failed(.noBufferSpace)
        }
        let out = loop.layerBuffers.out
        if !first.isEmpty || !second.isEmpty { layer.send(first, second, into: out) }
        return transmit(out)
    }

    /// Has the layer take `first` and then `second`, and put into `sealed` what `send(sealed:)` is
    /// to send of them: before this stream writes or receives anything else, since a layer's bytes
    /// have one order. So many parts cross the kernel at once. Nothing without a layer.
    package func seal(_ first: SendBuffer, _ second: Span<UInt8>, into sealed: SendBuffer) {
        guard let layer else { return }
        first.withBytes { layer.send($0, second, into: sealed) }
    }

    /// Sends what was sealed, and empties `sealed`.
    package func send(sealed: SendBuffer) -> WriteOutcome {
        guard !isCongested || keptCount + sealed.count <= Self.keptMax else {
            return .failed(.noBufferSpace)
        }
        return transmit(sealed)
    }

    /// Sends what a layer has put into the loop's buffer, and empties that.
    private func transmit(_ out: SendBuffer) -> WriteOutcome {
        guard !out.isEmpty else { return isCongested ? .kept : .sent }
        defer { out.removeAll() }
        return out.withBytes { transmit($0, Span()) }
    }

    /// Where a splice may take the stream's bytes from; nil when a layer has to see them.
    package var spliceEnd: Descriptor? { layer == nil ? descriptor : nil }

    /// Whether nothing has come that was not received yet: no byte, no end and no error. Takes
    /// nothing away.
    package var isQuiet: Bool { layer?.hasPending != true && descriptor.isQuiet }

    /// Tells the peer that nothing more will be sent; reading goes on. A congested channel has to
    /// be told again once it has drained.
    package func endWriting() {
        notifyEnd()
        if !isCongested { descriptor.shutdownWriting() }
    }

    /// Says by the layer, if there is one, that nothing more will be sent.
    func notifyEnd() {
        guard let layer else { return }
        let out = loop.layerBuffers.out
        layer.closeNotify(into: out)
        switch transmit(out) {
        // A connection that is broken tells so when it is read.
        case .sent, .kept, .failed: break
        }
    }
}
