// CertificateOrders: gets certificates from an authority and has them renewed in time. It asks by
// the machine that knows the protocol (ACMEOrder), keeps what comes in a store (IssuedStore), and
// has all listeners answer the authority (ChallengeBoard).
//
// One at a time orders, of all Fairleads with the same store: the one that has its lock. Before it
// orders it looks into the store again, so that what another one has got is not ordered twice, nor
// after a restart. All answer for the one that orders, since a name may lead to any of them. One
// that loses the lock drops its order without a word to the authority: another one goes on.

internal import ACME
internal import CertificateFiles
internal import Configuration
internal import Events
internal import HTTPClient
internal import Proxy
internal import TLS
internal import WallClock
internal import Wording

/// The certificates that this process gets by itself. Control thread only.
final class CertificateOrders {
    /// What is known of a host.
    private struct Host {
        var plan: RenewalPlan
        /// Why the last order came to nothing; nil when it did not, or there was none.
        var problem: ACMEProblem?
    }

    /// An order under way.
    private struct Job {
        let host: String
        var order: ACMEOrder
        /// Tells it from others: answers to those are for nobody.
        let number: Int
    }

    private let settings: ACMESettings
    private let store: IssuedStore
    private let certificates: IssuedCertificates
    private let board: ChallengeBoard
    private let wishes: RenewalWishes
    private let connection: AuthorityConnection
    private let log: () -> Log
    private var hosts: [String: Host] = [:]
    private var job: Job?
    private var jobs = 0
    private var isRunning = false
    /// Whether this process has the lock, or asks for it.
    private var isBusy = false
    /// The lock, while this process has it.
    private var lock: (any IssuedLock)?
    /// Why the lock can't be had; nil while it can.
    private var lockProblem: String?
    /// Why the last change could not be written; nil when it could.
    private var writeProblem: String?
    /// Not before then the lock is asked for again.
    private var retryAt: ContinuousClock.Instant?
    /// Why the store can't be used; nil while it can.
    private var storeProblem: String?
    private var looking: Timer?
    private var waiting: Timer?
    /// What orders came to: `issued`, or the code of a problem.
    private(set) var outcomes: [String: Int] = [:]

    /// How often the store is looked at: others may order, and all have to answer.
    private static let pace = Duration.seconds(1)
    /// How long it takes until every Fairlead answers for a challenge: a round of its look, and as
    /// long again for a folder of a network. Of Consul's keys all learn within a second.
    private static let settleTime = Duration.seconds(2)
    /// How long the store is left alone after it has refused something.
    private static let retryPause = Duration.seconds(10)

    /// Gets nothing yet; `sources` finds the authority. Waits for what Consul's keys have, if they
    /// are the store, for up to 3 s.
    ///
    /// - Throws: `StartFailure` for a process that takes over and can't read them: it would show
    ///   clients worse certificates than the one before.
    init(
        _ configuration: Configuration, _ shown: CertificateStore, _ workers: ProxyWorkers,
        _ sources: SourceFactory, _ process: ProcessStart, log: @escaping () -> Log
    ) throws(StartFailure) {
        let loop = sources.loop
        settings = configuration.acme
        if let prefix = settings.consul {
            let home = ConsulHome(prefix, sources.agents, on: loop)
            if process.predecessor != nil, let unknown = home.unknown {
                throw StartFailure(
                    description: "acme.consul: \(unknown); the process before goes on")
            }
            store = IssuedStore(home: home)
        } else {
            store = IssuedStore(home: FolderHome(path: settings.store ?? ""))
        }
        let isKept = settings.store != nil || settings.consul != nil
        certificates = IssuedCertificates(store, shown)
        board = ChallengeBoard(configuration, isKept ? store : nil, workers)
        connection = AuthorityConnection(
            HTTPClient(on: loop), sources.systemHosts, trusting: settings.caFile)
        wishes = RenewalWishes(connection, at: settings.directory)
        self.log = log
        looking = Timer(on: loop) { [unowned self] in look() }
        waiting = Timer(on: loop) { [unowned self] in advance() }
        store.home.onChange = { [unowned self] in
            if isRunning { looking?.schedule(after: .zero) }
        }
        follow(configuration)
    }

    /// Begins to order.
    func start() {
        isRunning = true
        look()
    }

    /// Orders nothing any more: the process stops, or another one has taken over.
    func stop() {
        isRunning = false
        looking?.cancel()
        endJob()
        if !isBusy { store.home.stop() }
    }

    /// Takes up a configuration, whose listeners may have other hosts.
    func follow(_ configuration: Configuration) {
        let wanted = Set(configuration.listeners.flatMap(\.tls.acmeHosts))
        if let job, !wanted.contains(job.host) { endJob() }
        hosts = hosts.filter { wanted.contains($0.key) }
        certificates.forget(except: wanted)
        wishes.forget(except: wanted)
        for host in wanted where hosts[host] == nil {
            hosts[host] = newHost(host)
            _ = certificates.read(host)
            show(host)
        }
        if isRunning { looking?.schedule(after: .zero) }
    }

    /// Where in its time a renewal falls is drawn for each certificate.
    private func newHost(_ host: String) -> Host {
        Host(
            plan: RenewalPlan(fraction: .random(in: 0...1), after: store.failures(of: host)))
    }

    // MARK: - Looking

    private func look() {
        guard !hosts.isEmpty else { return }
        looking?.schedule(after: Self.pace)
        let unready = store.home.prepare()
        report(unready ?? lockProblem ?? writeProblem)
        guard unready == nil else { return }
        takeUpNews()
        guard !isBusy else { return }
        guard certificates.unwritten.isEmpty else { return withLock { [unowned self] in keep() } }
        let now = Self.now
        let due = hosts.keys.filter { orderTime(of: $0, now) <= now }
        if let host = due.min(by: { (self.due($0) ?? 0, $0) < (self.due($1) ?? 0, $1) }) {
            begin(host)
        } else {
            for host in hosts.keys {
                guard let life = certificates.life(of: host) else { continue }
                wishes.look(at: host, life, now: now)
            }
        }
    }

    private static var now: Int { Int(UTCTime.now.secondsSince1970) }

    /// When the certificate of `host` is to be renewed; nil when there is none.
    private func due(_ host: String) -> Int? {
        guard let life = certificates.life(of: host) else { return nil }
        return hosts[host]?.plan.due(
            begins: life.begins, ends: life.ends, window: wishes.window(of: host))
    }

    private func orderTime(of host: String, _ now: Int) -> Int {
        hosts[host]?.plan.orderTime(due: due(host), now: now) ?? .max
    }

    /// The store can't be used, for this reason; nil: it can.
    private func report(_ problem: String?) {
        guard problem != storeProblem else { return }
        storeProblem = problem
        if let problem { logUnusable(problem, "no certificate is ordered") }
        hosts.keys.forEach(show)
    }

    private func logUnusable(_ cause: String, _ effect: String) {
        log().write(
            .error, "acme.store_unusable",
            ["cause": cause, "effect": "\(effect); \(store.home.advice)"])
    }

    /// Takes up what another process has written.
    private func takeUpNews() {
        guard certificates.hasNews() else { return }
        board.follow()
        for host in hosts.keys { hosts[host]?.plan.earlier = store.failures(of: host) }
        for host in hosts.keys.sorted() where certificates.read(host) {
            // Another one has done what this one could not.
            writeProblem = nil
            log().write(.info, "acme.certificate_found", ["host": host])
            renewed(host)
        }
    }

    /// `host` has another certificate.
    private func renewed(_ host: String) {
        hosts[host] = newHost(host)
        show(host)
    }

    private func show(_ host: String) {
        let trouble =
            if let storeProblem {
                CertificateTrouble(place: store.home.option, reason: storeProblem)
            } else {
                hosts[host]?.problem.map { CertificateTrouble(place: host, reason: "\($0)") }
            }
        certificates.show(host, trouble: trouble)
    }

    // MARK: - The lock

    /// Does `action` with the lock, which has to end by `leave()`; nothing while another one has
    /// it.
    private func withLock(_ action: @escaping () -> Void) {
        guard retryAt ?? .now <= .now else { return }
        isBusy = true
        store.home.lock { [weak self] locking in
            guard let self else { return }
            lockProblem = nil
            switch locking {
            case .got(let lock):
                self.lock = lock
                lock.onLost = { [weak self] in self?.lost($0) }
                guard isRunning else { return leave() }
                action()
            case .taken: isBusy = false
            case .failed(let reason):
                lockProblem = reason
                retryAt = .now + Self.retryPause
                isBusy = false
                if !isRunning { store.home.stop() }
            }
        }
    }

    /// Leaves the lock to others.
    private func leave() {
        lock?.release()
        lock = nil
        isBusy = false
        if !isRunning { store.home.stop() }
    }

    /// The lock is lost: what is under way is another one's by now, or nobody's.
    private func lost(_ reason: String) {
        log().write(
            .warning, "acme.lock_lost",
            [
                "host": job?.host ?? "none", "cause": reason,
                "effect": "its order is dropped; one that has the lock begins another",
            ])
        waiting?.cancel()
        job = nil
        leave()
        board.follow()
    }

    /// Writes with the lock, and calls `completion` with nil or with why that failed; not when the
    /// lock is lost meanwhile.
    private func write(_ changes: [IssuedChange], completion: @escaping (String?) -> Void) {
        guard let lock else { preconditionFailure("nothing is written without the lock") }
        guard !changes.isEmpty else { return completion(nil) }
        store.home.write(changes, under: lock) { [weak self] failure in
            guard let self, self.lock === lock else { return }
            writeProblem = failure
            retryAt = failure.map { _ in .now + Self.retryPause }
            board.follow()
            completion(failure)
        }
    }

    /// Tries again to keep certificates that could not be kept: a start would order them once more.
    private func keep() {
        var changes: [IssuedChange] = []
        for (host, product) in certificates.unwritten where !certificates.isOutdone(host) {
            changes += store.changes(for: product, of: host)
        }
        let hosts = Array(certificates.unwritten.keys)
        write(changes) { [unowned self] failure in
            if failure == nil { hosts.forEach(certificates.kept) }
            leave()
        }
    }

    // MARK: - Ordering

    private func begin(_ host: String) {
        withLock { [unowned self] in
            guard hosts[host] != nil else { return leave() }
            // Another one may have got it while this one waited.
            guard !certificates.read(host) else {
                renewed(host)
                return leave()
            }
            hosts[host]?.plan.earlier = store.failures(of: host)
            guard orderTime(of: host, Self.now) <= Self.now else { return leave() }
            prepare(host)
        }
    }

    /// Sees to the account, whose key has to be kept before it is used: one whose key is lost can't
    /// be used again. Challenges that are there are of one that was killed.
    private func prepare(_ host: String) {
        var changes = store.changes(for: [])
        let known = store.account(at: settings.directory)
        let key = known?.key ?? SigningKey()
        if known == nil {
            changes += store.changes(forAccount: key, url: nil, at: settings.directory)
        }
        write(changes) { [unowned self] failure in
            guard failure == nil else { return leave() }
            order(
                host,
                ACMEAccount(
                    key: key, url: known?.url, email: settings.email,
                    external: settings.externalAccount))
        }
    }

    private func order(_ host: String, _ account: ACMEAccount) {
        let failures = hosts[host]?.plan.failures ?? 0
        // After a failure the other way is tried first.
        let turn = failures % settings.methods.count
        let order = ACMEOrder(
            for: [host], at: settings.directory, ACMESession(account),
            methods: Array(settings.methods[turn...] + settings.methods[..<turn]),
            settleTime: Self.settleTime,
            replacing: certificates.life(of: host).flatMap(RenewalQuestion.identifier))
        jobs += 1
        job = Job(host: host, order: order, number: jobs)
        log().write(.info, "acme.ordering", ["host": host, "authority": settings.directory])
        advance()
    }

    private func advance() {
        guard let step = job?.order.next(), let host = job?.host else { return }
        switch step {
        case .send(let request):
            let number = job?.number
            connection.send(request) { [weak self] result in
                guard let self, self.job?.number == number else { return }
                self.take(result)
            }
        case .wait(let pause): waiting?.schedule(after: pause)
        case .finished(let product):
            job = nil
            install(product, for: host)
        case .failed(let problem):
            job = nil
            fail(host, problem)
        }
    }

    private func take(_ result: Result<ACMEAnswer, AuthorityConnection.Unanswered>) {
        guard let before = job?.order else { return }
        switch result {
        case .success(let answer): job?.order.receive(answer)
        case .failure(let unanswered): job?.order.fail(unanswered.reason)
        }
        guard let job else { return }
        let account = job.order.session.account
        var changes: [IssuedChange] = []
        if account.url != before.session.account.url {
            changes += store.changes(
                forAccount: account.key, url: account.url, at: settings.directory)
        }
        if job.order.challenges != before.challenges {
            changes += store.changes(for: job.order.challenges)
        }
        write(changes) { [unowned self] failure in
            guard self.job?.number == job.number else { return }
            guard let failure else { return advance() }
            // An authority that is not answered counts that against the host.
            self.job = nil
            fail(job.host, ACMEProblem(.storeFailed(failure)))
        }
    }

    /// Gives up what is under way, and what is answered for it.
    private func endJob() {
        waiting?.cancel()
        guard job != nil else { return }
        job = nil
        write(store.changes(for: [])) { [unowned self] _ in leave() }
    }

    private func install(_ product: ACMEProduct, for host: String) {
        if let reason = certificates.use(product, for: host) {
            return fail(host, ACMEProblem(.unusable(reason)))
        }
        outcomes["issued", default: 0] += 1
        renewed(host)
        log().write(
            .info, "acme.certificate_issued",
            ["host": host, "renewal": due(host).map(Self.text) ?? "unknown"])
        let changes = store.changes(for: product, of: host) + store.changes(for: [])
        write(changes) { [unowned self] failure in
            if let failure {
                logUnusable(
                    failure, "the certificate of \(host) is used, and a start would order it again")
            } else {
                certificates.kept(host)
            }
            leave()
        }
    }

    private func fail(_ host: String, _ problem: ACMEProblem) {
        let now = Self.now
        outcomes[problem.code, default: 0] += 1
        hosts[host]?.problem = problem
        hosts[host]?.plan.failed(
            at: now, retryAfter: problem.retryAfter, needsOperator: problem.needsOperator)
        let left = certificates.life(of: host).map { Duration.seconds(max($0.ends - now, 0)) }
        log().write(
            left == nil ? .error : .warning, "acme.failed",
            [
                "host": host, "cause": "\(problem)",
                "effect": left.map { "its certificate is good for another \($0.spoken)" }
                    ?? "clients are shown a certificate that Fairlead has signed itself",
                "next": Self.text(orderTime(of: host, now)),
            ])
        show(host)
        var changes = store.changes(for: [])
        if let failures = hosts[host]?.plan.earlier {
            changes += store.changes(for: failures, "\(problem)", of: host)
        }
        write(changes) { [unowned self] _ in leave() }
    }

    private static func text(_ seconds: Int) -> String {
        UTCTime(secondsSince1970: Double(seconds)).iso8601
    }
}
