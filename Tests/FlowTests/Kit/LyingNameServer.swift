// A name server that says of each name what the test wants, over UDP and TCP: the truth, a part of it,
// an error, or nothing.

internal import DNSWire
internal import Endpoints
internal import Events
internal import Locking
import TestSupport

/// A DNS server on a port of 127.0.0.1 with a thread of its own. Stops when released.
final class LyingNameServer: Sendable {
    /// What is done with a question; nil is silence. The second is whether it came over TCP.
    typealias Answer = @Sendable (Message, Bool) -> Message?

    /// A question that came.
    struct Seen: Sendable {
        let name: String
        let type: RecordType
        let overTCP: Bool
        /// The UDP payload that its EDNS announces; nil without EDNS.
        let payload: UInt16?
    }

    let port: UInt16
    private let answers = Locked<[String: Answer]>([:])
    private let questions = Locked<[Seen]>([])
    private let mailbox: Mailbox<Void>
    private let thread: LoopThread

    init() throws {
        let (datagrams, listening) = try Self.sockets()
        port = datagrams.localEndpoint?.port ?? 0
        let mailbox = try Mailbox<Void>()
        self.mailbox = mailbox
        let (answers, questions) = (answers, questions)
        thread = try LoopThread(name: "lying-dns") {
            let loop = EventLoop()
            let say: (Message, Bool) -> Message? = { query, overTCP in
                guard let question = query.question else { return nil }
                let name = question.name.description.lowercased()
                let seen = Seen(
                    name: name, type: question.type, overTCP: overTCP,
                    payload: query.edns?.udpPayloadOctetsMax)
                questions.withLock { $0.append(seen) }
                guard let answer = answers.withLock({ $0[name] }) else {
                    return query.reply(.refused)
                }
                return answer(query, overTCP)
            }
            let udp = Datagrams(datagrams, on: loop, say: say)
            let tcp = Listener(listening, on: loop, say: say)
            let reader = try? MailboxReader(mailbox, on: loop) { loop.stop() }
            if reader != nil { loop.run() }
            udp.close()
            tcp.close()
            reader?.close()
        }
    }

    deinit {
        mailbox.post(())
        thread.join()
    }

    private static func sockets() throws(Errno) -> (Descriptor, Descriptor) {
        while true {
            let datagrams = try Socket.bindDatagram(to: Endpoint(.loopback, 0))
            let endpoint = datagrams.localEndpoint ?? Endpoint(.loopback, 0)
            // The port may be taken for TCP; then another one is asked for.
            if let listening = try? Socket.listen(on: endpoint, isShared: false) {
                return (datagrams, listening)
            }
            datagrams.close()
        }
    }

    /// Says `answer` to every question about `name`, which ends in a dot, from now on.
    func say(_ answer: @escaping Answer, of name: String) {
        answers.withLock { $0[name] = answer }
    }

    /// The questions about `name` so far.
    func seen(of name: String) -> [Seen] {
        questions.withLock { $0.filter { $0.name == name } }
    }

    private final class Datagrams: Channel {
        private let buffer = ReceiveBuffer(capacity: 65536)
        private let say: (Message, Bool) -> Message?

        init(
            _ descriptor: Descriptor, on loop: EventLoop, say: @escaping (Message, Bool) -> Message?
        ) {
            self.say = say
            super.init(descriptor, on: loop)
            startReading()
        }

        override func onReadable() {
            let (result, sender) = descriptor.receiveDatagram(into: buffer)
            guard case .bytes(let count) = result,
                let query = buffer.withBytes(count, { try? Message(decoding: $0) }),
                let reply = say(query, false)
            else { return }
            var bytes: [UInt8] = []
            reply.encode(into: &bytes, maximumSize: Message.octetsMax)
            descriptor.sendDatagram(bytes.span, to: sender)
        }
    }

    private final class Listener: Channel {
        private let say: (Message, Bool) -> Message?
        private var connections: [Connection] = []

        init(
            _ descriptor: Descriptor, on loop: EventLoop, say: @escaping (Message, Bool) -> Message?
        ) {
            self.say = say
            super.init(descriptor, on: loop)
            startReading()
        }

        override func onReadable() {
            while case .connection(let accepted, _) = descriptor.accept() {
                connections.append(Connection(accepted, on: loop, say: say))
            }
        }

        override func close() {
            for connection in connections { connection.close() }
            super.close()
        }
    }

    private final class Connection: StreamChannel {
        private let say: (Message, Bool) -> Message?
        private let buffer = ReceiveBuffer(capacity: 16384)
        private var splitter = TCPFrameSplitter()

        init(
            _ descriptor: Descriptor, on loop: EventLoop, say: @escaping (Message, Bool) -> Message?
        ) {
            self.say = say
            super.init(descriptor, on: loop)
            startReading()
        }

        override func onReadable() {
            guard case .bytes(let count) = descriptor.receive(into: buffer) else { return close() }
            buffer.withBytes(count) { splitter.append($0) }
            while let frame = splitter.next(), let query = try? Message(decoding: frame) {
                guard let reply = say(query, true) else { continue }
                var bytes: [UInt8] = []
                reply.encodeFrame(into: &bytes)
                if case .failed = write(bytes) { return close() }
            }
        }

        override func onBroken() { close() }
    }
}

extension LyingNameServer {
    /// SRV records of ports on 127.0.0.1, whose addresses their targets spell as Consul's do, with a
    /// TTL of 0. Nothing else is known of the name.
    static func records(_ records: [(port: UInt16, priority: UInt16, weight: UInt16)]) -> Answer {
        { query, _ in
            var reply = query.reply()
            guard let question = query.question, question.type == .srv,
                let target = try? DomainName("7f000001.addr.dc1.consul")
            else { return reply }
            reply.answers = records.map {
                ResourceRecord(
                    question.name, ttlSeconds: 0,
                    .srv(
                        .init(
                            priority: $0.priority, weight: $0.weight, port: $0.port, target: target)
                    ))
            }
            return reply
        }
    }

    /// The same, each with priority and weight 1.
    static func ports(_ ports: [UInt16]) -> Answer {
        records(ports.map { ($0, 1, 1) })
    }

    /// That code and nothing else; nil for silence.
    static func code(_ code: ResponseCode?) -> Answer {
        { query, _ in code.map { query.reply($0) } }
    }
}
