// HTTP1Session+Response: the response's side of a session: heads with the framing that the client
// understands, bodies, and whether the connection is used again.

internal import Events
internal import HTTP1
internal import Routing

extension HTTP1Session {
    /// Whether a chunked body may go to the client with its chunks, which are of HTTP/1.1.
    var takesChunks: Bool { !traits.contains(.isHTTP10) }

    /// What the client can take, and whether its connection is kept.
    func capabilities(keepsAlive: Bool) -> ClientCapabilities {
        ClientCapabilities(
            version: traits.contains(.isHTTP10) ? .http10 : .http11, keepsAlive: keepsAlive)
    }

    /// Whether the connection could carry another request after this one, as far as the exchange
    /// (`mayStay`), the client and the listener let it.
    func isKept(_ mayStay: Bool) -> Bool {
        mayStay && traits.isSuperset(of: [.keepsAlive, .isWhole]) && mayKeepAlive
    }

    /// Passes on an interim response, whose `head` was parsed from `bytes`. Returns its size.
    func interim(
        _ head: borrowing ResponseHead, _ bytes: Span<UInt8>
    ) -> (outcome: WriteOutcome, count: Int) {
        worker.putOutgoing(
            head, from: bytes, to: capabilities(keepsAlive: true), framing: .none)
        let count = worker.outgoing.count
        return (send(Span()), count)
    }

    /// Puts the head of the response into the worker's outgoing bytes; `head` was parsed from
    /// `bytes`. Returns its size.
    func respond(
        _ head: borrowing ResponseHead, _ bytes: Span<UInt8>, change: ContentChange,
        edits: FieldEdits?, lines: Span<UInt8>, mayStay: Bool
    ) -> Int {
        var keepsAlive = isKept(mayStay)
        var framing = head.body
        if change.coding != nil, framing != .none {
            framing = .chunked
            traits.insert(.putsChunks)
        }
        switch framing {
        case .none, .length: traits.insert(.endShows)
        case .chunked where takesChunks: traits.insert(.endShows)
        case .chunked, .untilClose:
            // A client of HTTP/1.0 gets the payload, which ends with the connection.
            framing = .untilClose
            keepsAlive = false
        }
        afterwards = keepsAlive ? .keep : traits.contains(.mayGoOn) ? .linger : .close
        worker.putOutgoing(
            head, from: bytes, to: capabilities(keepsAlive: keepsAlive), framing: framing,
            change: change, edits: edits, lines: lines, addsDate: true)
        return worker.outgoing.count
    }

    /// Adds a part of the body to the outgoing bytes.
    func append(_ body: Span<UInt8>) {
        guard !traits.contains(.putsChunks) else {
            worker.appendChunk(body)
            return
        }
        worker.outgoing.append(body)
    }

    /// Adds the trailers, `section` with its empty line, to the outgoing bytes: they are of chunked
    /// bodies.
    func appendTrailers(_ section: Span<UInt8>) {
        guard takesChunks else { return }
        if traits.contains(.putsChunks) {
            // The end of the chunks; the section ends the body.
            traits.remove(.putsChunks)
            worker.appendLastChunk()
        }
        worker.outgoing.append(section)
    }

    /// Sends the outgoing bytes, followed by `body`, with which the response ends if `isLast`.
    func send(_ body: Span<UInt8>, isLast: Bool = false) -> WriteOutcome {
        guard traits.contains(.putsChunks) else { return worker.sendOutgoing(body, on: self) }
        worker.appendChunk(body)
        if isLast {
            worker.appendLastChunk()
            worker.outgoing.append(room: 2) { $0.append("\r\n") }
        }
        return worker.sendOutgoing(Span(), on: self)
    }
}
