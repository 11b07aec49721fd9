// What the two sides say of themselves in SETTINGS (RFC 9113 section 6.5).

internal import HTTP1

/// Which side of the connection this is.
package enum HTTP2Role: Sendable {
    /// The side that answers requests.
    case server
    /// The side that sends requests.
    case client
}

/// The number of a setting (RFC 9113 section 6.5.2, RFC 8441, RFC 9218).
struct SettingID: Equatable {
    let rawValue: UInt16

    static let headerTableSize = SettingID(rawValue: 0x1)
    static let enablePush = SettingID(rawValue: 0x2)
    static let maxConcurrentStreams = SettingID(rawValue: 0x3)
    static let initialWindowSize = SettingID(rawValue: 0x4)
    static let maxFrameSize = SettingID(rawValue: 0x5)
    static let maxHeaderListSize = SettingID(rawValue: 0x6)
    static let enableConnectProtocol = SettingID(rawValue: 0x8)
    static let noPriorities = SettingID(rawValue: 0x9)
}

/// The largest window (RFC 9113 section 6.9.1).
let windowMax = 0x7FFF_FFFF
/// The window of a connection and of its streams before anybody says otherwise (section 6.9.2).
let windowDefault = 65_535

/// What this side allows its peer. Value type, any thread.
package struct HTTP2Settings: Equatable, Sendable {
    /// Streams at a time, 1 to 1,000. They count until the caller releases them. A client opens no
    /// more than so many either, whatever the server allows.
    package var streamsMax = 100
    /// Bytes that may be on their way or held for one stream, 65,535 to 2^31-1: never less than
    /// the default, so that what the peer sends before it has read this needs no rule of its own.
    package var streamWindow = 65_535
    /// Bytes that may be on their way or held for all streams, 65,535 to 2^31-1: the memory that
    /// the connection may come to hold.
    package var connectionWindow = 256 * 1024
    /// Bytes of a head as RFC 9113 section 10.5.1 counts them, told to the peer; no header block
    /// of more encoded bytes than this or 16,384, whichever is more, is gathered. Below 2^24.
    package var headBytesMax = 16 * 1024
    /// Whether a client may ask for WebSocket and the like by extended CONNECT (RFC 8441). Only a
    /// server says so.
    package var allowsExtendedConnect = false

    /// The defaults.
    package init() {}

    /// Encoded bytes of one header block.
    var blockBytesMax: Int { max(headBytesMax, FrameHeader.payloadBytesMax) }

    /// What a client sends before anything else (RFC 9113 section 3.4): 24 bytes.
    static let clientMagic: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    /// The magic, SETTINGS with five entries, WINDOW_UPDATE.
    static let prefaceBytesMax = 24 + FrameHeader.bytes + 5 * 6 + FrameHeader.bytes + 4

    /// Traps when a value is outside of its range.
    func check() {
        precondition((1...1000).contains(streamsMax), "streamsMax must be 1 to 1,000")
        let windows = windowDefault...windowMax
        precondition(
            windows.contains(streamWindow) && windows.contains(connectionWindow),
            "a window must be 65,535 to 2^31-1")
        precondition((1..<1 << 24).contains(headBytesMax), "headBytesMax must be 1 to 2^24-1")
    }

    /// Writes the preface of this side.
    /// - Precondition: there is room for `prefaceBytesMax`.
    func write(_ role: HTTP2Role, to out: inout OutputSpan<UInt8>) {
        if role == .client { out.append(Self.clientMagic) }
        let changesWindow = streamWindow != windowDefault
        let entries =
            2 + (role == .server ? 1 : 0) + (changesWindow ? 1 : 0)
            + (role == .server && allowsExtendedConnect ? 1 : 0)
        out.append(FrameHeader(length: 6 * entries, type: .settings, stream: 0))
        switch role {
        case .server:
            out.appendSetting(.maxConcurrentStreams, UInt32(streamsMax))
            // Priorities of RFC 7540 are ignored, and clients need not send them (RFC 9218, 2.1).
            out.appendSetting(.noPriorities, 1)
            if allowsExtendedConnect { out.appendSetting(.enableConnectProtocol, 1) }
        case .client:
            out.appendSetting(.enablePush, 0)
        }
        if changesWindow { out.appendSetting(.initialWindowSize, UInt32(streamWindow)) }
        out.appendSetting(.maxHeaderListSize, UInt32(headBytesMax))
        if connectionWindow > windowDefault {
            out.append(FrameHeader(length: 4, type: .windowUpdate, stream: 0))
            out.appendNumber(UInt32(connectionWindow - windowDefault))
        }
    }
}

/// What the peer allows. Before its SETTINGS come, these are the defaults of RFC 9113 section
/// 6.5.2. Its frame size is not kept: no frame of more than 16,384 bytes is ever sent, and no peer
/// may ask for smaller ones.
package struct HTTP2PeerSettings: Equatable, Sendable {
    /// Bytes of the dynamic table with which the peer decodes header blocks.
    package internal(set) var headerTableBytes: UInt32 = 4096
    /// Streams at a time that this side may open.
    package internal(set) var streamsMax: UInt32 = .max
    /// Bytes that this side may send on a stream that is new; at most 2^31-1.
    package internal(set) var streamWindow: Int32 = 65_535
    /// Whether extended CONNECT may be used (RFC 8441).
    package internal(set) var allowsExtendedConnect = false

    /// Reads the entries of a SETTINGS frame in their order. What is wrong is a connection error
    /// (RFC 9113 section 6.5.2), and the value then of no more use.
    /// - Precondition: `payload` is a multiple of six bytes.
    mutating func read(
        _ payload: Span<UInt8>, by role: HTTP2Role
    ) -> HTTP2ErrorCode? {
        var at = 0
        while at < payload.count {
            let value = payload.number32(at: at + 2)
            switch SettingID(rawValue: payload.number16(at: at)) {
            case .headerTableSize: headerTableBytes = value
            case .enablePush:
                // A server can't allow to be pushed to (section 6.5.2).
                guard value == 0 || value == 1 && role == .server else { return .protocolError }
            case .maxConcurrentStreams: streamsMax = value
            case .initialWindowSize:
                guard value <= UInt32(windowMax) else { return .flowControlError }
                streamWindow = Int32(value)
            case .maxFrameSize:
                guard (16_384...16_777_215).contains(value) else { return .protocolError }
            case .enableConnectProtocol:
                // Once allowed it stays so (RFC 8441 section 3).
                guard value == 1 || value == 0 && !allowsExtendedConnect else {
                    return .protocolError
                }
                allowsExtendedConnect = value == 1
            case .noPriorities:
                guard value <= 1 else { return .protocolError }
            default: break
            }
            at += 6
        }
        return nil
    }
}
