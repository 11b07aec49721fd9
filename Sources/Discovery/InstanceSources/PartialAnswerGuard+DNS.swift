// How the guard reads an answer of the resolver.

package import DNSClient
package import DNSWire

extension PartialAnswerGuard.Answer {
    /// The answer `message`, which came as `answer` tells.
    package init(_ message: Message, _ answer: DNSAnswer) {
        self.init(
            message, octets: answer.octets, octetsMax: answer.octetsMax,
            overTCP: answer.transport == .tcp)
    }

    /// The answer `message` of so many octets, to a query that announced room for `octetsMax`.
    package init(_ message: Message, octets: Int, octetsMax: some BinaryInteger, overTCP: Bool) {
        // A record that can't be read counts: leaving it out does not make the answer look cut.
        let chain = AnswerChain(message)
        let records = chain.records + chain.unreadable.map(\.record)
        // Wrapping: what counts is that the same records make the same number in any order.
        let fingerprint = records.reduce(0) { sum, record in
            var hasher = Hasher()
            hasher.combine(record.data)
            return sum &+ hasher.finalize()
        }
        let question = message.question.map { $0.name.wireOctets.count + 4 } ?? 0
        // A server that sends no OPT record has ignored what ours announced.
        let hasHeard = overTCP || message.edns != nil || octets > Message.plainUDPOctetsMax
        self.init(
            records: records.count, fingerprint: fingerprint, octets: octets,
            recordOctets: max(0, octets - MessageHeader.octets - question),
            octetsMax: hasHeard ? Int(octetsMax) : Message.plainUDPOctetsMax)
    }
}
