// Requests as streams of one connection of HTTP/2, for a client whose calls block.

import HTTP1
import HTTP2

/// The client's side of a connection. One thread.
struct HTTP2Requests: ~Copyable {
    private var connection: HTTP2Connection
    private var slot = 0

    /// At the start of a connection; `preface` is to be sent first.
    init() {
        var own = HTTP2Settings()
        // No WINDOW_UPDATE but the first.
        own.connectionWindow = 1 << 30
        connection = HTTP2Connection(.client, own)
    }

    /// The frames that the connection has to send of itself.
    mutating func control() -> [UInt8] {
        [UInt8](capacity: connection.controlBytes) { connection.takeControl(into: &$0) }
    }

    /// The frames of a request that is here as text of HTTP/1.1. A body is `content`.
    mutating func frames(_ text: [UInt8], content: [UInt8]) -> [UInt8] {
        guard let slot = connection.openStream() else { preconditionFailure("too many streams") }
        self.slot = slot
        let block = [UInt8](capacity: HeaderBlock.bytesMax(ofText: text.count)) {
            HeaderBlock.append(requestText: text.span, scheme: .http, into: &$0)
        }
        var out: [UInt8] = []
        out.append(addingCapacity: HTTP2Connection.headersBytesMax(block: block.count)) {
            connection.writeHeaders(
                slot, block: block.span, endsStream: content.isEmpty, into: &$0)
        }
        guard !content.isEmpty else { return out }
        out.append(addingCapacity: HTTP2Connection.dataHeaderBytes + content.count) {
            connection.writeDataHeader(slot, count: content.count, endsStream: true, into: &$0)
            $0.append(content.span)
        }
        return out
    }

    /// Takes what has come. Whether the answer is whole.
    mutating func take(_ bytes: Span<UInt8>) -> Bool {
        var place = 0
        var isWhole = false
        while true {
            let step = connection.next(bytes, from: place, at: 0)
            place = step.end
            switch step.event {
            case .needMore:
                if isWhole { connection.release(slot) }
                return isWhole
            case .data(_, let range, let endsStream):
                connection.consumed(slot, range.count)
                if endsStream { isWhole = true }
            case .headers(_, _, _, let endsStream): if endsStream { isWhole = true }
            default: break
            }
        }
    }
}
