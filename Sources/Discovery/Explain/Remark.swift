// Remark: what is odd about an answer, in words that say what it means for traffic.

internal import Backends
internal import DNSClient
internal import DNSWire
internal import Endpoints
internal import InstanceSources

/// Something about the answers that an operator should know.
package struct Remark: Sendable, Equatable {
    /// What kind of thing it is; names are stable, for programs.
    package enum Kind: String, Sendable, CaseIterable {
        case partial, truncated, noAddress = "no_address", noPort = "no_port"
        case notAvailable = "not_available", alias, sharedEndpoint = "shared_endpoint"
        case repeated, zeroWeight = "zero_weight", zeroTTL = "zero_ttl", disagreement
        case addressesOnly = "addresses_only"
        case letterCase = "letter_case", edns, malformed, mismatched
        case foreignRecords = "foreign_records", ownAddress = "own_address"
        case unreadable, rotating, virtualAddress = "virtual_address"
    }

    /// What kind of thing it is.
    package let kind: Kind
    /// A sentence.
    package let text: String

    static func all(
        about subject: Explanation.Subject, _ servers: [Explanation.Server],
        _ decided: Explanation.Server?
    ) -> [Remark] {
        var remarks = servers.flatMap { behaviour(of: $0) + rotation(of: $0) }
        if let decided {
            remarks += decided.leftOut.map { Remark(kind: .ownAddress, text: $0) }
            remarks += records(of: decided)
            remarks += addresses(of: decided)
            remarks += virtualAddresses(of: decided)
        }
        if subject.makesInstances { remarks += disagreements(among: servers) }
        return remarks
    }

    // MARK: - How a server behaved

    private static func behaviour(of server: Explanation.Server) -> [Remark] {
        let name = server.name
        let counters = server.status.counters
        var remarks = partialAnswers(of: server)
        func add(_ kind: Kind, _ text: String) { remarks.append(Remark(kind: kind, text: text)) }
        if server.status.keepsCase == false {
            add(
                .letterCase,
                "\(name) does not repeat the case of letters: one guard against forged answers less"
            )
        }
        if server.status.ignoresCase == false {
            add(
                .letterCase,
                "\(name) takes a name in another case of letters for another name: it denied, or "
                    + "failed at, what it knows as spelled, and is asked as spelled")
        }
        if let failure = server.status.ednsFailure {
            add(
                .edns,
                "\(name) fails because of EDNS (\(failure)): it is asked without, and answers over "
                    + "UDP have at most 512 octets")
        } else if server.status.knowsEDNS == false {
            add(.edns, "\(name) does not know EDNS: answers over UDP have at most 512 octets")
        }
        if counters[.malformed] > 0 {
            let reason = server.status.lastMalformed.map { ", the last: \($0.what)" } ?? ""
            add(
                .malformed,
                "\(name) sent \(counters[.malformed]) packets that can't be read\(reason)"
            )
        }
        if counters[.mismatched] > 0 {
            add(
                .mismatched,
                "\(counters[.mismatched]) packets from \(name) answered something that was not "
                    + "asked, and were ignored"
            )
        }
        return remarks
    }

    /// Whether a server names other instances each time: always as many, and never all.
    private static func rotation(of server: Explanation.Server) -> [Remark] {
        let sets = server.samples.compactMap(\.message).map { message in
            Set(AnswerChain(message).records.map(\.data))
        }
        guard let first = sets.first, sets.allSatisfy({ $0.count == first.count }),
            sets.contains(where: { $0 != first })
        else { return [] }
        let all = sets.reduce(into: Set<RecordData>()) { $0.formUnion($1) }
        return [
            Remark(
                kind: .rotating,
                text:
                    "\(server.name) names \(first.count) at a time, and others each time: "
                    + "\(all.count) in \(sets.count) answers. No answer is whole (AWS Cloud Map "
                    + "gives 8 at random): they are gathered, one that is left out for long is "
                    + "dropped, and checks decide meanwhile")
        ]
    }

    private static func partialAnswers(of server: Explanation.Server) -> [Remark] {
        let name = server.name
        guard let first = server.answers.first else { return [] }
        if case .partial = first.outcome {
            return [
                Remark(
                    kind: .partial,
                    text: "\(name) left records out (TC) and gave no answer over TCP: the records "
                        + "are a part, and nothing follows from one that is missing")
            ]
        }
        if first.wasTruncated {
            return [
                Remark(
                    kind: .truncated,
                    text: "the answer of \(name) did not fit UDP (TC) and came over TCP")
            ]
        }
        guard first.question.type == .srv, first.transport == .udp, let message = first.message,
            let suspicion = PartialAnswerGuard().suspicion(.init(message, first))
        else { return [] }
        let counters = server.partialAnswers
        let what =
            if counters.confirmed > 0 {
                "over TCP there are more records, and TCP is used from now on"
            } else if counters.cleared > 0 {
                "over TCP there are no more, so it is whole"
            } else if counters.parts > 0 {
                "TCP could not be had, so it counts as a part"
            } else {
                "it was not asked again over TCP"
            }
        return [
            Remark(
                kind: .partial,
                text: "the answer of \(name) over UDP looks cut (\(suspicion)); \(what)")
        ]
    }

    /// What to write for a name that has addresses where SRV records were asked for.
    private static func addresses(of server: Explanation.Server) -> [Remark] {
        guard !server.addressesInstead.isEmpty, let name = server.answers.first?.question.name
        else { return [] }
        let host = String("\(name)".dropLast())
        let addresses = server.addressesInstead.prefix(4).map { "\($0)" }
            .joined(separator: ", ")
        let count = server.addressesInstead.count
        return [
            Remark(
                kind: .addressesOnly,
                text: "\(host) has no SRV records, and \(count == 1 ? "an address" : "addresses"): "
                    + "\(addresses)\(count > 4 ? ", …" : ""). It has A or AAAA records: use "
                    + "`backends: [\"\(host):PORT\"]`, or `fallback-port: PORT` beside `srv`")
        ]
    }

    // MARK: - What the records say

    private static func records(of server: Explanation.Server) -> [Remark] {
        // The last answer of the type that was asked for: over TCP when there was one, and under
        // the name that the first is an alias of.
        guard let question = server.answers.first?.question,
            let last = server.answers.last(where: { $0.question.type == question.type }),
            let message = last.message
        else { return [] }
        var remarks: [Remark] = []
        if last.question != question {
            remarks.append(
                Remark(
                    kind: .alias,
                    text:
                        "\(question.name) is an alias, and nothing else came with it: the records "
                        + "are those of \(last.question.name.lowercased)"))
        }
        func add(_ kind: Kind, _ text: String) { remarks.append(Remark(kind: kind, text: text)) }
        let chain = AnswerChain(message)
        let others = message.answers.count - chain.records.count - chain.unreadable.count
        let aliases = message.answers.count { $0.type == .cname }
        if others - aliases > 0 {
            add(
                .foreignRecords,
                "\(others - aliases) records of the answer are of another name or type, and are "
                    + "ignored"
            )
        }
        for (record, error) in chain.unreadable {
            add(
                .unreadable,
                "a record of \(record.name.lowercased) is left out, since it can't be read: "
                    + "\(error)"
            )
        }
        if chain.records.contains(where: { $0.ttlSeconds == 0 }) {
            add(
                .zeroTTL,
                "records with a TTL of 0 s hold until the next lookup; how often that is, the "
                    + "floor says"
            )
        }
        let services = chain.records.compactMap { record -> RecordData.SRV? in
            guard case .srv(let srv) = record.data else { return nil }
            return srv
        }
        return remarks + targets(services, message, server)
    }

    private static func targets(
        _ services: [RecordData.SRV], _ message: Message, _ server: Explanation.Server
    ) -> [Remark] {
        guard !services.isEmpty else { return [] }
        var remarks: [Remark] = []
        func add(_ kind: Kind, _ text: String) { remarks.append(Remark(kind: kind, text: text)) }
        if services.contains(where: \.target.isRoot) {
            add(
                .notAvailable, "the target . says that the service is decidedly not here (RFC 2782)"
            )
        }
        for srv in services where srv.port == 0 && !srv.target.isRoot {
            add(.noPort, "the record of \(srv.target) has port 0, which nothing can be reached at")
        }
        let hosts = Set(server.instances.map(\.hostName))
        for target in Set(services.filter { $0.port != 0 && !$0.target.isRoot }.map(\.target))
            .sorted(by: { "\($0)" < "\($1)" })
        where !hosts.contains(target.hostName) {
            add(.noAddress, "\(target) has no address that is wanted: its records are left out")
        }
        let aliases = Set(
            (message.additionals + message.answers).filter { $0.type == .cname }.map(\.name))
        for target in Set(services.map(\.target)).intersection(aliases).sorted(by: {
            "\($0)" < "\($1)"
        }) {
            add(
                .alias,
                "\(target) is an alias, which a target must not be (RFC 2782); it is followed all "
                    + "the same"
            )
        }
        if Set(services).count < services.count {
            add(
                .repeated,
                "\(services.count - Set(services).count) records are repeated, and count once")
        }
        for (endpoint, instances) in Dictionary(grouping: server.instances, by: \.endpoint).sorted(
            by: { $0.key < $1.key })
        where Set(instances.map(\.hostName)).count > 1 {
            add(
                .sharedEndpoint,
                "\(instances.map(\.hostName).joined(separator: " and ")) are both \(endpoint): "
                    + "one backend with their weights together"
            )
        }
        if services.contains(where: { $0.weight == 0 }), services.contains(where: { $0.weight > 0 })
        {
            add(.zeroWeight, "weight 0 beside others is a very small share, not none (RFC 2782)")
        }
        return remarks
    }

    private static func disagreements(among servers: [Explanation.Server]) -> [Remark] {
        // A failed server says nothing about the instances.
        let speaking = servers.filter { server in
            switch server.result {
            case .instances, .failure(.nxdomain), .failure(.nodata): true
            case .failure, nil: false
            }
        }
        let sets = speaking.map { Set($0.instances.map(\.endpoint)) }
        guard let first = sets.first, sets.contains(where: { $0 != first }) else { return [] }
        let counts = zip(speaking, sets).map { "\($0.name) names \($1.count)" }
        return [
            Remark(
                kind: .disagreement,
                text: "the nameservers don't name the same backends: "
                    + counts.joined(separator: ", ") + "; the quickest one decides")
        ]
    }
}
