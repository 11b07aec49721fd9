// Codes: the numbers DNS gives names to. Structs rather than enums: a number without a name here is
// as valid as one with, and must survive a round trip. The numbers are IANA's "DNS Parameters".

/// What kind of record is asked for or held.
package struct RecordType: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// IANA's number, with or without a name here.
    package let rawValue: UInt16
    /// Any number is a type.
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// An IPv4 address (RFC 1035, section 3.4.1).
    package static let a = RecordType(rawValue: 1)
    /// A name server of the zone (RFC 1035, section 3.3.11).
    package static let ns = RecordType(rawValue: 2)
    /// The name that the owner is an alias of (RFC 1035, section 3.3.1).
    package static let cname = RecordType(rawValue: 5)
    /// The start of a zone of authority (RFC 1035, section 3.3.13).
    package static let soa = RecordType(rawValue: 6)
    /// A pointer to another name, most often from an address to its host (RFC 1035, section
    /// 3.3.12).
    package static let ptr = RecordType(rawValue: 12)
    /// A mail exchange (RFC 1035, section 3.3.9).
    package static let mx = RecordType(rawValue: 15)
    /// Free text (RFC 1035, section 3.3.14).
    package static let txt = RecordType(rawValue: 16)
    /// An IPv6 address (RFC 3596, section 2.1).
    package static let aaaa = RecordType(rawValue: 28)
    /// Where a service runs (RFC 2782).
    package static let srv = RecordType(rawValue: 33)
    /// EDNS, RFC 6891: a pseudo-record that `Message.edns` stands for.
    package static let opt = RecordType(rawValue: 41)
    /// A signature over the records of one name and type (RFC 4034, section 3).
    package static let rrsig = RecordType(rawValue: 46)
    /// Only in questions: what changed in a zone (RFC 1995).
    package static let ixfr = RecordType(rawValue: 251)
    /// Only in questions: all of a zone (RFC 5936).
    package static let axfr = RecordType(rawValue: 252)
    /// Only in questions: every type there is.
    package static let any = RecordType(rawValue: 255)

    /// `SRV`, or `TYPE65280` for a type without a name here (RFC 3597, section 5).
    package var description: String {
        switch self {
        case .a: "A"
        case .ns: "NS"
        case .cname: "CNAME"
        case .soa: "SOA"
        case .ptr: "PTR"
        case .mx: "MX"
        case .txt: "TXT"
        case .aaaa: "AAAA"
        case .srv: "SRV"
        case .opt: "OPT"
        case .rrsig: "RRSIG"
        case .ixfr: "IXFR"
        case .axfr: "AXFR"
        case .any: "ANY"
        default: "TYPE\(rawValue)"
        }
    }
}

/// The class of a name space; `internet` in all but a few diagnostic questions.
package struct RecordClass: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// IANA's number, with or without a name here.
    package let rawValue: UInt16
    /// Any number is a class.
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// The Internet, IN (RFC 1035, section 3.2.4).
    package static let internet = RecordClass(rawValue: 1)
    /// Servers tell their version in it (`version.bind`).
    package static let chaos = RecordClass(rawValue: 3)
    /// Only in questions: every class there is.
    package static let any = RecordClass(rawValue: 255)

    /// `IN`, or `CLASS32` for a class without a name here (RFC 3597, section 5).
    package var description: String {
        switch self {
        case .internet: "IN"
        case .chaos: "CH"
        case .any: "ANY"
        default: "CLASS\(rawValue)"
        }
    }
}

/// What a message is for.
package struct Opcode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// 0 to 15.
    package let rawValue: UInt8
    /// - Precondition: `rawValue` is at most 15.
    package init(rawValue: UInt8) {
        precondition(rawValue <= 15, "an opcode has four bits")
        self.rawValue = rawValue
    }

    /// A question about a name (RFC 1035, section 4.1.1).
    package static let query = Opcode(rawValue: 0)
    /// A question about the server's own state (RFC 1035, section 4.1.1); hardly any server answers
    /// it.
    package static let status = Opcode(rawValue: 2)
    /// News that a zone has changed (RFC 1996).
    package static let notify = Opcode(rawValue: 4)
    /// A change of a zone's records (RFC 2136).
    package static let update = Opcode(rawValue: 5)

    /// `QUERY`, or `OPCODE6` for one without a name here.
    package var description: String {
        switch self {
        case .query: "QUERY"
        case .status: "STATUS"
        case .notify: "NOTIFY"
        case .update: "UPDATE"
        default: "OPCODE\(rawValue)"
        }
    }
}

/// How a server took a question: the header's four bits, with EDNS's eight above them.
package struct ResponseCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// 0 to 4095; more than 15 only together with EDNS.
    package let rawValue: UInt16
    /// - Precondition: `rawValue` is at most 4095.
    package init(rawValue: UInt16) {
        precondition(rawValue <= 4095, "a response code has twelve bits")
        self.rawValue = rawValue
    }

    /// The name exists; without answers, it has none of the type asked for (NODATA).
    package static let noError = ResponseCode(rawValue: 0)
    /// FORMERR: the server could not read the question (RFC 1035, section 4.1.1).
    package static let formatError = ResponseCode(rawValue: 1)
    /// SERVFAIL: the server failed, or those it asked did; says nothing about the name.
    package static let serverFailure = ResponseCode(rawValue: 2)
    /// The name does not exist (NXDOMAIN).
    package static let nameError = ResponseCode(rawValue: 3)
    /// NOTIMP: the server does not do this kind of question.
    package static let notImplemented = ResponseCode(rawValue: 4)
    /// REFUSED: the server does not answer this client, or not about this name.
    package static let refused = ResponseCode(rawValue: 5)
    /// NOTAUTH: the server does not own the zone (RFC 2136, section 2.2).
    package static let notAuthoritative = ResponseCode(rawValue: 9)
    /// The question's EDNS version is not supported (RFC 6891, section 9).
    package static let badVersion = ResponseCode(rawValue: 16)
    /// BADCOOKIE: the question's DNS cookie is missing or wrong (RFC 7873, section 8).
    package static let badCookie = ResponseCode(rawValue: 23)

    /// The name other DNS tools print, `NXDOMAIN`, or `RCODE11` for one without a name here.
    package var description: String {
        switch self {
        case .noError: "NOERROR"
        case .formatError: "FORMERR"
        case .serverFailure: "SERVFAIL"
        case .nameError: "NXDOMAIN"
        case .notImplemented: "NOTIMP"
        case .refused: "REFUSED"
        case .notAuthoritative: "NOTAUTH"
        case .badVersion: "BADVERS"
        case .badCookie: "BADCOOKIE"
        default: "RCODE\(rawValue)"
        }
    }
}
