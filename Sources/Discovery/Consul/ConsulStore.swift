// ConsulStore: keys below a prefix that many processes read and one at a time writes: the one that
// holds the lock, which is the key `lock` there. What is written is one transaction, all or
// nothing, in which Consul checks that the lock is still held: a process that was stopped for a
// minute and goes on writes over nothing.
//
// What is there is known from a blocking query, and once more by a question to the leader before
// the one that has got the lock does anything. A transaction writes the key `changed` as well, so
// that its index tells an answer of before from one of after it.

internal import ConsulQuery
internal import FoundationEssentials
internal import HTTP1
internal import JSON

/// A folder of Consul's key/value store. Loop thread only.
package final class ConsulStore {
    /// A change of one key. Value type, any thread.
    package struct Change: Sendable, Equatable {
        /// The key without the prefix.
        package let name: String
        /// What it gets; nil: it is deleted.
        package let bytes: [UInt8]?

        /// A change of the key `name`.
        package init(_ name: String, _ bytes: [UInt8]?) {
            self.name = name
            self.bytes = bytes
        }
    }

    /// What all values may have together, in bytes: a thousand certificates with their keys.
    private static let totalBytesMax = 8 * 1024 * 1024
    private static let lockName = "lock"
    private static let changedName = "changed"
    /// How long after a change answers are doubted that are older.
    private static let doubtTime = Duration.seconds(10)

    /// What the keys have, by their names without the prefix.
    package private(set) var values: [String: [UInt8]] = [:]
    /// Why that is not known, or may be out of date; nil while it works.
    package private(set) var failure: ConsulFailure?
    /// Whether there was an answer, or a failure.
    package private(set) var isAsked = false
    /// Called after each answer that differs, and at failures.
    package var onChange: () -> Void = {}

    /// Where the keys are: `fairlead-certificates/`.
    package let prefix: String
    /// How long the lock's session lives without a renewal, in whole seconds.
    var lockLife = ConsulLock.life
    private let holder: String
    private let agents: ConsulAgents
    private let path: String
    private let watch: ConsulValueWatch<Snapshot>
    private var isLocked = false
    /// The index of the last change from here, and until when it matters.
    private var floor: (index: UInt64, until: ContinuousClock.Instant)?
    /// Not before then the lock is asked for again.
    private var retryAt: ContinuousClock.Instant?

    /// All keys at one time.
    private struct Snapshot: Equatable, Sendable {
        let contents: ConsulKV.Contents
        let index: UInt64
    }

    /// The keys that begin with `prefix`; `holder` is who this process is, for people.
    package init(_ prefix: String, holder: String, agents: ConsulAgents) {
        self.prefix = prefix
        self.holder = holder
        self.agents = agents
        path = "/v1/kv/\(PercentEncoding.encode(prefix, keeping: "/"))?recurse"
        watch = ConsulValueWatch(path, of: agents) { Self.read($0, prefix) }
    }

    /// Begins to ask.
    package func start() {
        watch.start { [unowned self] in handle($0) }
    }

    /// Asks no more.
    package func stop() {
        watch.stop()
    }

    // MARK: - What is there

    private static func read(
        _ answer: ConsulAnswer, _ prefix: String
    ) -> Result<Snapshot, ConsulFailure> {
        ConsulKV.read(answer, prefix: prefix, totalBytesMax: totalBytesMax).map {
            Snapshot(contents: $0, index: BlockingQuery.index(of: answer.index))
        }
    }

    private func handle(_ result: Result<Snapshot, ConsulFailure>) {
        isAsked = true
        switch result {
        case .success(let snapshot):
            failure = nil
            take(snapshot)
        case .failure(let failure): self.failure = failure
        }
        onChange()
    }

    private func take(_ snapshot: Snapshot) {
        if let floor, snapshot.index < floor.index, .now < floor.until { return }
        let entries = snapshot.contents.entries
        isLocked = entries.contains { $0.key == Self.lockName && $0.session != nil }
        values = Dictionary(entries.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
    }

    // MARK: - Writing

    /// Tries to get the lock, and calls `completion` once: with nil while another one has it. When
    /// it is called with the lock, `values` are those that the last holder has left.
    package func lock(completion: @escaping (Result<ConsulLock?, ConsulFailure>) -> Void) {
        guard !isLocked, retryAt ?? .now <= .now else { return completion(.success(nil)) }
        // Within the delay after a session ended Consul says no, and makes sessions all the while.
        retryAt = .now + .seconds(3)
        let lock = ConsulLock(
            prefix + Self.lockName, holder: holder, life: lockLife, agents: agents)
        lock.acquire { [weak self] result in
            switch result {
            case .failure(let failure): completion(.failure(failure))
            case .success(false): completion(.success(nil))
            case .success(true):
                guard let self else { return lock.release() }
                retryAt = nil
                refresh { failure in
                    guard let failure else { return completion(.success(lock)) }
                    lock.release()
                    completion(.failure(failure))
                }
            }
        }
    }

    private func refresh(completion: @escaping (ConsulFailure?) -> Void) {
        var request = ConsulRequest(path)
        request.mayBeStale = false
        agents.send(request) { [weak self] outcome in
            guard let self else { return }
            switch outcome {
            case .failed(let failure): completion(failure)
            case .answer(let answer):
                switch Self.read(answer, prefix) {
                case .failure(let failure):
                    completion(agents.located(failure, at: answer.agent, path))
                case .success(let snapshot):
                    take(snapshot)
                    completion(nil)
                }
            }
        }
    }

    /// Makes `changes`, all or none, and calls `completion` once: with nil when that is done, else
    /// with the reason. `lock` is lost when Consul says that it is not held.
    package func write(
        _ changes: [Change], under lock: ConsulLock,
        completion: @escaping (ConsulFailure?) -> Void
    ) {
        var operations = [
            Operation(
                Verb: "check-session", Key: prefix + Self.lockName, Session: lock.session)
        ]
        for change in changes {
            operations.append(
                Operation(
                    Verb: change.bytes == nil ? "delete" : "set", Key: prefix + change.name,
                    Value: change.bytes.map { Data($0).base64EncodedString() }))
        }
        // A value that is written once more as it is would get no new index.
        let mark = "\(holder) \(UInt64.random(in: 0 ... .max))\n"
        operations.append(
            Operation(
                Verb: "set", Key: prefix + Self.changedName,
                Value: Data(mark.utf8).base64EncodedString()))
        var request = ConsulRequest("/v1/txn")
        request.method = .put
        request.mayBeStale = false
        request.body = JSON.encode(operations.map(TransactionItem.init)) ?? []
        request.policy = "key:write for the prefix \"\(prefix)\""
        agents.send(request) { [weak self] outcome in
            guard let self else { return }
            switch outcome {
            case .failed(let failure):
                if case .status(409, _) = failure.reason {
                    lock.lose("Consul says that another one may have it")
                }
                completion(failure)
            case .answer(let answer):
                guard let done = try? JSON.decode(TransactionAnswer.self, from: answer.body),
                    let index = done.Results.compactMap(\.KV?.ModifyIndex).max()
                else {
                    let reason = "it is no outcome of a transaction"
                    return completion(agents.recordMalformedJSON(reason, from: answer.agent))
                }
                floor = (index, .now + Self.doubtTime)
                for change in changes { values[change.name] = change.bytes }
                completion(nil)
            }
        }
    }

    // MARK: - Consul's JSON; the names of the properties are its own

    private struct Operation: Encodable {
        let Verb: String
        let Key: String
        var Value: String?
        var Session: String?
    }

    private struct TransactionItem: Encodable {
        let KV: Operation

        init(_ operation: Operation) { KV = operation }
    }

    private struct TransactionAnswer: Decodable {
        struct Item: Decodable {
            struct Pair: Decodable {
                let ModifyIndex: UInt64
            }
            let KV: Pair?
        }
        let Results: [Item]
    }
}
