// DATA (RFC 9113 section 6.1), which is passed on as it comes, and the windows that it fills
// (section 5.2). The peer's windows are opened only for what the caller says was passed on, so that
// no connection can have more held for it than its window.

extension HTTP2Connection {
    /// DATA begins; `at` is where its payload does.
    mutating func beginData(_ at: Int) -> HTTP2Event? {
        guard frame.stream & 1 == 1 else { return fail(.protocolError, .streamNumber) }
        guard frame.stream <= endings.newest else { return fail(.protocolError, .idleStream) }
        guard left <= receiveWindow else { return fail(.flowControlError, .windowExceeded) }
        receiveWindow -= Int32(left)
        let isPadded = frame.flags.contains(.padded)
        guard left > 0 || !isPadded else { return fail(.frameSizeError, .frameLength) }
        dataSlot = -1
        if let slot = streams.slot(of: frame.stream) {
            if let (code, fault) = dataError(slot) {
                failStream(slot, code, fault)
            } else if streams[slot].state.contains(.resetByPeer) {
                refuseFrame(.streamClosed, .closedStream)
            } else if streams[slot].isReset {
                budget.late(left)
            } else {
                streams[slot].receiveWindow -= Int32(left)
                dataSlot = slot
            }
        } else {
            switch endings[frame.stream] {
            case .neverOpened: return fail(.protocolError, .streamNumber)
            case .ended, .resetByPeer, nil: refuseFrame(.streamClosed, .closedStream)
            case .resetByUs: budget.late(left)
            }
        }
        padding = 0
        if isPadded {
            reading = .paddingLength
            return nil
        }
        return beginContent(at)
    }

    /// Why DATA can't come on an open stream; nil when it can, or the stream was reset.
    private func dataError(_ slot: Int) -> (HTTP2ErrorCode, HTTP2Fault)? {
        let stream = streams[slot]
        if stream.isReset { return nil }
        if stream.state.contains(.remoteClosed) { return (.streamClosed, .closedStream) }
        guard stream.state.contains(.hasHead) else { return (.protocolError, .dataBeforeHead) }
        return left <= stream.receiveWindow ? nil : (.flowControlError, .windowExceeded)
    }

    /// The length of the padding was read; `at` is where the content begins.
    mutating func beginPadded(_ length: Int, at: Int) -> HTTP2Event? {
        left -= 1
        guard length <= left else { return fail(.protocolError, .padding) }
        padding = length
        return beginContent(at)
    }

    private mutating func beginContent(_ at: Int) -> HTTP2Event? {
        let count = left - padding
        let endsStream = frame.flags.contains(.endStream)
        budget.data(isEmpty: count == 0 && !endsStream)
        if dataSlot >= 0, isWrongLength(count, endsStream) {
            failStream(dataSlot, .protocolError, .contentLength)
            dataSlot = -1
        }
        guard dataSlot >= 0 else {
            creditConnection(frame.length)
            reading = left == 0 ? .header : .skipped
            return nil
        }
        budget.message(count)
        streams[dataSlot].state.insert(.hasData)
        // Padding is of no use to anybody, and given back at once.
        let overhead = frame.length - count
        if overhead > 0 {
            creditStream(dataSlot, overhead)
            creditConnection(overhead)
        }
        if count > 0 {
            reading = .content
            return nil
        }
        reading = left == 0 ? .header : .skipped
        return endsStream ? content(at..<at, isLast: true) : nil
    }

    /// Whether `count` more bytes are too many or too few for the length that was declared.
    private mutating func isWrongLength(_ count: Int, _ endsStream: Bool) -> Bool {
        guard streams[dataSlot].state.contains(.hasLength) else { return false }
        let expected = streams[dataSlot].expected
        guard expected >= count, !endsStream || expected == count else { return true }
        streams[dataSlot].expected = expected - UInt64(count)
        return false
    }

    mutating func readContent(_ bytes: Span<UInt8>, _ at: inout Int) -> HTTP2Event? {
        let count = min(left - padding, bytes.count - at)
        let range = at..<at + count
        at = range.upperBound
        left -= count
        let isLast = left == padding
        if isLast { reading = left == 0 ? .header : .skipped }
        return content(range, isLast: isLast)
    }

    private mutating func content(_ range: Range<Int>, isLast: Bool) -> HTTP2Event {
        streams[dataSlot].held += Int32(range.count)
        let endsStream = isLast && frame.flags.contains(.endStream)
        if endsStream { endRemote(dataSlot) }
        return .data(slot: dataSlot, range, endsStream: endsStream)
    }

    /// The rest of a frame that is being read goes to nobody, if it was for `slot`.
    mutating func abandonContent(_ slot: Int) {
        guard dataSlot == slot else { return }
        dataSlot = -1
        guard case .content = reading else { return }
        creditConnection(left - padding)
        reading = .skipped
    }

    // MARK: - Windows

    /// Bytes of DATA that the windows allow on a stream now; 0 once our side has ended. How much
    /// goes into one frame, 16,384 at most, is for the caller to choose.
    package func sendRoom(_ slot: Int) -> Int {
        guard !streams[slot].state.contains(.localClosed) else { return 0 }
        return max(0, Int(min(sendWindow, streams[slot].sendWindow)))
    }

    /// `count` bytes of a stream's DATA are held no more. This opens the windows; the peer is told
    /// once half of one is free.
    /// - Precondition: so many were given by `next` and not given back.
    package mutating func consumed(_ slot: Int, _ count: Int) {
        precondition(count <= streams[slot].held, "more bytes given back than came")
        streams[slot].held -= Int32(count)
        creditStream(slot, count)
        creditConnection(count)
    }

    /// Lets the peer send more on all streams together, up to `bytes`; no window ever shrinks.
    /// - Precondition: `bytes` is below 2^31.
    package mutating func growConnectionWindow(to bytes: Int) {
        guard bytes > connectionWindow else { return }
        unannounced += Int32(bytes) - connectionWindow
        connectionWindow = Int32(bytes)
        announceConnectionWindow()
    }

    private mutating func creditStream(_ slot: Int, _ count: Int) {
        guard !streams[slot].state.contains(.remoteClosed) else { return }
        streams[slot].unannounced += Int32(count)
        let free = streams[slot].unannounced
        guard Int(free) * 2 >= own.streamWindow else { return }
        control.windowUpdate(streams[slot].id, by: free)
        streams[slot].receiveWindow += free
        streams[slot].unannounced = 0
    }

    mutating func creditConnection(_ count: Int) {
        unannounced += Int32(count)
        if Int(unannounced) * 2 >= Int(connectionWindow) { announceConnectionWindow() }
    }

    private mutating func announceConnectionWindow() {
        guard !hasFailed else { return }
        control.windowUpdate(0, by: unannounced)
        receiveWindow += unannounced
        unannounced = 0
    }
}
