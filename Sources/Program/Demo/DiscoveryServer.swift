// DiscoveryServer: the small authoritative DNS server that `fairlead demo` finds its instances by,
// on the codec that the resolver uses too. It serves one zone, over UDP and TCP on one port.

internal import DNSWire
package import Endpoints
package import Events

/// Answers for one zone. Loop thread only; `close()` it before it is released.
package final class DiscoveryServer {
    /// What has come so far, for display.
    package struct Counters: Hashable, Sendable {
        /// Datagrams received, whatever they were.
        package var queriesUDP = 0
        /// Messages received over TCP, whatever they were.
        package var queriesTCP = 0
        /// Messages that were no query that can be answered: garbage, and responses.
        package var malformed = 0
        /// Connections turned away because too many were open.
        package var connectionsRefused = 0
    }

    /// What is served; a change shows in the next reply.
    package var zone: Zone
    /// What has come so far; copy it for a snapshot.
    package internal(set) var counters = Counters()
    /// Where it listens, the port that the kernel chose included.
    package let endpoint: Endpoint

    private var socket: DatagramServer?
    private var connections: ConnectionServer?

    /// Serves `zone` on `endpoint`; with port 0 on one that is free for both UDP and TCP.
    ///
    /// - Throws: `Errno`: the address is in use, not local, or not permitted.
    package init(_ zone: Zone, on endpoint: Endpoint, _ loop: EventLoop) throws(Errno) {
        self.zone = zone
        let (datagrams, listening) = try Self.bind(endpoint)
        // The kernel knows the address of a socket that it has just bound.
        self.endpoint = datagrams.localEndpoint ?? endpoint
        socket = DatagramServer(datagrams, on: loop) { [unowned self] bytes in
            counters.queriesUDP += 1
            return reply(to: bytes, overTCP: false)
        }
        connections = ConnectionServer(
            listening, on: loop,
            onRefused: { [unowned self] in counters.connectionsRefused += 1 },
            answer: { [unowned self] bytes in
                counters.queriesTCP += 1
                return reply(to: bytes, overTCP: true)
            })
    }

    /// Stops listening and drops all connections. Harmless when repeated.
    package func close() {
        socket?.close()
        connections?.close()
        socket = nil
        connections = nil
    }

    /// UDP first: two servers can't share a UDP port, while listeners could share the TCP one. A
    /// port that the kernel chose for UDP may be taken for TCP, then another is tried.
    private static func bind(_ endpoint: Endpoint) throws(Errno) -> (Descriptor, Descriptor) {
        var triesLeft = endpoint.port == 0 ? 16 : 1
        while true {
            triesLeft -= 1
            let datagrams = try Socket.bindDatagram(to: endpoint)
            do throws(Errno) {
                let bound = datagrams.localEndpoint ?? endpoint
                return (datagrams, try Socket.listen(on: bound, backlog: 64))
            } catch {
                datagrams.close()
                guard error == .addressInUse, triesLeft > 0 else { throw error }
            }
        }
    }

    /// The octets to send back for one message; nil for what is better left unanswered.
    private func reply(to bytes: Span<UInt8>, overTCP: Bool) -> [UInt8]? {
        let reply: Message
        var octetsMax = Message.plainUDPOctetsMax
        do throws(DecodeError) {
            let query = try Message(decoding: bytes)
            // Answering a response would let two servers talk to each other forever.
            guard !query.flags.contains(.response) else {
                counters.malformed += 1
                return nil
            }
            reply = zone.reply(to: query)
            octetsMax = min(query.udpReplyOctetsMax, Self.udpOctetsMax)
        } catch {
            counters.malformed += 1
            guard let header = try? MessageHeader(decoding: bytes),
                !header.flags.contains(.response)
            else { return nil }
            reply = header.reply(.formatError)
        }
        var output: [UInt8] = []
        if overTCP {
            reply.encodeFrame(into: &output)
        } else {
            reply.encode(into: &output, maximumSize: octetsMax)
        }
        return output
    }

    /// The largest UDP reply, whatever the client offers: what fits into a few fragments.
    private static let udpOctetsMax = 4096
}
