// HTTP2Peer: a server of HTTP/2 on loopback that answers each request as a test says, on the loop
// that the test turns.

import Endpoints
import Events
import HTTP1
import HTTP2
import Testing

/// A server of HTTP/2 whose answers a test decides on.
final class HTTP2Peer: Channel {
    /// A request that has come whole.
    struct Request: Equatable {
        /// The head as text of HTTP/1.1.
        var head: String
        var body: [UInt8] = []
        var acceptsTrailers = false
    }

    /// What it does with a request.
    enum Answer: Sendable {
        /// A head of these lines, a body and trailers of these lines; nil: none of it.
        case response(String, body: [UInt8]? = nil, trailers: String? = nil)
        /// The stream is reset.
        case reset(HTTP2ErrorCode)
        /// These bytes, as they stand.
        case raw([UInt8])
        /// Nothing.
        case silence
    }

    let endpoint: Endpoint
    private(set) var requests: [Request] = []
    /// How many clients have said GOAWAY.
    fileprivate(set) var farewells = 0
    /// What the first bytes of connections were that are no HTTP/2.
    fileprivate(set) var introductions: [String] = []
    private let answer: (Request) -> Answer
    private var connections: [Connection] = []

    init(on loop: EventLoop, _ answer: @escaping (Request) -> Answer) throws {
        let descriptor = try Socket.listen(on: Endpoint(.loopback, 0), isShared: false)
        endpoint = try #require(descriptor.localEndpoint)
        self.answer = answer
        super.init(descriptor, on: loop)
        startReading()
    }

    override func onReadable() {
        while case .connection(let descriptor, _) = descriptor.accept() {
            let connection = Connection(descriptor, peer: self)
            connections.append(connection)
            connection.startReading()
        }
    }

    override func close() {
        connections.forEach { $0.close() }
        connections = []
        super.close()
    }

    private final class Connection: Channel {
        private let peer: HTTP2Peer
        private var http2 = HTTP2Connection(.server, HTTP2Settings())
        private var decoder = HPACKDecoder()
        private var text = RequestText()
        private var request = Request(head: "")
        private var hasBegun = false

        init(_ descriptor: Descriptor, peer: HTTP2Peer) {
            self.peer = peer
            super.init(descriptor, on: peer.loop)
            flush()
        }

        override func onReadable() {
            let buffer = ReceiveBuffer(capacity: 16_384)
            guard case .bytes(let count) = descriptor.receive(into: buffer) else { return close() }
            var bytes: [UInt8] = []
            buffer.withBytes(count) { bytes.append($0) }
            if !hasBegun {
                hasBegun = true
                // A PROXY header of version 1 is a line in front.
                if bytes.starts(with: "PROXY".utf8), let end = bytes.firstIndex(of: 0x0A) {
                    peer.introductions.append(String(decoding: bytes[...end], as: UTF8.self))
                    bytes.removeFirst(end + 1)
                }
            }
            take(bytes)
            if isOpen { flush() }
        }

        private func take(_ bytes: [UInt8]) {
            var place = 0
            while isOpen {
                let step = http2.next(bytes.span, from: place, at: 0)
                place = step.end
                switch step.event {
                case .needMore: return
                case .headers(let slot, .received(let range), _, let endsStream):
                    let outcome = text.read(
                        Array(bytes[range]).span, endsStream: endsStream, limits: HeadLimits(),
                        decoder: &decoder)
                    #expect(outcome == .complete)
                    request.head = text.withText { text in
                        var bytes: [UInt8] = []
                        bytes.append(text)
                        return String(decoding: bytes, as: UTF8.self)
                    }
                    request.acceptsTrailers = text.acceptsTrailers
                    if endsStream { serve(slot) }
                case .data(let slot, let range, let endsStream):
                    request.body += bytes[range]
                    http2.consumed(slot, range.count)
                    if endsStream { serve(slot) }
                case .goAway: peer.farewells += 1
                case .connectionError: return close()
                case .headers, .discarded, .reset, .streamError, .windowOpened, .settings, .pong,
                    .draining:
                    break
                }
            }
        }

        private func serve(_ slot: Int) {
            peer.requests.append(request)
            defer { request = Request(head: "") }
            switch peer.answer(request) {
            case .silence: break
            case .raw(let bytes): send(bytes)
            case .reset(let code): http2.reset(slot, code)
            case .response(let head, let body, let trailers):
                let isHeadAll = body == nil && trailers == nil
                sendBlock(of: head + "\n\n", slot, isLast: isHeadAll) { text, out in
                    HeaderBlock.append(responseText: text, into: &out)
                }
                if let body { send(body, in: slot, isLast: trailers == nil) }
                if let trailers {
                    sendBlock(of: trailers + "\n", slot, isLast: true) { text, out in
                        HeaderBlock.append(trailers: text, into: &out)
                    }
                }
            }
        }

        private func sendBlock(
            of lines: String, _ slot: Int, isLast: Bool,
            _ write: (Span<UInt8>, inout OutputSpan<UInt8>) -> Void
        ) {
            let text = Array(lines.replacing("\n", with: "\r\n").utf8)
            let block = [UInt8](capacity: HeaderBlock.bytesMax(ofText: text.count)) { out in
                write(text.span, &out)
            }
            var bytes: [UInt8] = []
            bytes.append(addingCapacity: HTTP2Connection.headersBytesMax(block: block.count)) {
                http2.writeHeaders(slot, block: block.span, endsStream: isLast, into: &$0)
            }
            send(bytes)
        }

        /// Sends a body, in frames of 16 KiB, as far as its windows let it.
        private func send(_ body: [UInt8], in slot: Int, isLast: Bool) {
            var at = 0
            repeat {
                let count = min(body.count - at, http2.sendRoom(slot), 16_384)
                let isEnd = at + count == body.count
                guard count > 0 || isEnd else { return }
                var bytes: [UInt8] = []
                bytes.append(addingCapacity: HTTP2Connection.dataHeaderBytes) {
                    http2.writeDataHeader(
                        slot, count: count, endsStream: isLast && isEnd, into: &$0)
                }
                send(bytes + body[at..<at + count])
                at += count
            } while at < body.count
        }

        private func flush() {
            let count = http2.controlBytes
            guard count > 0 else { return }
            send([UInt8](capacity: count) { http2.takeControl(into: &$0) })
        }

        private func send(_ bytes: [UInt8]) { _ = descriptor.send(bytes.span) }
    }
}
