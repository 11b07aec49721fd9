// PasswordChecks: what a worker knows of credentials, and the checks of passwords that its requests
// wait for.
//
// A check takes as long as its hash is meant to, 50 to 100 ms mostly, so that no worker does it:
// threads of their own do (PasswordThreads), at a lower priority, a bounded number of checks waits
// for them, and the worker gets each verdict by its mail. Requests that bring the same credentials
// meanwhile wait for the same check, as a browser sends half a dozen at once.
//
// | credentials    | are remembered for | so that                                                 |
// |----------------|--------------------|---------------------------------------------------------|
// | that are right | 5 minutes          | a request with them waits for nothing                   |
// | that are wrong | 1 minute           | a client that repeats them does not take up the threads |
//
// The two are apart: however many passwords somebody tries, nobody who has the right one is
// forgotten for it. What is remembered holds for one list of users: a file that changes begins with
// nothing (CredentialMemory).

internal import Events
internal import HTTP1
internal import Locking
internal import Passwords

/// A password on its way to a thread that checks it. Any thread.
final class PasswordJob: Sendable {
    /// What the worker knows it by.
    let number: UInt64
    private let password: [UInt8]
    private let entry: UserList.Entry
    private let isWanted = Locked(true)

    init(_ number: UInt64, _ password: [UInt8], _ entry: UserList.Entry) {
        self.number = number
        self.password = password
        self.entry = entry
    }

    /// Nobody waits for it any more.
    func cancel() { isWanted.withLock { $0 = false } }

    /// What it comes to by `check`; nil when nobody waits.
    func verdict(by check: PasswordCheck) -> PasswordVerdict? {
        guard isWanted.withLock({ $0 }) else { return nil }
        let verdict = check(password, entry.hash)
        // The hash may have been another user's, which takes as long.
        return entry.isKnown || verdict != .right ? verdict : .wrong
    }
}

/// The threads that check passwords for all workers. Any thread.
final class PasswordThreads: Sendable {
    private let threads: WorkThreads
    private let check: PasswordCheck

    /// The most checks that wait, of all workers: with two threads and 60 ms each, some 4 s' worth,
    /// longer than any of them is waited for by default.
    static let waitingMax = 128

    /// Threads for so many workers: more than two would only take processors from these.
    init(workers: Int, _ check: @escaping PasswordCheck) {
        threads = WorkThreads(
            name: "password", count: min(workers, 2), waitingMax: Self.waitingMax)
        self.check = check
    }

    /// Begins the threads; called before a worker, which may stay on one processor, needs them.
    func start() { threads.start() }

    /// Has `job` done, and its verdict mailed to `mailbox`. False when too much waits.
    func submit(_ job: PasswordJob, answeringTo mailbox: Mailbox<WorkerMessage>) -> Bool {
        threads.submit { [check] in
            guard let verdict = job.verdict(by: check) else { return }
            mailbox.post(.passwordChecked(job.number, verdict))
        }
    }

    /// Ends the threads, once each has done the check that it is at.
    func stop() { threads.stop() }
}

/// A check that requests of one worker wait for. Worker thread only.
final class PasswordCheckInProgress {
    fileprivate let job: PasswordJob
    fileprivate let mark: CredentialMark
    /// The user's name, as it came.
    let name: [UInt8]
    /// The exchanges that wait, the first one first.
    fileprivate var waiting: [Link<HTTPExchange>] = []

    fileprivate init(_ job: PasswordJob, _ mark: CredentialMark, _ name: [UInt8]) {
        self.job = job
        self.mark = mark
        self.name = name
    }
}

/// What one worker knows of passwords. Worker thread only.
final class PasswordChecks {
    /// What is known of a request's credentials.
    enum Knowledge {
        /// The user may come.
        case right
        /// There are none that can be read, or they are wrong.
        case wrong
        /// A check has to say.
        case unknown(CredentialMark)
    }

    private let threads: PasswordThreads
    private let mailbox: Mailbox<WorkerMessage>
    private let marker: CredentialMarker
    private var right = CredentialMemory(capacity: 1024)
    private var wrong = CredentialMemory(capacity: 256)
    private var credentials = Credentials()
    /// Checks that the threads have, the oldest first.
    private var pending: [PasswordCheckInProgress] = []
    private var lastNumber: UInt64 = 0

    private static let rightFor: UInt64 = 300_000_000_000
    private static let wrongFor: UInt64 = 60_000_000_000

    init(_ threads: PasswordThreads, mailbox: Mailbox<WorkerMessage>) {
        self.threads = threads
        self.mailbox = mailbox
        var random = SystemRandomNumberGenerator()
        marker = CredentialMarker(using: &random)
    }

    // MARK: - Requests

    /// What is known at `now` of the credentials of a request whose `head` was parsed from `bytes`,
    /// for users of `users`. Until the next call `withName` has their name.
    func recognise(
        _ head: borrowing RequestHead, _ bytes: Span<UInt8>, _ users: UserList, at now: UInt64
    ) -> Knowledge {
        guard let range = head.authorization, credentials.read(bytes.extracting(range)) else {
            credentials.clear()
            return .wrong
        }
        let mark = marker.mark(of: bytes.extracting(range), for: users.identity)
        if right.contains(mark, at: now) { return .right }
        return wrong.contains(mark, at: now) ? .wrong : .unknown(mark)
    }

    /// Passes the name to `body` that the last request brought; an empty one if it brought none
    /// that could be read.
    func withName(_ body: (Span<UInt8>) -> Void) {
        let credentials = credentials
        credentials.withName(body)
    }

    /// A check of the credentials that were read last, which have `mark`, for users of `users`;
    /// `submit` follows, or nothing.
    func check(_ mark: CredentialMark, _ users: UserList) -> PasswordCheckInProgress {
        if let same = pending.first(where: { $0.mark == mark }) { return same }
        let (name, password) = credentials.copies
        lastNumber += 1
        let job = PasswordJob(lastNumber, password, users.entry(for: name))
        return PasswordCheckInProgress(job, mark, name)
    }

    /// Has `exchange` wait for `check`. False when too much waits for the threads.
    func submit(_ check: PasswordCheckInProgress, for exchange: HTTPExchange) -> Bool {
        if !pending.contains(where: { $0 === check }) {
            guard threads.submit(check.job, answeringTo: mailbox) else { return false }
            pending.append(check)
        }
        check.waiting.append(Link(exchange))
        return true
    }

    /// `exchange` does not wait for `check` any more, if it did.
    func leave(_ check: PasswordCheckInProgress, _ exchange: HTTPExchange) {
        check.waiting.removeAll { $0.refers(to: exchange) }
        guard check.waiting.isEmpty, let place = pending.firstIndex(where: { $0 === check }) else {
            return
        }
        check.job.cancel()
        pending.remove(at: place)
    }

    /// The threads have a verdict at `now`: remembers it, and tells those that wait.
    func finished(_ number: UInt64, _ verdict: PasswordVerdict, at now: UInt64) {
        guard let place = pending.firstIndex(where: { $0.job.number == number }) else { return }
        let check = pending.remove(at: place)
        switch verdict {
        case .right: right.remember(check.mark, until: now &+ Self.rightFor)
        case .wrong: wrong.remember(check.mark, until: now &+ Self.wrongFor)
        case .unchecked: break
        }
        // One by one: what becomes of one may end others, which leave then.
        while !check.waiting.isEmpty {
            check.waiting.removeFirst().with { $0.passwordChecked(verdict, check.name) }
        }
    }
}
