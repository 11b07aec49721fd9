// HEADERS and CONTINUATION (RFC 9113 sections 6.2 and 6.10): gathering a block, and finding out
// whose it is.

internal import HTTP1

/// A header block of which not all frames have come.
struct GatheredBlock {
    /// CONTINUATION frames of a block: more are an attack (CVE-2024-27316).
    static let continuationsMax = 8

    let stream: UInt32
    let flags: FrameFlags
    let isSelfDependent: Bool
    /// Where it begins in `HTTP2Connection.gathered`.
    let start: Int
    var continuations = 0
}

/// The part of a HEADERS frame that is header block.
private struct Fragment {
    let range: Range<Int>
    let isSelfDependent: Bool

    /// Finds it in `bytes` in `payload`; nil if the padding is longer than the frame.
    /// - Precondition: `payload` has room for the fields that the flags name.
    init?(_ frame: FrameHeader, _ bytes: Span<UInt8>, _ payload: Range<Int>) {
        var (start, end) = (payload.lowerBound, payload.upperBound)
        if frame.flags.contains(.padded) {
            end -= Int(bytes[start])
            start += 1
        }
        var dependency: UInt32?
        if frame.flags.contains(.priority) {
            dependency = bytes.number32(at: start) & 0x7FFF_FFFF
            start += 5
        }
        guard start <= end else { return nil }
        range = start..<end
        isSelfDependent = dependency == frame.stream
    }
}

extension HTTP2Connection {
    /// Whether a header block has begun that is not whole: a peer must not leave it so for long.
    package var isMidBlock: Bool {
        if case .payload = reading { return frame.type == .headers }
        return block != nil
    }

    mutating func beginHeaders() -> HTTP2Event? {
        guard frame.stream & 1 == 1 else { return fail(.protocolError, .streamNumber) }
        guard role == .server || frame.stream <= endings.newest else {
            return fail(.protocolError, .idleStream)
        }
        let fields =
            (frame.flags.contains(.padded) ? 1 : 0)
            + (frame.flags.contains(.priority) ? 5 : 0)
        guard left >= fields else { return fail(.frameSizeError, .frameLength) }
        reading = .payload
        return nil
    }

    /// The whole payload of HEADERS is here, in the bytes that came.
    mutating func endHeaders(_ bytes: Span<UInt8>, _ payload: Range<Int>) -> HTTP2Event? {
        guard let fragment = Fragment(frame, bytes, payload) else {
            return fail(.protocolError, .padding)
        }
        if frame.flags.contains(.endHeaders) {
            return endBlock(
                .received(fragment.range), frame.flags, fragment.isSelfDependent)
        }
        gathered.append(bytes.extracting(fragment.range))
        block = GatheredBlock(
            stream: frame.stream, flags: frame.flags, isSelfDependent: fragment.isSelfDependent,
            start: 0)
        return nil
    }

    /// The whole payload of HEADERS is in `gathered`.
    mutating func endGatheredHeaders() -> HTTP2Event? {
        guard let fragment = Fragment(frame, gathered.span, 0..<gathered.count) else {
            return fail(.protocolError, .padding)
        }
        if frame.flags.contains(.endHeaders) {
            isHandedOut = true
            return endBlock(
                .gathered(fragment.range), frame.flags, fragment.isSelfDependent)
        }
        gathered.removeLast(gathered.count - fragment.range.upperBound)
        block = GatheredBlock(
            stream: frame.stream, flags: frame.flags, isSelfDependent: fragment.isSelfDependent,
            start: fragment.range.lowerBound)
        return nil
    }

    /// A CONTINUATION of the block begins.
    mutating func beginFragment() -> HTTP2Event? {
        guard var block else { preconditionFailure("no block to continue") }
        block.continuations += 1
        self.block = block
        guard block.continuations <= GatheredBlock.continuationsMax else {
            return fail(.enhanceYourCalm, .tooManyContinuations)
        }
        guard gathered.count - block.start + left <= own.blockBytesMax else {
            return fail(.enhanceYourCalm, .blockTooLong)
        }
        reading = .fragment
        return left == 0 ? endFragment() : nil
    }

    mutating func readFragment(_ bytes: Span<UInt8>, _ at: inout Int) -> HTTP2Event? {
        let count = min(left, bytes.count - at)
        gathered.append(bytes.extracting(at..<at + count))
        at += count
        left -= count
        return left == 0 ? endFragment() : nil
    }

    private mutating func endFragment() -> HTTP2Event? {
        reading = .header
        guard frame.flags.contains(.endHeaders), let block else { return nil }
        self.block = nil
        isHandedOut = true
        return endBlock(
            .gathered(block.start..<gathered.count), block.flags, block.isSelfDependent)
    }

    /// A block is whole: whose it is. The stream is that of `frame`.
    private mutating func endBlock(
        _ block: HTTP2Block, _ flags: FrameFlags, _ isSelfDependent: Bool
    ) -> HTTP2Event {
        let endsStream = flags.contains(.endStream)
        if role == .server, frame.stream > endings.newest {
            return openRemote(block, endsStream: endsStream, isSelfDependent)
        }
        guard let slot = streams.slot(of: frame.stream) else { return blockOfClosed(block) }
        let state = streams[slot].state
        if state.contains(.resetByUs) { return .discarded(block) }
        if state.contains(.resetByPeer) {
            refuseFrame(.streamClosed, .closedStream)
            return .discarded(block)
        }
        if state.contains(.closed) { return fail(.streamClosed, .closedStream) }
        if state.contains(.remoteClosed) {
            failStream(slot, .streamClosed, .closedStream)
        } else if isSelfDependent {
            failStream(slot, .protocolError, .selfDependency)
        } else if !endsStream, state.contains(role == .server ? .hasHead : .hasData) {
            failStream(slot, .protocolError, .trailersNotLast)
        } else if endsStream, state.contains(.hasLength), streams[slot].expected > 0 {
            failStream(slot, .protocolError, .contentLength)
        } else {
            return deliver(block, slot, endsStream: endsStream)
        }
        return .discarded(block)
    }

    @inline(__always)
    private mutating func deliver(
        _ block: HTTP2Block, _ slot: Int, endsStream: Bool
    ) -> HTTP2Event {
        let isFirst = !streams[slot].state.contains(.hasHead)
        streams[slot].state.insert(.hasHead)
        if endsStream { endRemote(slot) }
        budget.message(block.count)
        return .headers(slot: slot, block, isFirst: isFirst, endsStream: endsStream)
    }

    /// The block opens a stream, if it may.
    private mutating func openRemote(
        _ block: HTTP2Block, endsStream: Bool, _ isSelfDependent: Bool
    ) -> HTTP2Event {
        let id = frame.stream
        endings.open(id)
        if id > lastAccepted {
            endings.close(id, .resetByUs)
            // Some are on their way when GOAWAY is sent, but never more than can be open.
            budget.reset()
            return .discarded(block)
        }
        if isSelfDependent || streams.count >= own.streamsMax {
            endings.close(id, .resetByUs)
            refuseFrame(
                isSelfDependent ? .protocolError : .refusedStream,
                isSelfDependent ? .selfDependency : .tooManyStreams)
            budget.reset()
            return .discarded(block)
        }
        let stream = HTTP2Stream(
            id: id, sendWindow: peer.streamWindow, receiveWindow: Int32(own.streamWindow))
        return deliver(block, streams.insert(stream, near: id), endsStream: endsStream)
    }

    /// The block is of a stream that has no slot any more, or never had one.
    private mutating func blockOfClosed(_ block: HTTP2Block) -> HTTP2Event {
        switch endings[frame.stream] {
        case .neverOpened: return fail(.protocolError, .streamNumber)
        case .ended: return fail(.streamClosed, .closedStream)
        case .resetByPeer, nil: refuseFrame(.streamClosed, .closedStream)
        case .resetByUs: break
        }
        return .discarded(block)
    }
}

extension HTTP2Block {
    /// Encoded bytes.
    package var count: Int {
        switch self {
        case .received(let range), .gathered(let range): range.count
        }
    }
}
