// Client: plays a conversation and judges what came of each transfer.

internal import BenchSupport

/// One client connection. One thread only.
final class Client {
    private let conversation: Conversation
    private let ledger: Ledger
    private let connection: Connection
    private let reader = MessageReader()
    /// Transfers whose answer has come.
    private var answered = 0
    private var mayContinue = false
    private var isInTunnel = false
    /// Whether the answer under way is Fairlead's own.
    private var isOwn = false
    private var received = 0
    private var current: Transfer { conversation.transfers[answered] }

    init(_ conversation: Conversation, _ connection: Connection, _ ledger: Ledger) {
        self.conversation = conversation
        self.connection = connection
        self.ledger = ledger
        reader.onHead = { [unowned self] head throws(Fault) in try begin(head) }
        reader.onBody = { [unowned self] bytes, offset throws(Fault) in try check(bytes, offset) }
        reader.onEnd = { [unowned self] count, trailers throws(Fault) in try end(count, trailers) }
    }

    /// Plays all of it.
    func play() {
        do throws(Fault) {
            switch conversation.kind {
            case .stream:
                let number = String(conversation.number)
                let zeros = String(repeating: "0", count: 16 - number.utf8.count)
                try stream(after: Array((zeros + number).utf8))
            case .http, .upgrade:
                if conversation.isPipelined { try pipeline() } else { try takeTurns() }
            }
        } catch {
            let place = min(answered, conversation.transfers.count - 1)
            ledger.find(conversation.transfers[place], "client", error.text)
            ledger.count { $0.ended += conversation.transfers.count - place }
        }
    }

    private func pipeline() throws(Fault) {
        var output: [UInt8] = []
        for transfer in conversation.transfers { output += wire(transfer) }
        ledger.count { $0.begun += conversation.transfers.count }
        let last = conversation.transfers.count
        try judge(exchange(output, until: last), until: last)
    }

    private func takeTurns() throws(Fault) {
        for transfer in conversation.transfers {
            ledger.count { $0.begun += 1 }
            if transfer.kind == .upgrade { return try tunnel(transfer) }
            let wanted = transfer.index + 1
            let ending: Connection.Ending
            if transfer.expectsContinue {
                mayContinue = false
                let first = try connection.exchange(
                    transfer.requestText, transfer.clientPace,
                    isDone: {
                        self.mayContinue || self.answered == wanted || self.hasLeft(transfer)
                    },
                    onBytes: feed)
                let rest = mayContinue ? transfer.requestBody : []
                ending = first == .done ? try exchange(rest, until: wanted) : first
            } else {
                ending = try exchange(wire(transfer), until: wanted)
            }
            guard try judge(ending, until: wanted) else { return }
        }
    }

    private func exchange(_ output: [UInt8], until wanted: Int) throws(Fault) -> Connection.Ending {
        let last = conversation.transfers[wanted - 1]
        let cuts = last.clientCut != nil
        return try connection.exchange(
            output, last.clientPace, halfCloses: last.halfCloses && !cuts,
            needsAllWritten: last.earlyAnswerAt == nil && last.backendCut == nil || cuts,
            isDone: { cuts || self.answered == wanted || self.hasLeft(last) }, onBytes: feed)
    }

    private func hasLeft(_ transfer: Transfer) -> Bool {
        answered == transfer.index && transfer.clientLeavesAt.map { received >= $0 } ?? false
    }

    private func feed(_ bytes: [UInt8]) throws(Fault) {
        try reader.feed(bytes)
    }

    private func wire(_ transfer: Transfer) -> [UInt8] {
        let all = transfer.requestText + transfer.requestBody
        return transfer.clientCut.map { Array(all.prefix($0.at)) } ?? all
    }

    /// What the end of an exchange means; whether the conversation goes on.
    @discardableResult
    private func judge(_ ending: Connection.Ending, until wanted: Int) throws(Fault) -> Bool {
        if ending == .ended { try reader.finish() }
        let last = conversation.transfers[wanted - 1]
        if answered == wanted {
            if wanted < conversation.transfers.count { return true }
            try expectClose(after: last, ending)
            return false
        }
        let lost = wanted - answered
        if ending == .done || conversation.clientLeaves && last.isLast {
            if last.clientCut?.isReset ?? chance(of: last) { connection.reset() }
            ledger.count {
                $0.left += lost; $0.ended += conversation.transfers.count - answered
            }
            return false
        }
        guard ending != .stalled else {
            let place = ledger.hasSeen(current) ? "at the backend" : "on the way to the backend"
            throw Fault(text: "nothing moves; the request is \(place)")
        }
        guard current.backendCut != nil else {
            throw Fault(text: "\(ending) without a reason; the answer is at \(reader.bodyCount)")
        }
        ledger.count {
            $0.noticed += 1; $0.ended += 1
        }
        return false
    }

    private func chance(of transfer: Transfer) -> Bool { transfer.key & 1 == 0 }

    /// After an answer that was to be the connection's last, FIN has to follow, and no RST.
    private func expectClose(after transfer: Transfer, _ ending: Connection.Ending) throws(Fault) {
        guard transfer.closes, !isOwn, transfer.earlyAnswerAt == nil, ending == .done else {
            return
        }
        let end = try connection.exchange([], Pace(), isDone: { false }, onBytes: feed)
        if end != .ended {
            ledger.find(transfer, "client", "\(end) after a whole answer")
        }
    }
}

/// What comes.
extension Client {
    private func begin(_ head: Head) throws(Fault) -> MessageReader.Body? {
        guard answered < conversation.transfers.count else {
            throw Fault(text: "an answer that nobody asked for")
        }
        let transfer = current
        guard head.words.count > 1, head.words[0].hasPrefix("HTTP/1."),
            let status = Int(head.words[1])
        else { throw Fault(text: "status line \(head.words)") }
        if status < 200, status != 101 {
            guard transfer.requestMinor == 1 else { throw Fault(text: "\(status) to HTTP/1.0") }
            if status == 100 { mayContinue = true }
            return nil
        }
        received = 0
        isOwn = head.fields["x-soak"] == nil
        let hasBody = isOwn ? transfer.method != "HEAD" : transfer.hasResponseBody
        if isOwn {
            guard transfer.backendCut != nil, status == 502 else {
                throw Fault(text: "\(status) by Fairlead without a reason")
            }
        } else {
            guard head.fields["x-soak"] == transfer.name, status == transfer.status,
                head.fields["x-fill"] ?? "" == transfer.fill(transfer.responseFill)
            else { throw Fault(text: "another's answer: \(status) \(head.fields["x-soak"] ?? "")") }
        }
        if status == 101 {
            isInTunnel = true
            return .tunnel
        }
        return hasBody ? try head.body(otherwise: .untilClose) : MessageReader.Body.none
    }

    private func check(_ bytes: ArraySlice<UInt8>, _ offset: Int) throws(Fault) {
        guard !isOwn else { return }
        if let place = current.down.firstDifference(bytes, at: offset) {
            throw Fault(text: "the answer's byte \(place) is wrong")
        }
        received = offset + bytes.count
        ledger.count { $0.bytes += bytes.count }
    }

    private func end(_ count: Int, _ trailers: [String]) throws(Fault) {
        let transfer = current
        if isOwn {
            ledger.count {
                $0.answered += 1; $0.ended += 1
            }
        } else {
            let expected = transfer.hasResponseBody ? transfer.down.length : 0
            guard count == expected else {
                throw Fault(text: "CUT UNNOTICED: a whole answer of \(count) of \(expected) bytes")
            }
            let isChunked = transfer.hasResponseBody && transfer.responseFraming == .chunked
            if isChunked, transfer.hasTrailers, transfer.requestMinor == 1,
                trailers != ["X-Trailer: \(transfer.name)"]
            {
                throw Fault(text: "trailers \(trailers)")
            }
            if transfer.backendCut != nil { throw Fault(text: "CUT UNNOTICED: at the end") }
            ledger.count {
                $0.whole += 1; $0.ended += 1
            }
        }
        answered += 1
    }
}

/// Tunnels and TCP.
extension Client {
    private func tunnel(_ transfer: Transfer) throws(Fault) {
        let ending = try connection.exchange(
            transfer.requestText, transfer.clientPace,
            isDone: { self.isInTunnel || self.answered > transfer.index }, onBytes: feed)
        // The backend may have been gone before its 101 was read.
        if answered > transfer.index { return }
        guard ending == .done, isInTunnel else {
            throw Fault(text: "\(ending) in place of 101")
        }
        ledger.count { $0.tunnels += 1 }
        try stream(after: [])
    }

    private func stream(after prefix: [UInt8]) throws(Fault) {
        let transfer = current
        if !isInTunnel { ledger.count { $0.streams += 1 } }
        let cut = transfer.clientCut
        let output = prefix + transfer.up.bytes(0..<(cut?.at ?? transfer.up.length))
        let take: ([UInt8]) throws(Fault) -> Void = { bytes throws(Fault) in
            try self.check(bytes[...], self.received)
        }
        let ending = try connection.exchange(
            output, transfer.clientPace, halfCloses: cut == nil,
            isDone: { cut != nil || transfer.clientLeavesAt.map { self.received >= $0 } ?? false },
            onBytes: take)
        ledger.count { $0.ended += 1 }
        if cut != nil || transfer.clientLeavesAt != nil && ending != .ended {
            connection.reset()
            return ledger.count { $0.left += 1 }
        }
        switch (ending, transfer.backendCut) {
        case (.ended, nil) where received == transfer.down.length, (.done, nil):
            ledger.count { $0.whole += 1 }
        case (.ended, nil): return lose(transfer, "FIN after \(received) bytes without a reason")
        case (.broken, nil): return lose(transfer, "RST after \(received) bytes without a reason")
        case (.broken, _): ledger.count { $0.noticed += 1 }
        case (.stalled, _): return lose(transfer, "nothing moves after \(received) bytes")
        case (_, _): return lose(transfer, "CUT UNNOTICED: FIN after \(received) bytes")
        }
    }

    private func lose(_ transfer: Transfer, _ text: String) {
        ledger.find(transfer, "client", text)
    }
}
