// Zone: the records that the discovery server answers from, as a value. Changing it is adding and
// removing values; answering from it is in Zone+Answer.swift.

package import DNSWire
internal import Endpoints

/// A DNS zone: everything at and below one name. Value type, any thread.
package struct Zone: Sendable {
    /// The name of the zone.
    package let origin: DomainName
    /// How long "no" may be kept, in seconds. 1: a demo shows changes at once.
    package static let negativeTTLSeconds: UInt32 = 1

    private var recordsByName: [DomainName: [ResourceRecord]] = [:]
    /// Names that exist only because a name below them does, and how many there are of those.
    private var descendantCounts: [DomainName: Int] = [:]
    /// Raised by every change, as a zone's serial is (RFC 1982 arithmetic: it may wrap).
    private var serial: UInt32 = 1

    /// An empty zone called `origin`.
    package init(origin: DomainName) {
        self.origin = origin
    }

    // MARK: - Changes

    /// Adds `record`, unless the zone has it already; its TTL is then taken over.
    ///
    /// - Returns: False when the record's name isn't within the zone, and nothing was added.
    @discardableResult
    package mutating func add(_ record: ResourceRecord) -> Bool {
        guard record.name.isWithin(origin), record.type != .soa else { return false }
        serial &+= 1
        var records = recordsByName[record.name] ?? []
        if records.isEmpty { countDescendants(of: record.name, by: 1) }
        if let index = records.firstIndex(where: { $0.data == record.data }) {
            records[index] = record
        } else {
            records.append(record)
        }
        recordsByName[record.name] = records
        return true
    }

    /// Removes the records of `name` that are of `type`, or all of them when nil, and only those
    /// with `data` when that is given.
    package mutating func remove(
        _ name: DomainName, _ type: RecordType? = nil, data: RecordData? = nil
    ) {
        guard let old = recordsByName[name] else { return }
        let kept = old.filter { record in
            (type != nil && record.type != type) || (data != nil && record.data != data)
        }
        guard kept.count < old.count else { return }
        serial &+= 1
        recordsByName[name] = kept.isEmpty ? nil : kept
        if kept.isEmpty { countDescendants(of: name, by: -1) }
    }

    /// Puts `records` in the place of all that `name` has of `type`; those of another name or type
    /// are left out.
    package mutating func replace(
        _ name: DomainName, _ type: RecordType, with records: [ResourceRecord]
    ) {
        remove(name, type)
        for record in records where record.name == name && record.type == type { add(record) }
    }

    private mutating func countDescendants(of name: DomainName, by difference: Int) {
        var ancestor = name.parent
        while let name = ancestor, name.isWithin(origin) {
            let count = (descendantCounts[name] ?? 0) + difference
            descendantCounts[name] = count == 0 ? nil : count
            ancestor = name.parent
        }
    }

    // MARK: - Looking up

    /// All records of `name`, those of the zone itself included.
    func records(of name: DomainName) -> [ResourceRecord] {
        (recordsByName[name] ?? []) + (name == origin ? [startOfAuthority, nameServer] : [])
    }

    /// Whether the name has records or stands above one that has (RFC 8020).
    func exists(_ name: DomainName) -> Bool {
        name == origin || recordsByName[name] != nil || descendantCounts[name] != nil
    }

    /// The zone's own record, which also goes with every "no".
    var startOfAuthority: ResourceRecord {
        ResourceRecord(
            origin, ttlSeconds: Self.negativeTTLSeconds,
            .soa(
                RecordData.SOA(
                    primaryServer: origin, mailbox: origin, serial: serial, refreshSeconds: 60,
                    retrySeconds: 60, expireSeconds: 3600,
                    minimumSeconds: Self.negativeTTLSeconds)))
    }

    private var nameServer: ResourceRecord {
        ResourceRecord(origin, ttlSeconds: Self.negativeTTLSeconds, .ns(origin))
    }
}
