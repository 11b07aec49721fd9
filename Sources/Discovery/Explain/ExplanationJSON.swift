// The explanation for programs. The property names of these structs are the keys of the document,
// and those are a contract (conf/README.md, "Explain"): keys are added, never renamed.

internal import Backends
internal import DNSClient
internal import DNSWire
internal import Endpoints
internal import InstanceSources
internal import JSON

extension Explanation {
    /// The explanation as JSON with sorted keys, and a line end.
    package var json: String {
        // Only a number that JSON cannot say could fail, and there is none.
        guard let bytes = JSON.encode(ExplanationDocument(self), layout: .indented) else {
            return "{}\n"
        }
        return String(decoding: bytes, as: UTF8.self) + "\n"
    }
}

private struct ExplanationDocument: Encodable {
    let asked: String
    let service: String?
    let good: Bool
    let failure: String?
    let servers: [ServerView]
    /// The server whose answer counts.
    let decidedBy: String?
    let backends: [ShareView]
    let askedAgainAfterSeconds: Double?
    let askedAgainBecause: String?
    let jitterPercent: Int?
    /// Seconds, by what goes wrong.
    let holdSeconds: [String: Double]
    let remarks: [RemarkView]

    init(_ explanation: Explanation) {
        asked = explanation.subject.summary
        service = explanation.subject.service
        good = explanation.isGood
        failure = explanation.failure?.kind.rawValue
        servers = explanation.servers.map { ServerView($0) }
        decidedBy = explanation.decisive.map { explanation.servers[$0].name }
        backends = explanation.shares.map { ShareView($0) }
        askedAgainAfterSeconds = explanation.refresh?.wait.inSeconds
        askedAgainBecause = explanation.refresh?.reason
        jitterPercent = explanation.refresh?.jitterPercent
        holdSeconds = Dictionary(
            uniqueKeysWithValues: explanation.holds.map {
                ($0.kind.rawValue, $0.duration.inSeconds)
            })
        remarks = explanation.remarks.map { RemarkView(kind: $0.kind.rawValue, text: $0.text) }
    }
}

private struct RemarkView: Encodable {
    let kind: String
    let text: String
}

private struct ShareView: Encodable {
    let backend: String
    let hostName: String
    /// Of a service of containers.
    let container: String?
    let tier: Int
    let priority: UInt16
    let weights: [UInt16]
    let effectiveWeight: UInt32
    let percent: Double

    init(_ share: Explanation.Share) {
        backend = "\(share.endpoint)"
        hostName = share.hostName
        container = share.container
        tier = share.tier
        priority = share.priority
        weights = share.weights
        effectiveWeight = share.effectiveWeight
        percent = (share.percent * 1000).rounded() / 1000
    }
}

private struct ServerView: Encodable {
    let server: String
    let answers: [AnswerView]
    let instances: Int
    let failure: String?
    let keepsCase: Bool?
    let ignoresCase: Bool?
    let knowsEDNS: Bool?
    let ednsFailure: String?
    let malformed: Int
    let mismatched: Int

    init(_ server: Explanation.Server) {
        self.server = server.name
        answers = server.answers.map { AnswerView($0) }
        instances = server.instances.count
        failure =
            if case .failure(let failure) = server.result { failure.kind.rawValue } else { nil }
        keepsCase = server.status.keepsCase
        ignoresCase = server.status.ignoresCase
        knowsEDNS = server.status.knowsEDNS
        ednsFailure = server.status.ednsFailure
        malformed = server.status.counters[.malformed]
        mismatched = server.status.counters[.mismatched]
    }
}

private struct AnswerView: Encodable {
    let name: String
    let type: String
    let outcome: String
    let transport: String?
    let code: String?
    let flags: [String]
    let octets: Int
    let octetsMax: Int
    let milliseconds: Double
    let wasTruncated: Bool
    let edns: Bool
    let answer: [RecordView]
    let authority: [RecordView]
    let additional: [RecordView]

    init(_ answer: DNSAnswer) {
        name = "\(answer.question.name)"
        type = "\(answer.question.type)"
        outcome = "\(answer.outcome)"
        transport = answer.transport?.name
        let message = answer.message
        code = message.map { "\($0.responseCode)" }
        flags = message?.flags.names ?? []
        octets = answer.octets
        octetsMax = answer.octetsMax
        milliseconds = answer.roundTrip.milliseconds
        wasTruncated = answer.wasTruncated
        edns = message?.edns != nil
        self.answer = (message?.answers ?? []).map { RecordView($0) }
        authority = (message?.authorities ?? []).map { RecordView($0) }
        additional = (message?.additionals ?? []).map { RecordView($0) }
    }
}

private struct RecordView: Encodable {
    let name: String
    let type: String
    let ttlSeconds: UInt32
    let data: String

    init(_ record: ResourceRecord) {
        name = "\(record.name.lowercased)"
        type = "\(record.type)"
        ttlSeconds = record.ttlSeconds
        data = record.data.text
    }
}
