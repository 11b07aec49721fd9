// Zone+Answer: one query in, one reply out, as RFC 1034, section 4.3.2, has it for a server with
// one zone, no wildcards and no delegations.

package import DNSWire

extension Zone {
    /// How many aliases one reply follows.
    private static let aliasesMax = 8

    /// The reply to `query`, not yet cut to what its sender takes.
    package func reply(to query: Message) -> Message {
        guard query.opcode == .query else { return query.reply(.notImplemented) }
        if let edns = query.edns, edns.version > 0 { return query.reply(.badVersion) }
        guard let question = query.question else { return query.reply(.formatError) }
        guard question.recordClass == .internet || question.recordClass == .any,
            question.name.isWithin(origin), question.type != .axfr, question.type != .ixfr
        else { return query.reply(.refused) }
        var reply = query.reply()
        reply.flags.insert(.authoritative)
        answer(question, in: &reply)
        addTargets(to: &reply)
        return reply
    }

    private func answer(_ question: Question, in reply: inout Message) {
        var name = question.name
        for _ in 0...Self.aliasesMax {
            let records = records(of: name)
            let asked = records.filter { question.type == .any || $0.type == question.type }
            guard asked.isEmpty else {
                reply.answers += asked
                return
            }
            guard let alias = records.first(where: { $0.type == .cname }),
                case .cname(let target) = alias.data
            else { break }
            reply.answers.append(alias)
            name = target
            // The client has to follow an alias out of the zone.
            guard target.isWithin(origin) else { return }
        }
        if !exists(name) { reply.responseCode = .nameError }
        reply.authorities = [startOfAuthority]
    }

    /// Adds the addresses of SRV targets (RFC 2782), each target once.
    private func addTargets(to reply: inout Message) {
        var seen: Set<DomainName> = []
        for case .srv(let srv) in reply.answers.map(\.data) where seen.insert(srv.target).inserted {
            reply.additionals += records(of: srv.target).filter {
                $0.type == .a || $0.type == .aaaa
            }
        }
    }
}
