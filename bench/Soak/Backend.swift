// Backend: answers each request as its number says, and judges what the proxy made of the request.

internal import BenchSupport
internal import Events

/// The HTTP and the TCP backend: a thread for each connection.
struct Backend {
    let seed: UInt64
    let ledger: Ledger
    /// Whether one conversation is played again and again.
    let repeats: Bool

    /// Serves `listener` until the program ends.
    func serve(_ listener: Listener, _ body: @escaping @Sendable (Backend, Connection) -> Void)
        throws
    {
        let backend = self
        try LoopThread(name: "accept") {
            while true {
                nonisolated(unsafe) let connection = listener.accept()
                // The thread that accepted it touches it no more.
                try? LoopThread(name: "backend") { unsafe body(backend, connection) }.detach()
            }
        }.detach()
    }

    /// One connection of HTTP.
    func answer(_ connection: Connection) {
        let serving = Serving(seed, connection, ledger)
        do throws(Fault) {
            while try serving.next(repeats: repeats) {}
        } catch {
            serving.blame(error.text)
        }
    }

    /// One connection of TCP.
    func relay(_ connection: Connection) {
        let serving = Serving(seed, connection, ledger)
        do throws(Fault) { try serving.stream() } catch { serving.blame(error.text) }
    }
}

/// One connection of the backend. One thread only.
final class Serving {
    private let seed: UInt64
    private let connection: Connection
    private let ledger: Ledger
    private let reader = MessageReader()
    private var conversation: Conversation?
    private var transfer: Transfer?
    private var isWhole = false
    private var received = 0

    init(_ seed: UInt64, _ connection: Connection, _ ledger: Ledger) {
        self.seed = seed
        self.connection = connection
        self.ledger = ledger
        reader.onHead = { [unowned self] head throws(Fault) in try begin(head) }
        reader.onBody = { [unowned self] bytes, offset throws(Fault) in try check(bytes, offset) }
        reader.onEnd = { [unowned self] count, _ throws(Fault) in
            if let transfer, count != (transfer.requestFraming == .none ? 0 : transfer.up.length) {
                throw Fault(text: "CUT UNNOTICED: a whole request of \(count) bytes")
            }
            isWhole = true
            reader.isHeld = true
        }
    }

    func blame(_ text: String) {
        guard let transfer else { return say("FINDING (backend): \(text)") }
        ledger.find(transfer, "backend", text)
    }

    /// One request; whether the connection goes on.
    func next(repeats: Bool) throws(Fault) -> Bool {
        (transfer, conversation, isWhole) = (nil, nil, false)
        reader.isHeld = false
        try reader.feed([])
        let first = try connection.exchange(
            [], Pace(), isDone: { self.transfer != nil }, onBytes: reader.feed)
        guard first == .done, let transfer, let conversation else { return false }
        if !repeats, ledger.isRepeatedPost(transfer) { blame("a POST that came before") }
        var interim = String(
            repeating: "HTTP/1.1 103 Soak\r\nLink: </a>\r\n\r\n", count: transfer.interims)
        if transfer.expectsContinue { interim += "HTTP/1.1 100 Continue\r\n\r\n" }
        _ = try exchange(Array(interim.utf8)) { true }
        let early = transfer.earlyAnswerAt
        let read = try exchange([]) {
            self.isWhole || early.map { self.reader.bodyCount >= $0 } ?? false
        }
        guard read == .done else {
            if !conversation.clientLeaves {
                blame("\(read) within the request at \(reader.bodyCount)")
            }
            return false
        }
        if isWhole, transfer.clientCut != nil, transfer.kind == .http {
            blame("CUT UNNOTICED: a whole request of a client that broke off")
        }
        let message = transfer.responseText + transfer.responseBody
        if let cut = transfer.backendCut, transfer.kind == .http {
            _ = try exchange(Array(message.prefix(cut.at))) { true }
            if cut.isReset { connection.reset() }
            return false
        }
        let written = try exchange(message) { true }
        if written != .done || connection.isWriteBroken, !conversation.clientLeaves {
            blame("\(written) within the response")
        }
        if transfer.kind == .upgrade {
            try stream(after: transfer)
            return false
        }
        if transfer.backendCloses {
            connection.finishWriting()
            _ = try exchange([]) { false }
            return false
        }
        return try exchange([]) { self.isWhole } == .done
    }

    private func exchange(_ output: [UInt8], until isDone: () -> Bool) throws(Fault)
        -> Connection.Ending
    {
        try connection.exchange(
            output, transfer?.backendPace ?? Pace(), isDone: isDone, onBytes: reader.feed)
    }

    private func begin(_ head: Head) throws(Fault) -> MessageReader.Body? {
        let path = head.words.count == 3 ? head.words[1].dropFirst().split(separator: ".") : []
        guard path.count == 2, let number = Int(path[0]), let index = Int(path[1]) else {
            throw Fault(text: "request line \(head.words)")
        }
        let conversation = Conversation(seed: seed, number: number)
        let transfer = conversation.transfers[index]
        (self.conversation, self.transfer) = (conversation, transfer)
        guard head.words[0] == transfer.method,
            head.fields["x-fill"] ?? "" == transfer.fill(transfer.requestFill)
        else { throw Fault(text: "another's request: \(head.words)") }
        received = 0
        isWhole = transfer.kind == .upgrade
        return transfer.kind == .upgrade
            ? .tunnel : try head.body(otherwise: MessageReader.Body.none)
    }

    private func check(_ bytes: ArraySlice<UInt8>, _ offset: Int) throws(Fault) {
        guard let transfer else { return }
        if let place = transfer.up.firstDifference(bytes, at: offset) {
            throw Fault(text: "the request's byte \(place) is wrong")
        }
        received = offset + bytes.count
        ledger.count { $0.bytes += bytes.count }
    }

    /// A connection of TCP, whose first 16 bytes are its number.
    func stream() throws(Fault) {
        var prefix: [UInt8] = []
        let ending = try connection.exchange(
            [], Pace(), isDone: { prefix.count >= 16 },
            onBytes: { bytes throws(Fault) in prefix += bytes })
        guard ending == .done, let number = Int(String(decoding: prefix.prefix(16), as: UTF8.self))
        else { return }
        let conversation = Conversation(seed: seed, number: number)
        (self.conversation, transfer) = (conversation, conversation.transfers[0])
        try check(prefix[16...], 0)
        try stream(after: conversation.transfers[0])
    }

    private func stream(after transfer: Transfer) throws(Fault) {
        let cut = transfer.backendCut
        let output = transfer.down.bytes(0..<(cut?.at ?? transfer.down.length))
        let take: ([UInt8]) throws(Fault) -> Void = { bytes throws(Fault) in
            try self.check(bytes[...], self.received)
        }
        let ending = try connection.exchange(
            output, transfer.backendPace, halfCloses: cut == nil, isDone: { cut != nil },
            onBytes: take)
        if cut != nil { return connection.reset() }
        if transfer.clientLeavesAt != nil { return }
        if transfer.clientCut != nil {
            if ending == .ended { blame("CUT UNNOTICED: FIN after \(received) bytes") }
        } else if ending != .ended || received != transfer.up.length {
            blame("\(ending) after \(received) bytes")
        }
    }
}
