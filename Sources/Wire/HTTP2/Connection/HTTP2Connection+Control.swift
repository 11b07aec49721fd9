// Frames about the connection and its streams: PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY and
// WINDOW_UPDATE (RFC 9113 sections 6.3 to 6.9).

extension HTTP2Connection {
    /// What PING carries, and its answer has to.
    enum Ping: UInt64 {
        /// Asked for by the caller.
        case keepAlive = 0x6B65_6570_616C_6976
        /// Sent after the first GOAWAY: once it comes back, the peer has read that one.
        case drain = 0x6472_6169_6E69_6E67
    }

    /// Takes a whole frame.
    mutating func controlFrame(_ payload: Span<UInt8>) -> HTTP2Event? {
        switch frame.type {
        case .priority: return priority(payload)
        case .windowUpdate: return windowUpdate(payload)
        case .resetStream: return resetStream(payload)
        default: break
        }
        budget.controlFrame()
        switch frame.type {
        case .settings: return settings(payload)
        case .ping: return ping(payload)
        case .goAway: return goAway(payload)
        default: preconditionFailure("a frame that is not gathered")
        }
    }

    /// Priorities are ignored, but for what no peer may say (RFC 9113 section 5.3.2, RFC 7540
    /// section 5.3.1).
    private mutating func priority(_ payload: Span<UInt8>) -> HTTP2Event? {
        guard frame.stream > 0 else { return fail(.protocolError, .streamNumber) }
        if payload.count != 5 { return streamFault(.frameSizeError, .frameLength) }
        guard payload.number32(at: 0) & 0x7FFF_FFFF != frame.stream else {
            return streamFault(.protocolError, .selfDependency)
        }
        return nil
    }

    /// A fault in a frame that may come in every state of a stream.
    private mutating func streamFault(
        _ code: HTTP2ErrorCode, _ fault: HTTP2Fault
    ) -> HTTP2Event? {
        // Nothing can be reset that is not open yet.
        guard frame.stream <= endings.newest else { return fail(code, fault) }
        if let slot = streams.slot(of: frame.stream), !streams[slot].isReset {
            failStream(slot, code, fault)
        } else {
            refuseFrame(code, fault)
        }
        return nil
    }

    /// What RST_STREAM and WINDOW_UPDATE may not name: a stream that can't be, or not yet.
    private mutating func numberFault() -> HTTP2Event? {
        guard frame.stream & 1 == 1 else { return fail(.protocolError, .streamNumber) }
        return frame.stream > endings.newest ? fail(.protocolError, .idleStream) : nil
    }

    private mutating func resetStream(_ payload: Span<UInt8>) -> HTTP2Event? {
        guard payload.count == 4 else { return fail(.frameSizeError, .frameLength) }
        if let event = numberFault() { return event }
        guard let slot = streams.slot(of: frame.stream), !streams[slot].isClosed else {
            budget.controlFrame()
            return nil
        }
        let hadAnswer = streams[slot].state.contains(.localClosed)
        streams[slot].state.formUnion([.closed, .resetByPeer])
        if role == .server, !hadAnswer { budget.reset() }
        return .reset(slot: slot, HTTP2ErrorCode(rawValue: payload.number32(at: 0)))
    }

    private mutating func settings(_ payload: Span<UInt8>) -> HTTP2Event? {
        guard frame.stream == 0 else { return fail(.protocolError, .streamNumber) }
        if frame.flags.contains(.acknowledgement) {
            return payload.isEmpty ? nil : fail(.frameSizeError, .frameLength)
        }
        guard payload.count % 6 == 0 else { return fail(.frameSizeError, .frameLength) }
        let window = peer.streamWindow
        let table = peer.headerTableBytes
        if let code = peer.read(payload, by: role) { return fail(code, .settingValue) }
        guard adjustWindows(by: Int64(peer.streamWindow) - Int64(window)) else {
            return fail(.flowControlError, .windowOverflow)
        }
        // A decoder that lowered its limit waits for a word that the encoder keeps to it.
        if peer.headerTableBytes < min(table, 4096) { mustShrinkTable = true }
        hasSettings = true
        control.acknowledgeSettings()
        return .settings
    }

    /// RFC 9113 section 6.9.2; false if a window would be too large.
    private mutating func adjustWindows(by difference: Int64) -> Bool {
        guard difference != 0 else { return true }
        for slot in 0..<streams.slots where streams[slot].state.contains(.used) {
            let window = Int64(streams[slot].sendWindow) + difference
            guard window <= windowMax else { return false }
            streams[slot].sendWindow = Int32(window)
        }
        return true
    }

    private mutating func ping(_ payload: Span<UInt8>) -> HTTP2Event? {
        guard frame.stream == 0 else { return fail(.protocolError, .streamNumber) }
        guard payload.count == 8 else { return fail(.frameSizeError, .frameLength) }
        let value = UInt64(payload.number32(at: 0)) << 32 | UInt64(payload.number32(at: 4))
        guard frame.flags.contains(.acknowledgement) else {
            control.ping(value, flags: .acknowledgement)
            return nil
        }
        switch Ping(rawValue: value) {
        case .keepAlive where awaitsPong:
            awaitsPong = false
            return .pong
        case .drain where awaitsDrainPong:
            awaitsDrainPong = false
            goAway(.noError)
            return nil
        default: return nil
        }
    }

    private mutating func goAway(_ payload: Span<UInt8>) -> HTTP2Event? {
        guard frame.stream == 0 else { return fail(.protocolError, .streamNumber) }
        guard payload.count >= 8 else { return fail(.frameSizeError, .frameLength) }
        peerLast = min(peerLast, payload.number32(at: 0) & 0x7FFF_FFFF)
        // What a client's GOAWAY numbers are pushed streams, and there are none.
        slotsToRefuse = role == .client ? streams.slots : 0
        return .goAway(HTTP2ErrorCode(rawValue: payload.number32(at: 4)))
    }

    private mutating func windowUpdate(_ payload: Span<UInt8>) -> HTTP2Event? {
        guard payload.count == 4 else { return fail(.frameSizeError, .frameLength) }
        let increment = payload.number32(at: 0) & 0x7FFF_FFFF
        guard frame.stream > 0 else {
            guard increment > 0 else { return fail(.protocolError, .windowIncrement) }
            let (sum, isTooLarge) = sendWindow.addingReportingOverflow(Int32(increment))
            guard !isTooLarge else { return fail(.flowControlError, .windowOverflow) }
            sendWindow = sum
            return .windowOpened(slot: nil)
        }
        if let event = numberFault() { return event }
        guard increment > 0 else { return streamFault(.protocolError, .windowIncrement) }
        guard let slot = streams.slot(of: frame.stream),
            !streams[slot].state.contains(.localClosed)
        else { return nil }
        let (sum, isTooLarge) = streams[slot].sendWindow.addingReportingOverflow(Int32(increment))
        guard !isTooLarge else {
            failStream(slot, .flowControlError, .windowOverflow)
            return nil
        }
        streams[slot].sendWindow = sum
        return .windowOpened(slot: slot)
    }
}
