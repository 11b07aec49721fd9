// What the caller does to a connection: writes frames, opens, resets and releases streams, ends it.

internal import HTTP1

extension HTTP2Connection {
    // MARK: - Frames of the connection's own

    /// Bytes that `takeControl` gives.
    package var controlBytes: Int { control.bytes.count }

    /// Whether the peer causes more answers than are taken: nothing should be read until they are.
    package var mustPause: Bool { control.frames >= 64 }

    /// Appends the frames that the connection wants to send of itself. Call it after `next`, and
    /// before anything else is written.
    /// - Precondition: there is room for `controlBytes`.
    package mutating func takeControl(into out: inout OutputSpan<UInt8>) {
        control.take(into: &out)
    }

    // MARK: - Messages

    /// Bytes that `writeHeaders` writes at most for a block of so many.
    package static func headersBytesMax(block count: Int) -> Int {
        // One byte that shrinks the table, and a header for each frame.
        count + 1 + FrameHeader.bytes * (1 + (count + 1) / FrameHeader.payloadBytesMax)
    }

    /// Bytes in front of each frame of DATA.
    package static var dataHeaderBytes: Int { FrameHeader.bytes }
    /// Bytes of content that one frame of DATA has at most.
    package static var dataBytesMax: Int { FrameHeader.payloadBytesMax }

    /// Appends HEADERS, and CONTINUATION if the block is larger than a frame.
    /// - Precondition: there is room for `headersBytesMax`, and our side of the stream is open.
    package mutating func writeHeaders(
        _ slot: Int, block: Span<UInt8>, endsStream: Bool, into out: inout OutputSpan<UInt8>
    ) {
        precondition(canWrite(slot), "our side of the stream has ended")
        if streams[slot].id == 0 {
            // Streams have to be opened in the order of their numbers (RFC 9113 section 5.1.1).
            streams[slot].id = nextID
            endings.open(nextID)
        }
        let id = streams[slot].id
        let extra = mustShrinkTable ? 1 : 0
        var at = min(block.count, FrameHeader.payloadBytesMax - extra)
        var flags: FrameFlags = endsStream ? .endStream : []
        if at == block.count { flags.insert(.endHeaders) }
        out.append(FrameHeader(length: at + extra, type: .headers, flags: flags, stream: id))
        if mustShrinkTable {
            out.append(0x20)  // dynamic table size update to 0 (RFC 7541 section 6.3)
            mustShrinkTable = false
        }
        out.append(block.extracting(0..<at))
        while at < block.count {
            let count = min(block.count - at, FrameHeader.payloadBytesMax)
            let isLast = at + count == block.count
            out.append(
                FrameHeader(
                    length: count, type: .continuation, flags: isLast ? .endHeaders : [],
                    stream: id))
            out.append(block.extracting(at..<at + count))
            at += count
        }
        budget.message(block.count)
        if endsStream { endLocal(slot) }
    }

    /// Appends the header of a frame of DATA with `count` bytes, which the caller appends next, and
    /// takes them from the windows.
    /// - Precondition: there is room for `dataHeaderBytes`; `count` is neither above `sendRoom` nor
    ///   above `dataBytesMax`; our side of the stream is open.
    package mutating func writeDataHeader(
        _ slot: Int, count: Int, endsStream: Bool, into out: inout OutputSpan<UInt8>
    ) {
        precondition(canWrite(slot), "our side of the stream has ended")
        precondition(
            count <= FrameHeader.payloadBytesMax && count <= sendRoom(slot),
            "more DATA than a window or a frame has room for")
        out.append(
            FrameHeader(
                length: count, type: .data, flags: endsStream ? .endStream : [],
                stream: streams[slot].id))
        streams[slot].sendWindow -= Int32(count)
        sendWindow -= Int32(count)
        budget.message(count)
        if endsStream { endLocal(slot) }
    }

    // MARK: - Streams

    /// Whether our side of a stream is open, so that it may be written to. It is not after the
    /// peer's reset, nor after an error of the stream.
    package func canWrite(_ slot: Int) -> Bool { !streams[slot].state.contains(.localClosed) }

    /// Streams that have a slot.
    package var streamCount: Int { streams.count }

    /// The number of a slot's stream; 0 for one that was not written to yet.
    package func streamID(_ slot: Int) -> UInt32 { streams[slot].id }

    private var nextID: UInt32 { endings.newest == 0 ? 1 : endings.newest + 2 }

    /// Whether `openStream` gives a slot.
    package var canOpenStream: Bool {
        // Before its SETTINGS come the server may allow fewer than we hope for.
        let limit = hasSettings ? min(Int(peer.streamsMax), own.streamsMax) : 1
        return role == .client && streams.count < limit && !opensNoMore
    }

    /// Whether `openStream` gives no slot ever again: either side has said GOAWAY, or the numbers
    /// of streams are used up.
    package var opensNoMore: Bool {
        peerLast != .max || lastAccepted != .max || endings.newest >= 0x7FFF_FFFF || hasFailed
    }

    /// A new stream of a client's, which begins with `writeHeaders`; nil while the server allows no
    /// more, or after either side said GOAWAY.
    package mutating func openStream() -> Int? {
        guard canOpenStream else { return nil }
        let stream = HTTP2Stream(
            id: 0, sendWindow: peer.streamWindow, receiveWindow: Int32(own.streamWindow))
        return streams.insert(stream, near: nextID)
    }

    /// The head that came says that `bytes` of content follow, or that there can be none: DATA that
    /// is more or less is then an error of the stream, told before its last byte is.
    /// - Precondition: no DATA of the stream was given yet.
    package mutating func expect(_ slot: Int, contentBytes bytes: UInt64) {
        precondition(!streams[slot].state.contains(.hasData), "content has come already")
        streams[slot].expected = bytes
        streams[slot].state.insert(.hasLength)
    }

    /// Ends a stream at once, both ways; nothing if it is over. What still comes for it is ignored.
    package mutating func reset(_ slot: Int, _ code: HTTP2ErrorCode) {
        abandonContent(slot)
        guard !streams[slot].isClosed else { return }
        if streams[slot].id > 0, !hasFailed { control.reset(streams[slot].id, code) }
        streams[slot].state.formUnion([.closed, .resetByUs])
    }

    /// Resets a stream by a fault that the caller found, which counts as one of the peer's.
    package mutating func reset(_ slot: Int, _ code: HTTP2ErrorCode, for fault: HTTP2Fault) {
        guard !streams[slot].isClosed else {
            abandonContent(slot)
            return budget.fault(fault)
        }
        reset(slot, code)
        budget.fault(fault)
        if role == .server { budget.reset() }
    }

    /// Gives a slot up once all work for its stream has ended: only then another may be opened in
    /// its place. What was not given back by `consumed` is given back now. A stream that is still
    /// open is reset by CANCEL, unless the connection has failed, which ended all of them.
    package mutating func release(_ slot: Int) {
        precondition(streams[slot].state.contains(.used), "a slot released twice")
        reset(slot, .cancel)
        let stream = streams[slot]
        if stream.held > 0 { creditConnection(Int(stream.held)) }
        if stream.id > 0 { endings.close(stream.id, stream.ending) }
        streams.remove(slot)
    }

    // MARK: - The end of the connection

    /// Whether the connection is of no more use; see `HTTP2Event.connectionError`.
    package var hasFailed: Bool {
        if case .failed = reading { return true }
        return false
    }

    /// Begins to end the connection without a loss (RFC 9113 section 6.8): says GOAWAY for no
    /// stream, since some may be on their way, and asks for a word that this was read. Once it
    /// comes, or the caller calls `goAway`, no more streams are taken.
    package mutating func drain() {
        guard lastAccepted == .max, !awaitsDrainPong, !hasFailed else { return }
        control.goAway(last: 0x7FFF_FFFF, .noError)
        control.ping(Ping.drain.rawValue)
        awaitsDrainPong = true
    }

    /// Takes no more streams from here on; those that are open go on.
    package mutating func goAway(_ code: HTTP2ErrorCode) {
        guard !hasFailed else { return }
        lastAccepted = min(lastAccepted, role == .server ? endings.newest : 0)
        control.goAway(last: lastAccepted, code)
    }

    /// Ends the connection by a fault that the caller found, as in a header block. It is told as
    /// `connectionError` by the next call of `next`, as one that was found there.
    package mutating func fail(_ code: HTTP2ErrorCode, for fault: HTTP2Fault) {
        guard !hasFailed else { return }
        _ = fail(code, fault)
        pendingError = PendingError(slot: -1, code: code, fault: fault)
    }

    mutating func endConnection(_ code: HTTP2ErrorCode) {
        goAway(code)
        reading = .failed
        pendingError = nil
        slotsToRefuse = 0
        block = nil
    }

    // MARK: - Care

    /// Asks the peer for a sign of life, which is told as `pong`; nothing if one is awaited.
    package mutating func ping() {
        guard !awaitsPong, !hasFailed else { return }
        control.ping(Ping.keepAlive.rawValue)
        awaitsPong = true
    }

    /// How often the peer did what, since `takeFaults` was called last.
    package var faults: HTTP2FaultCounts { budget.counts }

    /// Whether the peer did anything that `takeFaults` has not returned yet.
    package var hasFaults: Bool { !budget.counts.isEmpty }

    /// How often the peer did what, since this was called last.
    package mutating func takeFaults() -> HTTP2FaultCounts { budget.takeCounts() }

    /// Gives back what memory is not needed at the moment; for a connection that has come to rest.
    package mutating func freeUnused() {
        if gathered.isEmpty { gathered = [] }
        control.freeUnused()
        streams.freeUnused()
    }
}
