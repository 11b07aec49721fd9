// Message: one DNS message as values, the same for questions and answers (RFC 1035, section 4).
// It holds at most one question: no server answers several, and RFC 9619 forbids them. The OPT
// pseudo-record is not among the additionals but in `edns`, and its response code bits are folded
// into `responseCode`.

/// A DNS message. Value type, any thread.
package struct Message: Hashable, Sendable {
    /// Octets of the longest message, over TCP (RFC 1035, section 4.2.2).
    package static let octetsMax = 65_535
    /// Octets that any receiver takes over UDP without EDNS (RFC 1035, section 4.2.1).
    package static let plainUDPOctetsMax = 512

    /// Chosen by the client, repeated by the server.
    package var id: UInt16
    /// The header's one-bit fields.
    package var flags: Flags
    /// What the message is for; a reply repeats its query's.
    package var opcode: Opcode
    /// All twelve bits; more than 15 only when `edns` is present.
    package var responseCode: ResponseCode
    /// Nil in a few replies that only say that something failed.
    package var question: Question?
    /// The records that answer the question, any aliases that lead to them included.
    package var answers: [ResourceRecord]
    /// Name servers of the zone or, in a negative answer, its SOA record.
    package var authorities: [ResourceRecord]
    /// Without the OPT pseudo-record.
    package var additionals: [ResourceRecord]
    /// Nil when the message has no OPT record: its sender does not speak EDNS.
    package var edns: EDNS?

    /// Only the id is required: by default a query without flags, question, records and EDNS.
    package init(
        id: UInt16, flags: Flags = [], opcode: Opcode = .query,
        responseCode: ResponseCode = .noError, question: Question? = nil,
        answers: [ResourceRecord] = [], authorities: [ResourceRecord] = [],
        additionals: [ResourceRecord] = [], edns: EDNS? = nil
    ) {
        self.id = id
        self.flags = flags
        self.opcode = opcode
        self.responseCode = responseCode
        self.question = question
        self.answers = answers
        self.authorities = authorities
        self.additionals = additionals
        self.edns = edns
    }

    /// The header's one-bit fields, each at its place in the header's second 16-bit word.
    package struct Flags: OptionSet, Hashable, Sendable {
        /// The header's second word, the bits of opcode and response code included when they are
        /// set.
        package let rawValue: UInt16
        /// Any word; see `known` for the bits that are flags.
        package init(rawValue: UInt16) { self.rawValue = rawValue }

        /// QR: a response, not a query.
        package static let response = Flags(rawValue: 0x8000)
        /// AA: the server owns the zone.
        package static let authoritative = Flags(rawValue: 0x0400)
        /// TC: records that belong to the answer were left out.
        package static let truncated = Flags(rawValue: 0x0200)
        /// RD: the client wants the server to ask others.
        package static let recursionDesired = Flags(rawValue: 0x0100)
        /// RA: the server would.
        package static let recursionAvailable = Flags(rawValue: 0x0080)
        /// AD: the server has verified the data (RFC 4035).
        package static let authenticData = Flags(rawValue: 0x0020)
        /// CD: the client wants the data even if it does not verify (RFC 4035).
        package static let checkingDisabled = Flags(rawValue: 0x0010)

        /// The bits that have a meaning: opcode, response code and the reserved bit are not flags.
        static let known: Flags = [
            .response, .authoritative, .truncated, .recursionDesired, .recursionAvailable,
            .authenticData, .checkingDisabled,
        ]
    }

    /// The sender's side of EDNS (RFC 6891).
    package struct EDNS: Hashable, Sendable {
        /// The largest UDP message that the sender takes; 512 at least when decoded (section
        /// 6.2.3).
        package var udpPayloadOctetsMax: UInt16
        /// 0 is the only version there is.
        package var version: UInt8
        /// DO: signatures are wanted.
        package var isDNSSECWanted: Bool
        /// In the order of the message.
        package var options: [Option]

        /// By default 1232 octets, which fit into any path's packets unfragmented, and no options.
        package init(
            udpPayloadOctetsMax: UInt16 = 1232, version: UInt8 = 0, isDNSSECWanted: Bool = false,
            options: [Option] = []
        ) {
            self.udpPayloadOctetsMax = udpPayloadOctetsMax
            self.version = version
            self.isDNSSECWanted = isDNSSECWanted
            self.options = options
        }

        /// One option, such as a cookie or an extended error, not interpreted.
        package struct Option: Hashable, Sendable {
            /// IANA's number: 10 is a cookie (RFC 7873), 15 an extended error (RFC 8914).
            package var code: UInt16
            /// Up to 65,531 octets.
            package var data: [UInt8]

            /// An option of that code and data.
            package init(code: UInt16, data: [UInt8]) {
                self.code = code
                self.data = data
            }
        }
    }
}

extension Message {
    /// A client's question; `edns` nil asks without EDNS, as very old servers need.
    package static func query(
        id: UInt16, _ question: Question, recursionDesired: Bool = true, edns: EDNS? = EDNS()
    ) -> Message {
        Message(
            id: id, flags: recursionDesired ? .recursionDesired : [], question: question, edns: edns
        )
    }

    /// A server's reply to this query, still without records: same id, opcode and question in the
    /// client's spelling, RD repeated, EDNS when the client speaks it (RFC 6891, section 6.1.1).
    package func reply(_ responseCode: ResponseCode = .noError) -> Message {
        Message(
            id: id, flags: flags.intersection(.recursionDesired).union(.response), opcode: opcode,
            responseCode: responseCode, question: question, edns: edns.map { _ in EDNS() })
    }

    /// The largest UDP reply that the sender of this query takes: what its EDNS says, else 512.
    package var udpReplyOctetsMax: Int {
        edns.map { max(Int($0.udpPayloadOctetsMax), Self.plainUDPOctetsMax) }
            ?? Self.plainUDPOctetsMax
    }

    /// How long a negative answer holds, in seconds: the lesser of the authority's SOA minimum and
    /// that record's TTL (RFC 2308, section 5). Nil without a SOA record: not to be kept at all.
    package var negativeTTLSeconds: UInt32? {
        for record in authorities {
            if case .soa(let soa) = record.data {
                return min(soa.minimumSeconds, record.ttlSeconds)
            }
        }
        return nil
    }
}
