// What an answer of the resolver is to the guard.

package import DNSClient
package import DNSWire

extension PartialAnswerGuard.Answer {
    /// The answer `message`, which came as `answer` tells.
    package init(_ message: Message, _ answer: DNSAnswer) {
        let records = AnswerChain(message).records
        // Wrapping: what counts is that the same records make the same number in any order.
        let fingerprint = records.reduce(0) { sum, record in
            var hasher = Hasher()
            hasher.combine(record.data)
            return sum &+ hasher.finalize()
        }
        let question = message.question.map { $0.name.wireOctets.count + 4 } ?? 0
        // A server that sends no OPT record may not have heard what ours announced.
        let octetsMax =
            switch answer.transport {
            case .tcp, nil: answer.octetsMax
            case .udp where message.edns == nil:
                max(Message.plainUDPOctetsMax, answer.octets)
            case .udp: answer.octetsMax
            }
        self.init(
            records: records.count, fingerprint: fingerprint, octets: answer.octets,
            recordOctets: max(0, answer.octets - MessageHeader.octets - question),
            octetsMax: octetsMax)
    }
}
