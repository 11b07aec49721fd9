// Goal: readiness, deadlines and closing behave as the documentation of Channel says, in every
// order that a proxy meets. Method: real loopback sockets on a loop turned by the test.

import Endpoints
import Events
import Glibc
import Testing

/// Counts what it hears.
private final class Listener: Channel {
    var accepted: [(Descriptor, from: Endpoint)] = []
    override func onReadable() {
        while case .connection(let descriptor, let from) = descriptor.accept() {
            accepted.append((descriptor, from: from))
        }
    }
}

private final class Peer: Channel {
    var received: [UInt8] = []
    var ended = false
    var connected = false
    var deadlines = 0
    var onEvent: () -> Void = {}
    let buffer = ReceiveBuffer(capacity: 1024)

    override func onReadable() {
        switch descriptor.receive(into: buffer) {
        case .bytes(let count):
            buffer.withBytes(count) { bytes in
                for index in bytes.indices { received.append(bytes[index]) }
            }
        case .endOfStream, .failed:
            ended = true
            stopReading()
        case .wouldBlock: break
        }
        onEvent()
    }

    override func onWritable() {
        connected = descriptor.connectError() == nil
        stopAwaitingWrite()
        onEvent()
    }

    override func onDeadline() {
        deadlines += 1
        onEvent()
    }

    var turnEnds: [Int] = []
    var onEnd: () -> Void = {}

    override func onTurnEnd() {
        turnEnds.append(received.count)
        onEnd()
    }
}

@Suite struct ChannelTests {
    let loop = EventLoop()

    /// Two ends of one loopback connection.
    private func pair() throws -> (Peer, Peer) {
        let listener = Listener(try Socket.listen(on: Endpoint(.loopback, 0)), on: loop)
        listener.startReading()
        defer { listener.close() }
        let endpoint = try #require(listener.descriptor.localEndpoint)
        let client = Peer(try Socket.connectStream(to: endpoint), on: loop)
        client.awaitWrite()
        turn { client.connected && !listener.accepted.isEmpty }
        let accepted = try #require(listener.accepted.first)
        #expect(accepted.from.address == .loopback)
        return (client, Peer(accepted.0, on: loop))
    }

    /// Turns the loop until `condition` holds; a generous number of events, not a time.
    private func turn(until condition: () -> Bool) {
        for _ in 0..<1000 where !condition() { loop.runOnce(waiting: true) }
        #expect(condition())
    }

    @Test("bytes and the end of the stream arrive in order")
    func bytesThenEnd() throws {
        let (client, server) = try pair()
        server.startReading()
        let text = Array("hello".utf8)
        #expect(client.descriptor.send(text.span) == .bytes(5))
        #expect(client.descriptor.send(text.span, text.span) == .bytes(10))
        client.descriptor.shutdownWriting()
        turn { server.ended }
        #expect(server.received == Array("hellohellohello".utf8))
        client.close()
        server.close()
    }

    @Test("a paused channel hears nothing, a resumed one everything")
    func pause() throws {
        let (client, server) = try pair()
        server.startReading()
        server.stopReading()
        let text = Array("x".utf8)
        #expect(client.descriptor.send(text.span) == .bytes(1))
        loop.runOnce()
        #expect(server.received.isEmpty)
        server.startReading()
        turn { server.received == text }
        client.close()
        server.close()
    }

    @Test("a channel may close itself, and others of the same batch, in a callback")
    func closeInCallback() throws {
        let (client, server) = try pair()
        let text = Array("x".utf8)
        client.startReading()
        server.startReading()
        _ = client.descriptor.send(text.span)
        _ = server.descriptor.send(text.span)
        var heard = 0
        let closeBoth = {
            heard += 1
            client.close()
            server.close()
        }
        client.onEvent = closeBoth
        server.onEvent = closeBoth
        turn { heard > 0 }
        loop.runOnce()
        #expect(heard == 1)
        #expect(!client.isOpen && !server.isOpen)
        client.onEvent = {}
        server.onEvent = {}
    }

    @Test("the end of a turn comes once, behind all events of it, and only to an open channel")
    func turnEnd() throws {
        let (client, server) = try pair()
        client.startReading()
        server.startReading()
        for channel in [client, server] {
            channel.onEvent = {
                client.awaitTurnEnd()
                server.awaitTurnEnd()
                server.awaitTurnEnd()
            }
        }
        // What one does at the end of a turn may bring another there, in the same turn.
        server.onEnd = { client.awaitTurnEnd() }
        let text = Array("x".utf8)
        _ = client.descriptor.send(text.span)
        _ = server.descriptor.send(text.span)
        turn { !client.received.isEmpty && !server.received.isEmpty }
        let turns = server.turnEnds.count
        #expect((1...2).contains(turns), "one for each turn with an event")
        #expect(client.turnEnds.count == 2 * turns, "asked for again by the server's")
        #expect(server.turnEnds.last == 1 && client.turnEnds.last == 1)
        loop.runOnce()
        #expect(server.turnEnds.count == turns, "nobody has asked for this one")

        client.onEvent = {
            client.awaitTurnEnd()
            client.close()
        }
        let before = client.turnEnds.count
        _ = server.descriptor.send(text.span)
        turn { !client.isOpen }
        #expect(client.turnEnds.count == before)
        client.onEvent = {}
        server.onEvent = {}
        server.onEnd = {}
        server.close()
    }

    @Test("a channel closed in a batch is released when the batch is over, and not before")
    func releasedAfterBatch() throws {
        weak var client: Peer?
        var held: Peer?
        do {
            let (first, server) = try pair()
            first.deadlineNanoseconds = loop.nowNanoseconds + 1
            (client, held) = (first, first)
            server.close()
        }
        var wasKept: Bool?
        let timer = Timer(on: loop) {
            held?.close()
            held?.close()
            held = nil
            wasKept = client != nil
        }
        timer.schedule(after: .zero)
        turn { wasKept != nil }
        #expect(wasKept == true)
        #expect(client == nil)
    }

    @Test("a channel closed between batches is released at once, and does not keep its loop")
    func releasedAtOnce() throws {
        weak var channel: Peer?
        weak var loop: EventLoop?
        do {
            let own = EventLoop()
            let peer = Peer(try Socket.bindDatagram(to: Endpoint(.loopback, 0)), on: own)
            (channel, loop) = (peer, own)
            peer.startReading()
            peer.deadlineNanoseconds = own.nowNanoseconds + 1_000_000_000
            own.runOnce()
            peer.close()
            peer.close()
        }
        #expect(channel == nil)
        #expect(loop == nil)
    }

    @Test("connecting to a port where nobody listens is refused")
    func refused() throws {
        let free = try Socket.listen(on: Endpoint(.loopback, 0))
        let endpoint = try #require(free.localEndpoint)
        free.close()
        let error: Errno?
        do throws(Errno) {
            let channel = Peer(try Socket.connectStream(to: endpoint), on: loop)
            var heard: Errno?
            channel.onEvent = { [unowned channel] in heard = channel.descriptor.connectError() }
            channel.awaitWrite()
            for _ in 0..<100 where channel.isAwaitingWrite { loop.runOnce(waiting: true) }
            #expect(!channel.connected)
            channel.close()
            // connectError() clears the error as it reports it: onWritable has taken it.
            error = heard ?? .connectionRefused
        } catch {
            #expect(error == .connectionRefused)
            return
        }
        #expect(error == .connectionRefused)
    }

    @Test("an address in use is an error, not a second listener of another program's kind")
    func inUse() throws {
        let datagram = try Socket.bindDatagram(to: Endpoint(.loopback, 0))
        defer { datagram.close() }
        let endpoint = try #require(datagram.localEndpoint)
        #expect(throws: Errno.addressInUse) { try Socket.bindDatagram(to: endpoint) }
    }

    @Test("an address is free until something listens there", arguments: [true, false])
    func checkFree(isShared: Bool) throws {
        for host in [IPAddress.loopback, .any] {
            let listening = try Socket.listen(on: Endpoint(host, 0), isShared: isShared)
            let endpoint = try #require(listening.localEndpoint)
            #expect(throws: Errno.addressInUse) { try Socket.checkFree(endpoint) }
            listening.close()
            for _ in 0..<2 { try Socket.checkFree(endpoint) }
            try Socket.listen(on: endpoint, isShared: isShared).close()
        }
    }

    @Test("datagrams carry their sender")
    func datagrams() throws {
        let server = try Socket.bindDatagram(to: Endpoint(.loopback, 0))
        let client = try Socket.connectDatagram(to: try #require(server.localEndpoint))
        defer {
            server.close()
            client.close()
        }
        let buffer = ReceiveBuffer(capacity: 512)
        #expect(server.receiveDatagram(into: buffer).0 == .wouldBlock)
        let text = Array("question".utf8)
        #expect(client.send(text.span) == .bytes(8))
        let (result, from) = server.receiveDatagram(into: buffer)
        #expect(result == .bytes(8))
        #expect(from == client.localEndpoint)
        server.sendDatagram(text.span, to: from)
        #expect(client.receive(into: buffer) == .bytes(8))
    }
}

@Suite struct DeadlineTests {
    let loop = EventLoop()

    /// A channel that nothing happens on.
    private func idle() throws -> Peer {
        Peer(try Socket.bindDatagram(to: Endpoint(.loopback, 0)), on: loop)
    }

    @Test("a deadline fires once, and a later one set meanwhile counts instead")
    func order() throws {
        let (first, second, never) = (try idle(), try idle(), try idle())
        var order: [String] = []
        first.onEvent = { order.append("first") }
        second.onEvent = { order.append("second") }
        let now = loop.nowNanoseconds
        first.deadlineNanoseconds = now + 1_000_000
        never.deadlineNanoseconds = now + 1_000_000
        never.deadlineNanoseconds = .max
        second.deadlineNanoseconds = now + 1_000_000
        second.deadlineNanoseconds = now + 350_000_000  // moved later: found again in its new slot
        while order.count < 2 { loop.runOnce(waiting: true) }
        #expect(order == ["first", "second"])
        #expect(first.deadlines == 1 && second.deadlines == 1 && never.deadlines == 0)
        #expect(second.deadlineNanoseconds == .max)
        for channel in [first, second, never] {
            channel.onEvent = {}
            channel.close()
        }
    }

    @Test("the loop knows that it stood still")
    func stall() throws {
        let channel = try idle()
        channel.deadlineNanoseconds = loop.nowNanoseconds + 1_000_000_000
        let stall = Timer(on: loop) { usleep(400_000) }
        let begin = loop.nowNanoseconds
        stall.schedule(after: .zero)
        while channel.deadlines == 0 { loop.runOnce(waiting: true) }
        #expect(loop.resumedAt >= begin + 400_000_000)
        channel.close()
    }

    @Test("a deadline moved earlier fires early")
    func earlier() throws {
        let (far, near) = (try idle(), try idle())
        let now = loop.nowNanoseconds
        far.deadlineNanoseconds = now + 3_600_000_000_000
        near.deadlineNanoseconds = now + 3_600_000_000_000
        near.deadlineNanoseconds = now
        while near.deadlines == 0 { loop.runOnce(waiting: true) }
        #expect(far.deadlines == 0)
        far.close()
        near.close()
    }

    @Test("an object without a descriptor has a deadline, until it is released")
    func withoutDescriptor() {
        final class Appointment: Deadlined {
            var onPassed: () -> Void = {}
            override func onDeadline() { onPassed() }
        }
        let kept = Appointment(on: loop)
        var released: Appointment? = Appointment(on: loop)
        var passed: [String] = []
        kept.onPassed = { passed.append("kept") }
        released?.onPassed = { passed.append("released") }
        kept.deadlineNanoseconds = loop.nowNanoseconds + 1_000_000
        released?.deadlineNanoseconds = loop.nowNanoseconds
        released = nil
        while passed.isEmpty { loop.runOnce(waiting: true) }
        #expect(passed == ["kept"])
        #expect(kept.deadlineNanoseconds == .max)
    }

    @Test("a deadline's callback may close channels that are due in the same tick")
    func closeOthers() throws {
        let channels = try (0..<10).map { _ in try idle() }
        let now = loop.nowNanoseconds
        var fired = 0
        for channel in channels {
            channel.deadlineNanoseconds = now
            channel.onEvent = {
                fired += 1
                for other in channels { other.close() }
            }
        }
        while fired == 0 { loop.runOnce(waiting: true) }
        loop.runOnce()
        #expect(fired == 1)
        for channel in channels { channel.onEvent = {} }
    }
}

@Suite struct MailboxTests {
    @Test("messages of several threads all arrive, in order per sender")
    func threads() throws {
        let loop = EventLoop()
        let mailbox = try Mailbox<(Int, Int)>()
        var received: [Int: [Int]] = [:]
        let reader = try MailboxReader(mailbox, on: loop) {
            received[$0.0, default: []].append($0.1)
        }
        let threads = try (0..<4).map { sender in
            try LoopThread(name: "sender") {
                for number in 0..<1000 { mailbox.post((sender, number)) }
            }
        }
        while received.values.map(\.count).reduce(0, +) < 4000 { loop.runOnce(waiting: true) }
        for thread in threads { thread.join() }
        reader.close()
        for sender in 0..<4 { #expect(received[sender] == Array(0..<1000)) }
    }

    @Test("a timer fires once per schedule and never after cancel")
    func timer() {
        let loop = EventLoop()
        var fired = 0
        let timer = Timer(on: loop) { fired += 1 }
        timer.schedule(after: .zero)
        while fired == 0 { loop.runOnce(waiting: true) }
        #expect(!timer.isScheduled)
        timer.schedule(after: .zero)
        timer.cancel()
        loop.runOnce()
        #expect(fired == 1)
    }
}
