// A name server that says of each name what the test wants, over UDP and TCP: the truth, a part of
// it, an error, or nothing.

internal import DNSWire
internal import Endpoints
internal import Events
internal import Locking
import ScriptedDNS
import TestSupport

/// A DNS server on a port of 127.0.0.1, or where it is told, with a thread of its own. Stops when
/// released.
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

    init(at place: Endpoint? = nil) throws {
        let mailbox = try Mailbox<Void>()
        self.mailbox = mailbox
        let started = Locked<UInt16?>(nil)
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
            guard
                let server = try? ScriptedServer(
                    on: loop, at: place, udp: { [say($0, false)?.datagram].compactMap(\.self) },
                    tcp: { .send([say($0, true)?.frame].compactMap(\.self)) }),
                let reader = try? MailboxReader(mailbox, on: loop, receive: { loop.stop() })
            else { return }
            started.withLock { $0 = server.endpoint.port }
            loop.run()
            server.close()
            reader.close()
        }
        port = try waitFor("the name server") { started.withLock { $0 } }
    }

    deinit {
        mailbox.post(())
        thread.join()
    }

    /// Says `answer` to every question about `name`, which ends in a dot, from now on.
    func say(_ answer: @escaping Answer, of name: String) {
        answers.withLock { $0[name] = answer }
    }

    /// The questions about `name` so far.
    func seen(of name: String) -> [Seen] {
        questions.withLock { $0.filter { $0.name == name } }
    }
}

extension LyingNameServer {
    /// SRV records of ports on 127.0.0.1, whose addresses their targets spell as Consul's do, with
    /// a TTL of 0. Nothing else is known of the name.
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

    /// An answer with these ports, each with priority and weight 1.
    static func ports(_ ports: [UInt16]) -> Answer {
        records(ports.map { ($0, 1, 1) })
    }

    /// An answer with this code and nothing else; nil for silence.
    static func code(_ code: ResponseCode?) -> Answer {
        { query, _ in code.map { query.reply($0) } }
    }
}
