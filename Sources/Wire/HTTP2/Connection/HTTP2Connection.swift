// One connection of HTTP/2 (RFC 9113) as a machine: bytes in, events out, and frames of its own to
// send. It knows streams and windows, and decodes no header block; it has no descriptor and no
// clock. What the bytes come to does not depend on where they are cut.

internal import HTTP1

/// The state of one connection. One thread at a time. Allocates nothing for a request once its
/// tables have grown to the streams that there are at a time.
///
/// The caller reads by `next`, and after that sends what `takeControl` gives, always before
/// anything that the `write` functions append, so that SETTINGS come first.
package struct HTTP2Connection: ~Copyable {
    /// What the next bytes are.
    enum Reading {
        /// The client's preface, of which so many bytes have come.
        case magic(Int)
        /// A frame's header.
        case header
        /// The payload of a frame that is read as a whole.
        case payload
        /// The payload of a CONTINUATION.
        case fragment
        /// The first byte of padded DATA.
        case paddingLength
        /// Content of `dataSlot`.
        case content
        /// Nothing of interest.
        case skipped
        /// Nothing: the connection has failed.
        case failed
    }

    /// Which side this is.
    package let role: HTTP2Role
    let own: HTTP2Settings
    /// What the peer allows.
    package internal(set) var peer = HTTP2PeerSettings()

    // Reading.
    var reading: Reading
    /// The frame that is read, and the bytes of it that are still to come.
    var frame = FrameHeader(length: 0, type: .settings, stream: 0)
    var left = 0
    /// A frame's header that came in pieces, and how much of it is here.
    var headerBytes = InlineArray<9, UInt8>(repeating: 0)
    var headerCount = 0
    /// The payload of a frame that came in pieces, or the header block so far. `HTTP2Block` says
    /// which part of it is a whole block; that part stays until the next call of `next`.
    package internal(set) var gathered: [UInt8] = []
    var isHandedOut = false
    /// The header block that is gathered; nil for none.
    var block: GatheredBlock?
    /// Of DATA: the slot it goes to, -1 for none, and the padding in `left`.
    var dataSlot = -1
    var padding = 0

    // Streams.
    var streams = StreamTable()
    var endings = StreamEndings()
    /// Streams of the peer above this one are ignored, since GOAWAY said so.
    var lastAccepted = UInt32.max
    /// Streams of ours above this one will not be looked at, as the peer's GOAWAY said.
    var peerLast = UInt32.max
    /// Slots still to be compared with `peerLast`.
    var slotsToRefuse = 0

    // Windows.
    /// Bytes that may be sent on all streams together.
    var sendWindow = Int32(windowDefault)
    /// Bytes that the peer may still send on all streams together.
    var receiveWindow: Int32
    /// What `receiveWindow` grows to again.
    var connectionWindow: Int32
    /// Bytes given back that no WINDOW_UPDATE has told the peer yet.
    var unannounced: Int32 = 0

    // What is to be said.
    var control = ControlQueue()
    var budget = AbuseBudget()
    var pendingError: PendingError?
    var hasSettings = false
    var awaitsPong = false
    var awaitsDrainPong = false
    /// Whether the next header block must say that the dynamic table is not used (RFC 7541, 4.2).
    var mustShrinkTable = false

    /// At the start of a connection; the preface of this side is ready to be taken.
    /// - Precondition: the values of `own` are in their ranges.
    package init(_ role: HTTP2Role, _ own: HTTP2Settings) {
        own.check()
        self.role = role
        self.own = own
        reading = role == .server ? .magic(0) : .header
        connectionWindow = Int32(own.connectionWindow)
        receiveWindow = connectionWindow
        control.preface(role, own)
    }

    /// The next thing in `bytes` from `offset` on, which is 0 for bytes that are new. Call until it
    /// is `needMore`, each time from the end of the step before.
    /// - Parameter now: nanoseconds of a clock that never goes back.
    /// - Precondition: `offset` is at most `bytes.count`.
    package mutating func next(
        _ bytes: Span<UInt8>, from offset: Int, at now: UInt64
    ) -> HTTP2Step {
        precondition((0...bytes.count).contains(offset), "offset outside the bytes")
        if isHandedOut {
            gathered.removeAll(keepingCapacity: true)
            isHandedOut = false
        }
        budget.turn(now)
        var at = offset
        while true {
            if hasPending, let event = takePending() {
                return HTTP2Step(event: event, end: at)
            }
            if at == bytes.count, !isReady { return HTTP2Step(event: .needMore, end: at) }
            if let event = advance(bytes, &at) { return HTTP2Step(event: event, end: at) }
        }
    }

    /// Whether a frame without payload can be looked at though there are no more bytes.
    private var isReady: Bool {
        if case .payload = reading { return left == 0 }
        return false
    }

    /// Reads on from `at`, which moves. There is a byte, or `isReady`.
    private mutating func advance(_ bytes: Span<UInt8>, _ at: inout Int) -> HTTP2Event? {
        switch reading {
        case .magic(let count): return readMagic(count, bytes, &at)
        case .header: return readHeader(bytes, &at)
        case .payload: return readPayload(bytes, &at)
        case .fragment: return readFragment(bytes, &at)
        case .paddingLength:
            at += 1
            return beginPadded(Int(bytes[at - 1]), at: at)
        case .content: return readContent(bytes, &at)
        case .skipped:
            let count = min(left, bytes.count - at)
            at += count
            left -= count
            if left == 0 { reading = .header }
            return nil
        case .failed:
            at = bytes.count
            return nil
        }
    }

    private mutating func readMagic(
        _ matched: Int, _ bytes: Span<UInt8>, _ at: inout Int
    ) -> HTTP2Event? {
        let count = HTTP2Settings.clientMagic.utf8CodeUnitCount
        // A static string's bytes live as long as the program.
        let magic = unsafe UnsafeBufferPointer(
            start: HTTP2Settings.clientMagic.utf8Start, count: count)
        var matched = matched
        while matched < count, at < bytes.count {
            guard unsafe bytes[at] == magic[matched] else {
                return fail(.protocolError, .preface)
            }
            matched += 1
            at += 1
        }
        reading = matched == count ? .header : .magic(matched)
        return nil
    }

    private mutating func readHeader(_ bytes: Span<UInt8>, _ at: inout Int) -> HTTP2Event? {
        if headerCount == 0, bytes.count - at >= FrameHeader.bytes {
            let header = FrameHeader(bytes, at: at)
            at += FrameHeader.bytes
            return begin(header, at)
        }
        while headerCount < FrameHeader.bytes, at < bytes.count {
            headerBytes[headerCount] = bytes[at]
            headerCount += 1
            at += 1
        }
        guard headerCount == FrameHeader.bytes else { return nil }
        headerCount = 0
        return begin(FrameHeader(headerBytes.span, at: 0), at)
    }

    /// Looks at a frame's header; `at` is where its payload begins.
    private mutating func begin(_ header: FrameHeader, _ at: Int) -> HTTP2Event? {
        frame = header
        left = header.length
        budget.frame(FrameHeader.bytes + left)
        guard left <= FrameHeader.payloadBytesMax else {
            return fail(.frameSizeError, .frameTooLarge)
        }
        if let block {
            guard header.type == .continuation, header.stream == block.stream else {
                return fail(.protocolError, .blockInterrupted)
            }
            return beginFragment()
        }
        guard hasSettings || header.type == .settings && !header.flags.contains(.acknowledgement)
        else { return fail(.protocolError, .settingsMissing) }
        switch header.type {
        case .data: return beginData(at)
        case .headers: return beginHeaders()
        case .continuation: return fail(.protocolError, .continuationAlone)
        case .pushPromise: return fail(.protocolError, .pushPromise)
        case .priority, .resetStream, .settings, .ping, .goAway, .windowUpdate:
            reading = .payload
        default:
            reading = left == 0 ? .header : .skipped
        }
        return nil
    }

    /// Takes the payload of a frame that is looked at as a whole.
    private mutating func readPayload(_ bytes: Span<UInt8>, _ at: inout Int) -> HTTP2Event? {
        let count = min(left, bytes.count - at)
        let range = at..<at + count
        at = range.upperBound
        if count == frame.length {
            reading = .header
            return frame.type == .headers
                ? endHeaders(bytes, range) : controlFrame(bytes.extracting(range))
        }
        gathered.append(bytes.extracting(range))
        left -= count
        guard left == 0 else { return nil }
        reading = .header
        if frame.type == .headers { return endGatheredHeaders() }
        // Taken out, so that it can be read while everything else is changed.
        var payload: [UInt8] = []
        swap(&payload, &gathered)
        let event = controlFrame(payload.span)
        payload.removeAll(keepingCapacity: true)
        gathered = payload
        return event
    }
}

// MARK: - What follows of what was read

extension HTTP2Connection {
    /// An error that is to be told after something else.
    struct PendingError {
        /// The stream's; -1 for one of the connection that the caller found.
        let slot: Int
        let code: HTTP2ErrorCode
        let fault: HTTP2Fault
    }

    private var hasPending: Bool {
        @inline(__always) get {
            budget.verdict != nil || pendingError != nil || slotsToRefuse > 0
        }
    }

    /// What has to be told before more is read.
    private mutating func takePending() -> HTTP2Event? {
        if let error = pendingError {
            pendingError = nil
            if error.slot < 0 { return .connectionError(error.code, error.fault) }
            return .streamError(slot: error.slot, error.code, error.fault)
        }
        if hasFailed { return nil }
        if let verdict = budget.takeVerdict() {
            switch verdict {
            case .close(let fault): return fail(.enhanceYourCalm, fault)
            case .drain(let fault):
                goAway(.noError)
                return .draining(fault)
            }
        }
        while slotsToRefuse > 0 {
            slotsToRefuse -= 1
            if let event = refuse(slotsToRefuse) { return event }
        }
        return nil
    }

    /// Ends the stream of a slot if the peer's GOAWAY said that it will do nothing with it.
    private mutating func refuse(_ slot: Int) -> HTTP2Event? {
        guard slot < streams.slots else { return nil }
        let stream = streams[slot]
        guard stream.state.contains(.used), !stream.isClosed,
            stream.id == 0 || stream.id > peerLast
        else { return nil }
        streams[slot].state.formUnion([.closed, .resetByPeer])
        return .reset(slot: slot, .refusedStream)
    }

    /// Ends the connection by a fault of the peer.
    mutating func fail(_ code: HTTP2ErrorCode, _ fault: HTTP2Fault) -> HTTP2Event {
        budget.lastFault(fault)
        endConnection(code)
        return .connectionError(code, fault)
    }

    /// Resets a stream by a fault of the peer, and tells the caller unless the stream is over.
    mutating func failStream(_ slot: Int, _ code: HTTP2ErrorCode, _ fault: HTTP2Fault) {
        let isOver = streams[slot].isClosed
        control.reset(streams[slot].id, code)
        streams[slot].state.formUnion([.closed, .resetByUs])
        if !isOver { pendingError = PendingError(slot: slot, code: code, fault: fault) }
        budget.fault(fault)
        if role == .server { budget.reset() }
    }

    /// Answers a frame for a stream that has no slot any more.
    mutating func refuseFrame(_ code: HTTP2ErrorCode, _ fault: HTTP2Fault) {
        control.reset(frame.stream, code)
        budget.fault(fault)
    }

    /// Notes that the peer's side of a stream ended.
    mutating func endRemote(_ slot: Int) {
        streams[slot].state.insert(.remoteClosed)
        if streams[slot].isClosed { budget.good() }
    }

    /// Notes that our side of a stream ended.
    mutating func endLocal(_ slot: Int) {
        streams[slot].state.insert(.localClosed)
        if streams[slot].isClosed { budget.good() }
    }
}
