// DNSAnswer: what a question came to. A "no" of a server is an answer, silence is a failure, and
// discovery treats each kind differently: so they are cases of one enum, told apart here and
// nowhere else.

package import DNSWire
package import Endpoints
package import Events

/// What a question came to, by what can be concluded from it.
package enum DNSOutcome: Hashable, Sendable {
    /// Records of the type asked for, all of them as far as the server says.
    case records(Message)
    /// Records, but the server says that more were left out (TC) and they could not be had: those
    /// in the message exist, and nothing follows from one that is missing.
    case partial(Message)
    /// The name exists without a record of that type.
    case nodata
    /// The name does not exist.
    case nxdomain
    /// The server could not find out.
    case servfail
    /// The server does not answer this question for us, or only names other servers (a referral).
    case refused
    case otherCode(ResponseCode)
    /// No server answered in time.
    case timeout
    /// The answer could not be read, and no better one came in time.
    case malformed(DecodeError)
    /// No server could be reached; the error of the last try.
    case unreachable(Errno)
    /// The resolver has no servers.
    case noServers
    /// Too many questions were waiting already.
    case overloaded

    /// What a decoded answer says.
    init(_ message: Message) {
        let chain = AnswerChain(message)
        switch message.responseCode {
        case .noError where chain.records.isEmpty:
            // Records that can't be read are no denial.
            if let (_, error) = chain.unreadable.first {
                self = .malformed(error)
            } else {
                self = message.isReferral ? .refused : .nodata
            }
        case .noError:
            self = message.flags.contains(.truncated) ? .partial(message) : .records(message)
        case .nameError: self = .nxdomain
        case .serverFailure: self = .servfail
        case .refused: self = .refused
        default: self = .otherCode(message.responseCode)
        }
    }

    /// This outcome with the question spelled as it was asked.
    func spelled(as question: Question) -> DNSOutcome {
        switch self {
        case .records(var message):
            message.question = question
            return .records(message)
        case .partial(var message):
            message.question = question
            return .partial(message)
        case .nodata, .nxdomain, .servfail, .refused, .otherCode, .timeout, .malformed,
            .unreachable, .noServers, .overloaded:
            return self
        }
    }

    /// Whether the question is answered, so that no other server needs to be asked.
    var isGood: Bool {
        switch self {
        case .records, .partial, .nodata, .nxdomain: true
        case .servfail, .refused, .otherCode, .timeout, .malformed, .unreachable, .noServers,
            .overloaded:
            false
        }
    }

    /// Whether there are records of the type asked for.
    package var hasRecords: Bool {
        switch self {
        case .records, .partial: true
        case .nodata, .nxdomain, .servfail, .refused, .otherCode, .timeout, .malformed,
            .unreachable, .noServers, .overloaded:
            false
        }
    }

    /// How much it tells when several servers failed differently; the highest is reported.
    var tellingRank: Int {
        switch self {
        case .records, .partial, .nodata, .nxdomain: 6
        case .servfail: 5
        case .otherCode: 4
        case .refused: 3
        case .malformed: 2
        case .unreachable: 1
        case .timeout, .noServers, .overloaded: 0
        }
    }
}

extension DNSOutcome: CustomStringConvertible {
    /// A sentence part for a journal.
    package var description: String {
        switch self {
        case .records(let message): "\(AnswerChain(message).records.count) records"
        case .partial(let message):
            "\(AnswerChain(message).records.count) records of a truncated answer"
        case .nodata: "no record of that type (NODATA)"
        case .nxdomain: "the name does not exist (NXDOMAIN)"
        case .servfail: "the server failed (SERVFAIL)"
        case .refused: "the server refused (REFUSED)"
        case .otherCode(let code): "the server answered \(code)"
        case .timeout: "no answer in time"
        case .malformed(let error): "malformed answer: \(error)"
        case .unreachable(let error): "no server could be reached: \(error)"
        case .noServers: "no nameserver is configured"
        case .overloaded: "too many questions are waiting"
        }
    }
}

/// The end of one question.
package struct DNSAnswer: Hashable, Sendable {
    /// What was asked.
    package let question: Question
    /// What can be concluded.
    package let outcome: DNSOutcome
    /// The message that decided the outcome, for its TTLs and its additional section; nil when none
    /// did.
    package let message: Message?
    /// The server that sent it; nil without a message.
    package let server: Endpoint?
    /// How it came; nil without a message.
    package let transport: DNSTransport?
    /// From sending the query, or starting to connect, to the message; 0 without one.
    package let roundTrip: Duration
    /// Whether a truncated answer over UDP came first.
    package let wasTruncated: Bool
    /// How long the message is; 0 without one.
    package let octets: Int
    /// The longest that it could have been: the payload size that the query announced, 512 without
    /// EDNS, 65,535 over TCP; 0 without a message.
    package let octetsMax: Int
    /// Whether nobody was asked, since every server is known to be away.
    package let wasGivenUp: Bool

    /// An answer; outside of tests only a resolver makes one.
    package init(
        question: Question, outcome: DNSOutcome, message: Message? = nil, server: Endpoint? = nil,
        transport: DNSTransport? = nil, roundTrip: Duration = .zero, wasTruncated: Bool = false,
        octets: Int = 0, octetsMax: Int = 0, wasGivenUp: Bool = false
    ) {
        self.question = question
        self.outcome = outcome
        self.message = message
        self.server = server
        self.transport = transport
        self.roundTrip = roundTrip
        self.wasTruncated = wasTruncated
        self.octets = octets
        self.octetsMax = octetsMax
        self.wasGivenUp = wasGivenUp
    }
}
