// ConsulKV: all keys below a prefix, as one set that is reported whenever it changes.
//
// A key that can't be read, or whose value is too long, is left out and reported, and the others
// are read. More keys or bytes than the bounds allow make the whole answer malformed, since any
// choice of what to leave out would be arbitrary.

internal import ConsulQuery
internal import FoundationEssentials
package import InstanceSources
internal import JSON

/// A watch of a prefix of Consul's key/value store. Loop thread only.
package final class ConsulKV {
    /// One key and its value. Any thread.
    package struct Entry: Sendable, Hashable {
        /// The key without the prefix; empty for a key that is the prefix itself.
        package let key: String
        /// The value's bytes.
        package let value: [UInt8]
        /// Any number that the writer gave.
        package let flags: UInt64
        /// Rises whenever the key is written.
        package let modifyIndex: UInt64
        /// The session that has locked it; nil for none.
        var session: String?
    }

    /// What is below a prefix. Any thread.
    package struct Contents: Sendable, Equatable {
        /// The keys that can be read, sorted by their bytes.
        package var entries: [Entry] = []
        /// The keys that are left out.
        package var omissions = Omissions()
    }

    /// Bytes that a value may have: Consul's own bound (`kv_max_value_size`).
    package static let valueBytesMax = 512 * 1024
    /// Bytes that all values may have together.
    package static let totalBytesMax = 1024 * 1024
    /// Keys below the prefix.
    package static let keysMax = 10_000

    /// `Consul keys below fairlead/`.
    package let summary: String
    private let watch: ConsulValueWatch<Contents>

    /// A watch of the keys that begin with `prefix`; `fairlead/` is a folder, and `fairlead` takes
    /// `fairlead-old` too. An empty prefix takes every key. `datacenter` nil is the
    /// agent's own.
    package init(_ prefix: String, datacenter: String? = nil, agents: ConsulAgents) {
        summary = "Consul keys below \(prefix)"
        var target = "/v1/kv/\(PercentEncoding.encode(prefix, keeping: "/"))?recurse"
        if let datacenter {
            target += "&dc=\(PercentEncoding.encode(datacenter))"
        }
        watch = ConsulValueWatch(target, of: agents) { Self.read($0, prefix: prefix) }
    }

    /// When the last good answer came, changed or not; nil before the first.
    package var lastGoodAnswer: ContinuousClock.Instant? { watch.lastGoodAnswer }

    /// Asks at once, and reports the set sorted by key when it is first known and when it differs
    /// from the last report; a failure likewise. A prefix without keys is an empty set.
    package func start(reportingTo listener: @escaping (Result<Contents, ConsulFailure>) -> Void) {
        watch.start(reportingTo: listener)
    }

    /// Drops the question under way and asks no more.
    package func stop() {
        watch.stop()
    }

    // MARK: - Answers

    /// Reads Consul's answer about the keys that begin with `prefix`, whose values may have
    /// `totalBytesMax` bytes together.
    static func read(
        _ answer: ConsulAnswer, prefix: String, totalBytesMax: Int = ConsulKV.totalBytesMax
    ) -> Result<Contents, ConsulFailure> {
        // Consul answers 404 for an empty prefix, with an index like any other answer.
        guard answer.status != 404 else {
            return answer.doubt.map { .failure($0) } ?? .success(Contents())
        }
        do throws(JSON.Malformed) {
            let contents = try contents(answer.body, prefix: prefix, totalBytesMax)
            if contents == Contents(), let doubt = answer.doubt { return .failure(doubt) }
            return .success(contents)
        } catch {
            return .failure(.malformed(error.reason))
        }
    }

    /// Consul's JSON.
    private struct Pair: Decodable {
        let Key: String
        let Value: String?
        let Flags: UInt64?
        let ModifyIndex: UInt64
        let Session: String?
    }

    private static func contents(
        _ bytes: [UInt8], prefix: String, _ totalBytesMax: Int
    ) throws(JSON.Malformed) -> Contents {
        let pairs = try JSON.decode([JSON.Tolerant<Pair>].self, from: bytes)
        guard pairs.count <= keysMax else {
            throw .init("there are \(pairs.count) keys, at most \(keysMax) are taken")
        }
        var total = 0
        var contents = Contents()
        for (index, pair) in pairs.enumerated() {
            do throws(JSON.Malformed) {
                let entry = try entry(pair, index, prefix)
                total += entry.value.count
                contents.entries.append(entry)
            } catch {
                contents.omissions.add(error.reason)
            }
        }
        guard total <= totalBytesMax else {
            throw .init("the values have more than \(totalBytesMax) bytes together")
        }
        if contents.entries.isEmpty, let first = contents.omissions.examples.first {
            throw .init(first)
        }
        // By bytes, as Consul has them: keys that only look alike are different ones.
        contents.entries.sort { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        let all = contents.entries
        contents.entries = []
        for entry in all {
            if let last = contents.entries.last, last.key.utf8.elementsEqual(entry.key.utf8) {
                contents.omissions.add("\(entry.key): the key is there twice")
            } else {
                contents.entries.append(entry)
            }
        }
        return contents
    }

    private static func entry(
        _ pair: JSON.Tolerant<Pair>, _ index: Int, _ prefix: String
    ) throws(JSON.Malformed) -> Entry {
        let read: Pair
        switch pair {
        case .value(let value): read = value
        case .malformed(let error): throw error
        }
        guard read.Key.utf8.starts(with: prefix.utf8) else {
            throw .init("[\(index)]: the key does not begin with the prefix")
        }
        let key = String(Substring(read.Key.utf8.dropFirst(prefix.utf8.count)))
        // Nil for an empty value, as of a folder.
        guard let value = Data(base64Encoded: read.Value ?? "") else {
            throw .init("[\(index)], \(key): the value is not base64")
        }
        guard value.count <= valueBytesMax else {
            throw .init(
                "[\(index)], \(key): the value has \(value.count) bytes, at most "
                    + "\(valueBytesMax) are taken")
        }
        return Entry(
            key: key, value: Array(value), flags: read.Flags ?? 0, modifyIndex: read.ModifyIndex,
            session: read.Session)
    }
}
