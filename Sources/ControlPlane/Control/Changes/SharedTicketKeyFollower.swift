// SharedTicketKeyFollower: gives the ring of ticket keys what a key of Consul has, and writes it
// when it is not there, or when it is time for new ones (SharedTicketKeys). The first one
// writes, by check-and-set; the others read what came of it within moments.
//
// What can't be read is not written over: it is somebody's, or of a later version.

internal import Admin
internal import Configuration
internal import Consul
internal import Events
internal import TLS
internal import WallClock
internal import Wording

/// Follows the key with ticket keys. Control thread only.
final class SharedTicketKeyFollower {
    /// Keys that were read.
    private struct Held {
        let keys: SharedTicketKeys
        let modifyIndex: UInt64
        /// Since when this process has known them.
        let since: ContinuousClock.Instant
        /// How long after they are due this process waits before it renews them: another one may
        /// come first.
        let patience: Int
    }

    private let key: ConsulKey
    private let ring: TicketKeys
    private let log: () -> Log
    private var held: Held?
    /// Whether the last answer said that the key is not there.
    private var isMissing = false
    /// Why the last answer was none; nil when it was one.
    private var readProblem: String?
    /// Why the last write failed; nil when it did not, or there was none since.
    private var writeProblem: String?
    private var isWriting = false
    private var timer: Timer?

    /// Processes renew at another second of so many each.
    private static let patienceMax = 60
    /// How often it looks whether something is due: the machine may have slept, and clocks are set.
    private static let pace = Duration.seconds(60)

    /// Asks nothing before `start`. The library is loaded by now.
    init(_ key: ConsulKey, _ ring: TicketKeys, on loop: EventLoop, log: @escaping () -> Log) {
        self.key = key
        self.ring = ring
        self.log = log
        timer = Timer(on: loop) { [unowned self] in look() }
    }

    /// Begins to ask.
    func start() {
        key.start { [unowned self] in handle($0) }
        timer?.schedule(after: Self.pace)
    }

    /// Asks and writes no more; the ring keeps what it has.
    func stop() {
        key.stop()
        timer?.cancel()
    }

    /// What the admin port shows of it.
    var shown: ShownTicketKeys {
        let problem = readProblem ?? writeProblem
        return ShownTicketKeys(
            place: key.summary, count: held?.keys.keys.count ?? 0,
            problem: problem.map { "\($0); \(effect)" })
    }

    /// What comes of it while the key can't be read or written.
    private var effect: String {
        guard let held else { return "sessions are resumed by the process alone that began them" }
        return held.keys.inForce(age: age(of: held)).seals
            ? "the keys of before stay"
            : "those that are known are too old, so that each process seals by its own"
    }

    // MARK: - Answers

    private func handle(_ answer: Result<ConsulKey.Value?, ConsulFailure>) {
        switch answer {
        case .failure(let failure): fail("\(failure)", .warning)
        case .success(nil):
            readProblem = nil
            isMissing = true
            look()
        case .success(let value?):
            isMissing = false
            do throws(TicketKeyProblem) {
                take(try SharedTicketKeys(value.bytes, begins: value.flags), value.modifyIndex)
            } catch {
                // The index is not remembered: nothing is written over it.
                fail("\(error)", .error)
            }
        }
    }

    private func fail(_ cause: String, _ level: LogLevel) {
        let isNew = readProblem == nil || level == .error
        readProblem = cause
        guard isNew else { return }
        log().write(
            level, "tickets.failed", ["key": key.summary, "cause": cause, "effect": effect])
    }

    private func take(_ keys: SharedTicketKeys, _ index: UInt64) {
        (readProblem, writeProblem) = (nil, nil)
        if held?.keys != keys {
            held = Held(
                keys: keys, modifyIndex: index, since: .now,
                patience: .random(in: 0...Self.patienceMax))
            log().write(
                .info, "tickets.keys", ["key": key.summary, "keys": "\(keys.keys.count)"])
        } else if let known = held {
            // It may have been written once more, as it is.
            held = Held(
                keys: keys, modifyIndex: index, since: known.since, patience: known.patience)
        }
        look()
    }

    // MARK: - Time

    private static var now: Int { Int(UTCTime.now.secondsSince1970) }

    private func age(of held: Held) -> Int {
        held.keys.age(
            now: Self.now, known: Int((ContinuousClock.now - held.since).components.seconds))
    }

    /// Puts in force what is in force now, and writes what is due.
    private func look() {
        var wait = Self.pace
        if let held {
            let age = age(of: held)
            let inForce = held.keys.inForce(age: age)
            ring.give(inForce.keys, seals: inForce.seals)
            if let left = inForce.left { wait = min(wait, .seconds(left)) }
            if held.keys.isDue(age: age), !isMissing, readProblem == nil {
                let waited = age - SharedTicketKeys.lifetime
                if waited >= held.patience {
                    write(held.keys.renewed(now: Self.now, age: age), replacing: held.modifyIndex)
                } else {
                    wait = min(wait, .seconds(held.patience - waited))
                }
            }
        }
        if isMissing, readProblem == nil { write(.new(now: Self.now), replacing: 0) }
        timer?.schedule(after: wait)
    }

    private func write(_ keys: SharedTicketKeys?, replacing index: UInt64) {
        guard let keys, let begins = keys.begins, !isWriting else { return }
        isWriting = true
        key.write(keys.text, flags: UInt64(begins), replacing: index) { [unowned self] result in
            isWriting = false
            switch result {
            // What is there now comes by the watch, written by this process or another.
            case .success(let isDone):
                writeProblem = nil
                if isDone { log().write(.info, "tickets.renewed", ["key": key.summary]) }
            case .failure(let failure):
                defer { writeProblem = "\(failure)" }
                guard writeProblem == nil else { return }
                log().write(
                    .warning, "tickets.failed",
                    ["key": key.summary, "cause": "\(failure)", "effect": effect])
            }
        }
    }
}
