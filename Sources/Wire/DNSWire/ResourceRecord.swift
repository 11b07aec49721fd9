// ResourceRecord: one question, one record, and what records hold. The types discovery reads are
// values; every other type is kept as bytes, so that no record can fail a message by being unknown.

package import Endpoints

/// What is asked. The name keeps the case it came in, and a reply repeats it.
package struct Question: Hashable, Sendable {
    /// The name that is asked about.
    package var name: DomainName
    /// The type of records that is asked for.
    package var type: RecordType
    /// The class of the name space; `internet` nearly always.
    package var recordClass: RecordClass

    /// A question in the class `internet` unless another is given.
    package init(_ name: DomainName, _ type: RecordType, class recordClass: RecordClass = .internet)
    {
        self.name = name
        self.type = type
        self.recordClass = recordClass
    }
}

extension Question: CustomStringConvertible {
    /// `web.service.consul. IN SRV`.
    package var description: String { "\(name) \(recordClass) \(type)" }
}

/// A record of an answer.
package struct ResourceRecord: Hashable, Sendable {
    /// The owner: the name that the record is about.
    package var name: DomainName
    /// The class of the name space; `internet` nearly always.
    package var recordClass: RecordClass
    /// How long the record may be kept, 0 to 2^31-1. A decoded one with the top bit set is 0
    /// (RFC 2181, section 8).
    package var ttlSeconds: UInt32
    /// What the record says; decides its type.
    package var data: RecordData

    /// A record in the class `internet` unless another is given.
    package init(
        _ name: DomainName, ttlSeconds: UInt32, _ data: RecordData,
        class recordClass: RecordClass = .internet
    ) {
        self.name = name
        self.recordClass = recordClass
        self.ttlSeconds = ttlSeconds
        self.data = data
    }

    /// The type that `data` is of.
    package var type: RecordType { data.type }
}

/// What a record says, by type.
package enum RecordData: Hashable, Sendable {
    /// An IPv4 address in host byte order, as in `IPAddress.v4`.
    case a(UInt32)
    /// An IPv6 address as upper and lower 64 bits in host byte order. An IPv4-mapped one stays as
    /// it came here; `address` folds it.
    case aaaa(high: UInt64, low: UInt64)
    /// Where a service runs (RFC 2782).
    case srv(SRV)
    /// The owner is an alias of this name.
    case cname(DomainName)
    case soa(SOA)
    case ns(DomainName)
    case ptr(DomainName)
    /// One or more strings of up to 255 octets, of no agreed character set.
    case txt([[UInt8]])
    /// A type without a case here, or a class in which the type means something else: the data as
    /// it came. Names within it may be compressed, and then mean nothing outside their message.
    case other(RecordType, [UInt8])
    /// Data that are not what the type says, though they have their length: the octets as they
    /// came, and what is wrong with them. The record is there, and says nothing.
    case unreadable(RecordType, [UInt8], DecodeError)

    /// Priority, weight, port and target of one instance (RFC 2782).
    package struct SRV: Hashable, Sendable {
        /// Lower is tried first.
        package var priority: UInt16
        /// The share among the same priority; 0 is the least, not none.
        package var weight: UInt16
        /// The port at the target, 0 to 65535; the wire allows 0, which nothing can be reached at.
        package var port: UInt16
        /// The host; the root means that the service is decidedly not available.
        package var target: DomainName

        /// All is required.
        package init(priority: UInt16, weight: UInt16, port: UInt16, target: DomainName) {
            self.priority = priority
            self.weight = weight
            self.port = port
            self.target = target
        }
    }

    /// A zone's start of authority (RFC 1035, section 3.3.13), which also says how long a "no"
    /// holds.
    package struct SOA: Hashable, Sendable {
        /// MNAME: the server that the zone is written on.
        package var primaryServer: DomainName
        /// RNAME: the mailbox of the person responsible, the first label standing for what is
        /// before the `@`.
        package var mailbox: DomainName
        /// The zone's version, compared by serial number arithmetic (RFC 1982).
        package var serial: UInt32
        /// How long secondary servers wait before they look for a newer version.
        package var refreshSeconds: UInt32
        /// How long they wait after a look that failed.
        package var retrySeconds: UInt32
        /// How long they go on answering without having reached the primary server.
        package var expireSeconds: UInt32
        /// How long a negative answer may be kept, with the record's own TTL as ceiling (RFC 2308).
        package var minimumSeconds: UInt32

        /// All is required.
        package init(
            primaryServer: DomainName, mailbox: DomainName, serial: UInt32, refreshSeconds: UInt32,
            retrySeconds: UInt32, expireSeconds: UInt32, minimumSeconds: UInt32
        ) {
            self.primaryServer = primaryServer
            self.mailbox = mailbox
            self.serial = serial
            self.refreshSeconds = refreshSeconds
            self.retrySeconds = retrySeconds
            self.expireSeconds = expireSeconds
            self.minimumSeconds = minimumSeconds
        }
    }

    /// The A or AAAA record of `address`.
    package static func address(_ address: IPAddress) -> RecordData {
        switch address {
        case .v4(let bits): .a(bits)
        case .v6(let high, let low): .aaaa(high: high, low: low)
        }
    }

    /// The address of an A or AAAA record, nil for other types.
    package var address: IPAddress? {
        switch self {
        case .a(let bits): .v4(bits)
        case .aaaa(let high, let low): IPAddress(high: high, low: low)
        case .srv, .cname, .soa, .ns, .ptr, .txt, .other, .unreadable: nil
        }
    }

    /// The type a record with this data has on the wire.
    package var type: RecordType {
        switch self {
        case .a: .a
        case .aaaa: .aaaa
        case .srv: .srv
        case .cname: .cname
        case .soa: .soa
        case .ns: .ns
        case .ptr: .ptr
        case .txt: .txt
        case .other(let type, _), .unreadable(let type, _, _): type
        }
    }
}
