// A DNS server that lies as the test tells it: what it sends back, over UDP and TCP, is a closure
// of the query.

package import DNSWire
package import Endpoints
package import Events

/// Listens on a loopback port of its own until `close()`.
package final class ScriptedServer {
    /// What is done with one message that came over TCP.
    package enum Step {
        /// Bytes to send as they are, each piece in a turn of the loop of its own.
        case send([[UInt8]])
        /// Sends these bytes, and then the end of the stream.
        case sendAndClose([UInt8])
        /// Sends these bytes, and then a reset.
        case sendAndReset([UInt8])
    }

    /// Where it listens, over UDP and TCP.
    package let endpoint: Endpoint
    /// What it was asked, in order.
    package var queries: [(Message, DNSTransport)] = []
    /// The types of records that it was asked for.
    package var typesAsked: Set<RecordType> {
        var types: Set<RecordType> = []
        for (query, _) in queries {
            if let question = query.question { types.insert(question.type) }
        }
        return types
    }
    /// How long each answer over UDP is held back.
    package var delay = Duration.zero
    /// Queries that a connection may bring; the next one is answered with a reset. Nil for any.
    package var queriesPerConnection: Int?
    /// Connections that were made to it.
    package var connectionCount: Int { tcp?.connections.count ?? 0 }
    private var udp: UDPSide?
    private var tcp: TCPSide?

    /// Listens on `loop`, on `endpoint` or a free port of 127.0.0.1. `udp` gives the datagrams that
    /// follow a query; `tcp` what is done with one that came over TCP, where nobody listens without
    /// it.
    package init(
        on loop: EventLoop, at place: Endpoint? = nil,
        udp answer: @escaping (Message) -> [[UInt8]] = { _ in [] },
        tcp steps: ((Message) -> Step)? = nil
    ) throws {
        let (datagrams, stream) =
            if let place {
                (
                    try Socket.bindDatagram(to: place),
                    try Socket.listen(on: place, isShared: false)
                )
            } else {
                try Self.bothSockets()
            }
        endpoint = datagrams.localEndpoint ?? Endpoint(.loopback, 0)
        udp = UDPSide(datagrams, on: loop) { [unowned self] query in
            queries.append((query, .udp))
            return (answer(query), delay)
        }
        if let steps {
            tcp = TCPSide(stream, on: loop) { [unowned self] query, number in
                queries.append((query, .tcp))
                if let queriesPerConnection, number > queriesPerConnection {
                    return .sendAndReset([])
                }
                return steps(query)
            }
        } else {
            stream.close()
        }
    }

    /// A UDP and a TCP socket on one port. The kernel chooses it for UDP; TCP may have it in use,
    /// so that another one is asked for.
    private static func bothSockets() throws(Errno) -> (Descriptor, Descriptor) {
        var triesLeft = 100
        while true {
            let datagrams = try Socket.bindDatagram(to: Endpoint(.loopback, 0))
            do throws(Errno) {
                let endpoint = datagrams.localEndpoint ?? Endpoint(.loopback, 0)
                return (datagrams, try Socket.listen(on: endpoint, isShared: false))
            } catch {
                datagrams.close()
                triesLeft -= 1
                guard error == .addressInUse, triesLeft > 0 else { throw error }
            }
        }
    }

    /// Ends every connection that is open, as a server may at any time; goes on listening.
    package func closeConnections() {
        for connection in tcp?.connections ?? [] { connection.close() }
    }

    /// Stops.
    package func close() {
        udp?.close()
        tcp?.close()
    }
}

private final class UDPSide: Channel {
    let answer: (Message) -> ([[UInt8]], Duration)
    let buffer = ReceiveBuffer()
    var timers: [Timer] = []

    init(
        _ descriptor: Descriptor, on loop: EventLoop,
        answer: @escaping (Message) -> ([[UInt8]], Duration)
    ) {
        self.answer = answer
        super.init(descriptor, on: loop)
        startReading()
    }

    override func onReadable() {
        let (result, sender) = descriptor.receiveDatagram(into: buffer)
        guard case .bytes(let count) = result,
            let query = buffer.withBytes(count, { try? Message(decoding: $0) })
        else { return }
        let (packets, delay) = answer(query)
        guard delay > .zero else {
            for packet in packets { descriptor.sendDatagram(packet.span, to: sender) }
            return
        }
        let timer = Timer(on: loop) { [weak self] in
            guard let self, isOpen else { return }
            for packet in packets { descriptor.sendDatagram(packet.span, to: sender) }
        }
        timer.schedule(after: delay)
        timers.append(timer)
    }
}

private final class TCPSide: Channel {
    let steps: (Message, Int) -> ScriptedServer.Step
    var connections: [Connection] = []

    init(
        _ descriptor: Descriptor, on loop: EventLoop,
        steps: @escaping (Message, Int) -> ScriptedServer.Step
    ) {
        self.steps = steps
        super.init(descriptor, on: loop)
        startReading()
    }

    override func onReadable() {
        while case .connection(let accepted, _) = descriptor.accept() {
            connections.append(Connection(accepted, on: loop, steps: steps))
        }
    }

    override func close() {
        for connection in connections { connection.close() }
        super.close()
    }

    final class Connection: Channel {
        let steps: (Message, Int) -> ScriptedServer.Step
        let buffer = ReceiveBuffer()
        var splitter = TCPFrameSplitter()
        var pieces: [[UInt8]] = []
        var closesAfterwards = false
        var queryCount = 0

        init(
            _ descriptor: Descriptor, on loop: EventLoop,
            steps: @escaping (Message, Int) -> ScriptedServer.Step
        ) {
            self.steps = steps
            super.init(descriptor, on: loop)
            startReading()
        }

        override func onReadable() {
            guard case .bytes(let count) = descriptor.receive(into: buffer) else { return close() }
            buffer.withBytes(count) { splitter.append($0) }
            while let frame = splitter.next(), let query = try? Message(decoding: frame) {
                queryCount += 1
                switch steps(query, queryCount) {
                case .send(let bytes): pieces += bytes
                case .sendAndClose(let bytes):
                    pieces += [bytes]
                    closesAfterwards = true
                case .sendAndReset(let bytes):
                    pieces += [bytes]
                    closesAfterwards = true
                    descriptor.resetOnClose()
                }
                awaitWrite()
            }
        }

        override func onWritable() {
            if let piece = pieces.first, !piece.isEmpty {
                guard case .bytes(let count) = descriptor.send(piece.span) else { return }
                pieces[0].removeFirst(count)
                if !pieces[0].isEmpty { return }
            }
            if !pieces.isEmpty { pieces.removeFirst() }
            guard pieces.isEmpty else { return }
            stopAwaitingWrite()
            if closesAfterwards { close() }
        }
    }
}

extension Message {
    /// This message as one datagram of any size.
    package var datagram: [UInt8] {
        var bytes: [UInt8] = []
        encode(into: &bytes, maximumSize: Message.octetsMax)
        return bytes
    }

    /// This message as one TCP frame.
    package var frame: [UInt8] {
        var bytes: [UInt8] = []
        encodeFrame(into: &bytes)
        return bytes
    }

    /// A reply to this query with `count` SRV records, told apart by their ports.
    package func replyWithRecords(_ count: Int = 1) -> Message {
        var reply = reply()
        guard let question else { return reply }
        for index in 0..<count {
            let srv = RecordData.SRV(
                priority: 1, weight: 1, port: UInt16(8000 + index), target: question.name)
            reply.answers.append(ResourceRecord(question.name, ttlSeconds: 5, .srv(srv)))
        }
        return reply
    }
}

extension Message {
    /// This message with the name of its question in lower case, as a server sends it back that
    /// does not keep the case of letters.
    package var lowercased: Message {
        var message = self
        message.question?.name = question?.name.lowercased ?? .root
        return message
    }
}
