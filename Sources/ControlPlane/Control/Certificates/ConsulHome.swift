// ConsulHome: the store of certificates in Consul's K/V store, below a prefix, for Fairleads on
// many machines. What is there is known without asking (ConsulStore); the lock is a session.

internal import Consul
internal import Events

/// Keys below a prefix. Control thread only.
final class ConsulHome: IssuedHome {
    let option = "acme.consul"
    let advice = "see that Consul can be asked, and what its token may do"
    var onChange: () -> Void = {}
    private let store: ConsulStore
    private var changes = 0

    /// How long the first answer is waited for.
    private static let firstLimit = Duration.seconds(3)

    /// The keys that begin with `prefix`. Waits for the first answer, for up to 3 s, since what
    /// clients are shown is there: `loop` is turned meanwhile.
    init(_ prefix: String, _ agents: ConsulAgents, on loop: EventLoop) {
        store = ConsulStore(prefix, holder: hostName(), agents: agents)
        store.onChange = { [unowned self] in
            changes += 1
            onChange()
        }
        store.start()
        let limit = Timer(on: loop) {}
        limit.schedule(after: Self.firstLimit)
        while !store.isAsked, limit.isScheduled { loop.runOnce(waiting: true) }
    }

    /// Why the certificates that are there are not known; nil when they are.
    var unknown: String? {
        store.isAsked ? store.failure.map { "\($0)" } : "Consul did not answer within 3 s"
    }

    var stamp: [Int] { [changes] }

    func prepare() -> String? { unknown }

    func place(of name: String) -> String { "Consul key \(store.prefix)\(name)" }

    func read(_ name: String) -> [UInt8]? { store.values[name] }

    func names(in folder: String) -> [String] {
        let prefix = folder + "/"
        let names = store.values.keys.filter { $0.hasPrefix(prefix) }
            .map { String($0.dropFirst(prefix.count)) }
            .filter { !$0.isEmpty && !$0.contains("/") }
        return Array(names.sorted().prefix(1000))
    }

    func write(
        _ changes: [IssuedChange], under lock: any IssuedLock,
        completion: @escaping (String?) -> Void
    ) {
        guard let lock = (lock as? ConsulHomeLock)?.lock else {
            preconditionFailure("a lock of this home")
        }
        store.write(changes.map { .init($0.name, $0.bytes) }, under: lock) { failure in
            completion(failure.map { "\($0)" })
        }
    }

    func lock(completion: @escaping (IssuedLocking) -> Void) {
        store.lock { result in
            switch result {
            case .success(let lock?): completion(.got(ConsulHomeLock(lock)))
            case .success(nil): completion(.taken)
            case .failure(let failure): completion(.failed("\(failure)"))
            }
        }
    }

    func stop() {
        store.stop()
    }
}

/// The lock of the one that orders.
private final class ConsulHomeLock: IssuedLock {
    let lock: ConsulLock

    init(_ lock: ConsulLock) { self.lock = lock }

    var onLost: (String) -> Void {
        get { lock.onLost }
        set { lock.onLost = newValue }
    }

    func release() { lock.release() }
}
