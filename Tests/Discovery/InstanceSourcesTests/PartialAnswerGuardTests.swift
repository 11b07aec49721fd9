// Goal: every answer that may be cut is asked for over TCP, none is asked for twice that was found
// whole, and what can't be found out counts as a part. Method: the value alone, with times of the
// test's own making; messages as real servers cut them for what is a number of octets.

import DNSClient
import DNSWire
import InstanceSources
import Testing

@Suite struct PartialAnswerGuardTests {
    typealias Answer = PartialAnswerGuard.Answer
    typealias Judgement = PartialAnswerGuard.Judgement

    static let start = ContinuousClock.now
    static func at(_ seconds: Int) -> ContinuousClock.Instant { start + .seconds(seconds) }

    /// An answer of records of 60 octets each after 40 of header and question.
    static func answer(_ records: Int, room: Int = 1232, set: Int = 0) -> Answer {
        Answer(
            records: records, fingerprint: records + set * 1000, octets: 40 + records * 60,
            recordOctets: records * 60, octetsMax: room)
    }

    @Test(
        "an answer is suspect by its count, its room, and what there was before",
        arguments: [
            (answer(1), nil), (answer(2), nil), (answer(4), nil), (answer(7), nil),
            (answer(9), nil), (answer(0), nil),
            (answer(3), .usualCount), (answer(8), .usualCount),
            // 40 + 19 * 60 = 1180, and 1240 would not fit; 1120 + 60 would.
            (answer(18), nil), (answer(19), .full),
            (answer(7, room: 512), .full), (answer(6, room: 512), nil),
            // Exactly one more fits.
            (answer(18, room: 40 + 19 * 60), nil), (answer(18, room: 40 + 19 * 60 - 1), .full),
        ] as [(Answer, PartialAnswerGuard.Suspicion?)])
    func suspicion(answer: Answer, expected: PartialAnswerGuard.Suspicion?) {
        #expect(PartialAnswerGuard().suspicion(answer) == expected)
    }

    @Test("fewer records than before are suspect only in a message that is nearly full")
    func fewer() {
        var guardian = PartialAnswerGuard()
        guardian.answeredOverTCP(Self.answer(40), after: nil, wasTruncated: false, now: Self.at(0))
        // 40 + 15 * 60 = 940 of 1232 is more than three quarters; 14 records are not.
        #expect(guardian.suspicion(Self.answer(15)) == .fewer)
        #expect(guardian.suspicion(Self.answer(14)) == nil)
    }

    @Test("an answer with room to spare is whole")
    func whole() {
        var guardian = PartialAnswerGuard()
        #expect(guardian.judge(Self.answer(5), now: Self.at(0)) == .whole)
        #expect(guardian.counters == .init())
        #expect(!guardian.asksOverTCP(now: Self.at(1)))
    }

    @Test("when TCP gives more, TCP is used from then on, and UDP looked at again in ten minutes")
    func confirmed() {
        var guardian = PartialAnswerGuard()
        let udp = Self.answer(3)
        #expect(guardian.judge(udp, now: Self.at(0)) == .askOverTCP(.usualCount))
        guardian.answeredOverTCP(Self.answer(5), after: udp, wasTruncated: false, now: Self.at(0))
        #expect(guardian.counters.suspected == 1 && guardian.counters.confirmed == 1)
        #expect(guardian.asksOverTCP(now: Self.at(1)) && guardian.asksOverTCP(now: Self.at(599)))
        #expect(!guardian.asksOverTCP(now: Self.at(600)))
    }

    @Test("a truncated answer that came whole over TCP leads to TCP as well")
    func truncated() {
        var guardian = PartialAnswerGuard()
        guardian.answeredOverTCP(Self.answer(100), after: nil, wasTruncated: true, now: Self.at(0))
        #expect(guardian.asksOverTCP(now: Self.at(1)))
    }

    @Test("when TCP gives the same, the set is not asked twice for 30 seconds, unless it changes")
    func cleared() {
        var guardian = PartialAnswerGuard()
        let udp = Self.answer(3)
        #expect(guardian.judge(udp, now: Self.at(0)) == .askOverTCP(.usualCount))
        guardian.answeredOverTCP(udp, after: udp, wasTruncated: false, now: Self.at(0))
        #expect(guardian.counters.cleared == 1)
        #expect(!guardian.asksOverTCP(now: Self.at(1)))
        for second in 1..<30 { #expect(guardian.judge(udp, now: Self.at(second)) == .whole) }
        var other = guardian
        #expect(
            other.judge(Self.answer(3, set: 1), now: Self.at(5)) == .askOverTCP(.usualCount))
        #expect(guardian.judge(udp, now: Self.at(30)) == .askOverTCP(.usualCount))
    }

    @Test("when TCP can't be had the answer is a part, and TCP is left alone for 30 seconds")
    func withoutTCP() {
        var guardian = PartialAnswerGuard()
        let udp = Self.answer(8)
        #expect(guardian.judge(udp, now: Self.at(0)) == .askOverTCP(.usualCount))
        guardian.failedOverTCP(hadAnswer: true, now: Self.at(2))
        #expect(guardian.judge(udp, now: Self.at(3)) == .part(.usualCount))
        #expect(guardian.judge(Self.answer(5), now: Self.at(4)) == .whole)
        #expect(guardian.judge(udp, now: Self.at(31)) == .part(.usualCount))
        #expect(guardian.judge(udp, now: Self.at(32)) == .askOverTCP(.usualCount))
        #expect(guardian.counters.parts == 3)
    }

    @Test("a name that went over TCP goes back to UDP while TCP can't be had")
    func tcpLost() {
        var guardian = PartialAnswerGuard()
        guardian.answeredOverTCP(
            Self.answer(5), after: Self.answer(3), wasTruncated: false, now: Self.at(0))
        #expect(guardian.asksOverTCP(now: Self.at(10)))
        guardian.failedOverTCP(hadAnswer: false, now: Self.at(10))
        #expect(!guardian.asksOverTCP(now: Self.at(11)))
        #expect(guardian.judge(Self.answer(3), now: Self.at(11)) == .part(.usualCount))
        #expect(guardian.asksOverTCP(now: Self.at(40)))
    }

    @Test("a set that was found whole over TCP makes a smaller one over UDP be looked at")
    func shrinks() {
        var guardian = PartialAnswerGuard()
        let udp = Self.answer(19)
        #expect(guardian.judge(udp, now: Self.at(0)) == .askOverTCP(.full))
        guardian.answeredOverTCP(udp, after: udp, wasTruncated: false, now: Self.at(0))
        #expect(guardian.judge(Self.answer(16), now: Self.at(1)) == .askOverTCP(.fewer))
        #expect(guardian.judge(Self.answer(10), now: Self.at(1)) == .whole)
    }

    /// What the guard sees of a message of `count` records that came over UDP.
    private func seen(_ count: Int, shuffledBy turn: Int = 0, edns: Bool) throws -> Answer {
        let name = try DomainName("_web._tcp.service.consul")
        let query = Message.query(id: 1, Question(name, .srv))
        var reply = query.reply()
        if !edns { reply.edns = nil }
        for index in 0..<count {
            let place = (index + turn) % max(count, 1)
            let hex = String(0x0a00_0000 + place, radix: 16)
            reply.answers.append(
                ResourceRecord(
                    name, ttlSeconds: UInt32(place),
                    .srv(
                        .init(
                            priority: 1, weight: 1, port: 80,
                            target: try DomainName("0\(hex).addr.dc1.consul")))))
        }
        var bytes: [UInt8] = []
        reply.encode(into: &bytes, maximumSize: Message.octetsMax)
        return Answer(
            reply, octets: bytes.count, octetsMax: Message.EDNS().udpPayloadOctetsMax,
            overTCP: false)
    }

    @Test("the same records in another order and with other times to live are the same set")
    func fingerprint() throws {
        let first = try seen(7, edns: true)
        #expect(try seen(7, shuffledBy: 3, edns: true).fingerprint == first.fingerprint)
        #expect(try seen(6, edns: true).fingerprint != first.fingerprint)
    }

    @Test("a real message is full when another record would not have fitted")
    func realMessage() throws {
        let guardian = PartialAnswerGuard()
        let full = try (1...60).first { count in
            guard ![3, 8].contains(count) else { return false }
            return guardian.suspicion(try seen(count, edns: true)) == .full
        }
        let count = try #require(full)
        #expect(try seen(count, edns: true).octets <= 1232)
        #expect(try seen(count + 1, edns: true).octets > 1232)
        // A server without EDNS cuts at 512 octets.
        let plainFull = try (1...60).first { count in
            guard ![3, 8].contains(count) else { return false }
            return guardian.suspicion(try seen(count, edns: false)) == .full
        }
        let plain = try #require(plainFull)
        #expect(try seen(plain, edns: false).octets <= 512)
        #expect(try seen(plain + 1, edns: false).octets > 512)
    }
}
