// The nameserver of the discovery bench: every name under it has the same number of SRV records,
// which do not fit UDP unless they are few. The records are made once, so that it is never what is
// measured. It counts what it is asked, also while it is mute.
//
// The names under `control.` steer it: `mute.control.`, `speak.control.` and `counts.control.` are
// answered at once with a TXT record of its counts, queries over UDP and over TCP so far.

import DNSWire
import Endpoints
import Events

final class NameServer {
    private var udp: UDPSide?
    private var tcp: TCPSide?
    /// Answer section for a question at the usual place, the owner a pointer to its name.
    private var records: [UInt8] = []
    private let recordCount: Int
    private var isMute = false
    private var counts = (udp: 0, tcp: 0)

    init(on endpoint: Endpoint, records: Int, ttlSeconds: UInt32, _ loop: EventLoop) throws {
        recordCount = records
        for index in 0..<records {
            let hex = String(0x0a00_0001 + index, radix: 16)
            let target = try DomainName("0\(hex).addr.dc1.consul").wireOctets
            self.records += [0xc0, 12, 0, 33, 0, 1]
            self.records += [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: ttlSeconds >> $0) }
            self.records += [0, UInt8(6 + target.count), 0, 1, 0, 1, 0x1f, 0x90] + target
        }
        udp = UDPSide(try Socket.bindDatagram(to: endpoint), on: loop) { [unowned self] in
            answer($0, maximum: 1232, isTCP: false)
        }
        tcp = TCPSide(try Socket.listen(on: endpoint, isShared: false), on: loop) {
            [unowned self] in answer($0, maximum: Message.octetsMax, isTCP: true)
        }
    }

    func close() {
        udp?.close()
        tcp?.close()
    }

    /// The reply to `query`; nil for silence.
    private func answer(_ query: [UInt8], maximum: Int, isTCP: Bool) -> [UInt8]? {
        guard query.count > 16, let end = query[12...].firstIndex(of: 0), end + 5 <= query.count
        else { return nil }
        let question = query[12..<(end + 5)]
        if let reply = control(query) { return reply }
        if isTCP { counts.tcp += 1 } else { counts.udp += 1 }
        guard !isMute else { return nil }
        let isWhole = 12 + question.count + records.count <= maximum
        var reply = Array(query[..<2])
        reply += [isWhole ? 0x85 : 0x87, 0x80, 0, 1]
        reply += isWhole ? [UInt8(recordCount >> 8), UInt8(recordCount & 0xff)] : [0, 0]
        reply += [0, 0, 0, 0]
        reply += question
        if isWhole { reply += records }
        return reply
    }

    private func control(_ query: [UInt8]) -> [UInt8]? {
        guard let message = try? Message(decoding: query), let question = message.question,
            question.name.labels.count == 2, question.type == .txt
        else { return nil }
        switch String(decoding: question.name.labels[0], as: UTF8.self).lowercased() {
        case "mute": isMute = true
        case "speak": isMute = false
        case "counts": break
        default: return nil
        }
        var reply = message.reply()
        let texts = [counts.udp, counts.tcp].map { Array("\($0)".utf8) }
        reply.answers = [ResourceRecord(question.name, ttlSeconds: 0, .txt(texts))]
        var bytes: [UInt8] = []
        reply.encode(into: &bytes, maximumSize: Message.octetsMax)
        return bytes
    }
}

private final class UDPSide: Channel {
    let answer: ([UInt8]) -> [UInt8]?
    let buffer = ReceiveBuffer()

    init(_ descriptor: Descriptor, on loop: EventLoop, answer: @escaping ([UInt8]) -> [UInt8]?) {
        self.answer = answer
        super.init(descriptor, on: loop)
        startReading()
    }

    override func onReadable() {
        while true {
            let (result, sender) = descriptor.receiveDatagram(into: buffer)
            guard case .bytes(let count) = result else { return }
            let query = buffer.withBytes(count) { span in span.indices.map { span[$0] } }
            if let reply = answer(query) { descriptor.sendDatagram(reply.span, to: sender) }
        }
    }
}

private final class TCPSide: Channel {
    let answer: ([UInt8]) -> [UInt8]?

    init(_ descriptor: Descriptor, on loop: EventLoop, answer: @escaping ([UInt8]) -> [UInt8]?) {
        self.answer = answer
        super.init(descriptor, on: loop)
        startReading()
    }

    override func onReadable() {
        while case .connection(let accepted, _) = descriptor.accept() {
            // The loop keeps it until it is closed.
            _ = Connection(accepted, on: loop, answer: answer)
        }
    }

    final class Connection: Channel {
        let answer: ([UInt8]) -> [UInt8]?
        let buffer = ReceiveBuffer()
        var splitter = TCPFrameSplitter()
        var output: [UInt8] = []

        init(_ descriptor: Descriptor, on loop: EventLoop, answer: @escaping ([UInt8]) -> [UInt8]?)
        {
            self.answer = answer
            super.init(descriptor, on: loop)
            startReading()
        }

        override func onReadable() {
            guard case .bytes(let count) = descriptor.receive(into: buffer) else { return close() }
            buffer.withBytes(count) { splitter.append($0) }
            while let frame = splitter.next() {
                guard let reply = answer(frame) else { continue }
                output += [UInt8(reply.count >> 8), UInt8(reply.count & 0xff)] + reply
            }
            flush()
        }

        override func onWritable() { flush() }

        private func flush() {
            while !output.isEmpty {
                guard case .bytes(let count) = descriptor.send(output.span) else {
                    return awaitWrite()
                }
                output.removeFirst(count)
            }
            stopAwaitingWrite()
        }
    }
}
