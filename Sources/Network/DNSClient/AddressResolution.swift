// AddressResolution: the addresses of a host, by asking for A and AAAA at once, or for one of them.
// It is for SRV targets that came without addresses, and for backends that are given by name.

package import DNSWire
package import Endpoints
internal import Events

/// What a host name resolved to.
package struct AddressAnswer: Sendable {
    /// The name that was resolved.
    package let name: DomainName
    /// Of the families asked for, without duplicates, IPv4 first, each family in the order of its
    /// answer; may be empty.
    package let addresses: [IPAddress]
    /// The smallest TTL of the records used, aliases included; of the denials when there are no
    /// addresses. Nil when nothing was said.
    package let timeToLive: Duration?
    /// Whether every family asked for was answered in full: if not, an address may be missing from
    /// `addresses` and still exist.
    package let isComplete: Bool
    /// What the question for IPv4 came to; nil when it was not asked or not waited for.
    package let a: DNSOutcome?
    /// What the question for IPv6 addresses came to; nil when it was not asked.
    package let aaaa: DNSOutcome?
    /// Every answer that led here, including those with aliases that had to be followed.
    package let answers: [DNSAnswer]

    /// Whether a server said that it left addresses out, and they could not be had.
    package var isPart: Bool {
        [a, aaaa].contains { if case .partial = $0 { true } else { false } }
    }

    /// The outcome that says most about why there are no addresses.
    package var failure: DNSOutcome? {
        guard addresses.isEmpty else { return nil }
        return [a, aaaa].compactMap(\.self).max { $0.saysLess(than: $1) }
    }
}

/// A resolution under way. Loop thread only.
package final class PendingAddresses {
    /// How long the second family is waited for once the first has addresses: some servers drop
    /// AAAA questions, and that must not hold back every host by the whole deadline.
    private static let secondFamilyGrace = Duration.milliseconds(500)

    /// How often an alias that leads out of an answer is followed by a question of its own.
    private static let aliasesMax = 8

    private weak var resolver: Resolver?
    private let name: DomainName
    private let types: [RecordType]
    private var completion: ((AddressAnswer) -> Void)?
    private var questions: [PendingQuestion] = []
    private var answers: [RecordType: DNSAnswer] = [:]
    private var heard: [DNSAnswer] = []
    /// The smallest TTL of the aliases that were followed, and how many.
    private var aliases: (ttlSeconds: UInt32?, count: Int) = (nil, 0)
    private var grace: Timer?

    fileprivate init(
        _ name: DomainName, _ family: AddressFamily, with resolver: Resolver,
        completion: @escaping (AddressAnswer) -> Void
    ) {
        self.resolver = resolver
        self.name = name
        types = family.recordTypes
        self.completion = completion
        // The closures keep this object until it has finished, and finishing drops them.
        grace = Timer(on: resolver.loop) { self.finish() }
        if name.isLocalhost {
            grace?.schedule(after: .zero)
            return
        }
        for type in types { ask(name, type) }
    }

    /// Drops it: the completion is not called any more. Harmless when repeated.
    package func cancel() {
        completion = nil
        stop()
    }

    private func ask(_ name: DomainName, _ type: RecordType) {
        guard let resolver else { return }
        questions.append(resolver.ask(name, type) { self.handle($0) })
    }

    private func handle(_ answer: DNSAnswer) {
        heard.append(answer)
        if case .nodata = answer.outcome, let message = answer.message,
            // With a SOA record it is a denial for the alias's end too (RFC 2308, section 2.2).
            message.negativeTTLSeconds == nil, aliases.count < Self.aliasesMax
        {
            let chain = AnswerChain(message)
            if let alias = chain.openAlias {
                aliases.count += 1
                aliases.ttlSeconds = [aliases.ttlSeconds, chain.ttlSeconds].compactMap(\.self).min()
                return ask(alias, answer.question.type)
            }
        }
        answers[answer.question.type] = answer
        if answers.count == types.count {
            finish()
        } else if case .records = answer.outcome {
            grace?.schedule(after: Self.secondFamilyGrace)
        }
    }

    private func stop() {
        for question in questions { question.cancel() }
        questions = []
        grace?.cancel()
        grace = nil
    }

    private func finish() {
        guard let completion else { return }
        self.completion = nil
        stop()
        if name.isLocalhost {
            let own: [RecordType: IPAddress] = [.a: .loopback, .aaaa: .v6(0, 1)]
            completion(
                AddressAnswer(
                    name: name,
                    addresses: [RecordType.a, .aaaa].filter(types.contains)
                        .compactMap { own[$0] },
                    timeToLive: nil, isComplete: true, a: nil, aaaa: nil,
                    answers: []))
            return
        }
        completion(AddressAnswer(name, types, answers, aliasTTLSeconds: aliases.ttlSeconds, heard))
    }
}

extension AddressAnswer {
    fileprivate init(
        _ name: DomainName, _ types: [RecordType], _ answers: [RecordType: DNSAnswer],
        aliasTTLSeconds: UInt32?, _ heard: [DNSAnswer]
    ) {
        var addresses: [IPAddress] = []
        var ttls: [UInt32] = []
        var denialTTLs: [UInt32] = []
        for message in [RecordType.a, .aaaa].compactMap({ answers[$0]?.message }) {
            // The chain holds only records of the type asked for: Consul answers a question for
            // AAAA with the A record when the name is an IPv4 address.
            let chain = AnswerChain(message)
            for case let address? in chain.records.map(\.data.address)
            where !addresses.contains(address) {
                addresses.append(address)
            }
            if !chain.records.isEmpty, let ttl = chain.ttlSeconds { ttls.append(ttl) }
            if chain.records.isEmpty, let ttl = message.negativeTTLSeconds {
                denialTTLs.append(ttl)
            }
        }
        let ttl = (addresses.isEmpty ? denialTTLs : ttls + [aliasTTLSeconds].compactMap(\.self))
            .min()
        self.init(
            name: name, addresses: addresses, timeToLive: ttl.map { .seconds(Int64($0)) },
            isComplete: types.allSatisfy { answers[$0]?.outcome.isWhole ?? false },
            a: answers[.a]?.outcome, aaaa: answers[.aaaa]?.outcome, answers: heard)
    }
}

extension DNSOutcome {
    /// Whether it says less than `other` about why a host has no addresses. A denial says less than
    /// a failure: a server that fails may have some.
    func saysLess(than other: DNSOutcome) -> Bool {
        (isGood ? -1 : tellingRank) < (other.isGood ? -1 : other.tellingRank)
    }

    /// Whether it says all there is to say about a name and type.
    fileprivate var isWhole: Bool {
        switch self {
        case .records, .nodata, .nxdomain: true
        case .partial, .servfail, .refused, .otherCode, .timeout, .malformed, .unreachable,
            .noServers, .overloaded:
            false
        }
    }
}

extension Resolver {
    /// Finds the addresses of the host `name` and calls `completion` once, from the loop and never
    /// before this returns. Aliases are followed, at most eight of them beyond
    /// the answers that they came in.
    ///
    /// - Parameter family: Which questions are asked; the answer has the addresses of all of them.
    /// - Returns: A handle to cancel it with; the resolution goes on without it.
    @discardableResult
    package func resolveAddresses(
        _ name: DomainName, _ family: AddressFamily = .both,
        completion: @escaping (AddressAnswer) -> Void
    ) -> PendingAddresses {
        PendingAddresses(name, family, with: self, completion: completion)
    }
}
