// CertificateOrders: gets certificates from an authority and has them renewed in time. It asks by
// the machine that knows the protocol (ACMEOrder), keeps what comes in a folder
// (IssuedCertificates), and has all listeners answer the authority (ChallengeBoard).
//
// One at a time orders, of all Fairleads with the same folder: the one that has its lock. Before it
// orders it looks into the folder again, so that what another one has got is not ordered twice, nor
// after a restart. All answer for the one that orders, since a name may lead to any of them.

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
        let lock: IssuedFolderLock
        /// Tells it from others: answers to those are for nobody.
        let number: Int
    }

    private let settings: ACMESettings
    private let folder: IssuedFolder
    private let certificates: IssuedCertificates
    private let board: ChallengeBoard
    private let wishes: RenewalWishes
    private let connection: AuthorityConnection
    private let log: () -> Log
    private var hosts: [String: Host] = [:]
    private var job: Job?
    private var jobs = 0
    private var isRunning = false
    /// Why the folder can't be used; nil while it can.
    private var folderProblem: String?
    private var looking: Timer?
    private var waiting: Timer?
    /// What orders came to: `issued`, or the code of a problem.
    private(set) var outcomes: [String: Int] = [:]

    /// How often the folder is looked at: others may order, and all have to answer.
    private static let pace = Duration.seconds(1)
    /// How long it takes until every Fairlead answers for a challenge: a round of its look, and as
    /// long again for a folder of a network.
    private static let settleTime = Duration.seconds(2)

    /// Gets nothing yet; `sources` finds the authority.
    init(
        _ configuration: Configuration, _ store: CertificateStore, _ workers: ProxyWorkers,
        _ sources: SourceFactory, on loop: EventLoop, log: @escaping () -> Log
    ) {
        settings = configuration.acme
        folder = IssuedFolder(path: settings.store ?? "")
        certificates = IssuedCertificates(folder, store)
        board = ChallengeBoard(configuration, settings.store == nil ? nil : folder, workers)
        connection = AuthorityConnection(
            HTTPClient(on: loop), sources.systemHosts, trusting: settings.caFile)
        wishes = RenewalWishes(connection, at: settings.directory)
        self.log = log
        looking = Timer(on: loop) { [unowned self] in look() }
        waiting = Timer(on: loop) { [unowned self] in advance() }
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
        endJob()
        looking?.cancel()
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
            plan: RenewalPlan(fraction: .random(in: 0...1), after: folder.failures(of: host)))
    }

    // MARK: - Looking

    private func look() {
        guard !hosts.isEmpty else { return }
        looking?.schedule(after: Self.pace)
        guard isFolderReady() else { return }
        takeUpNews()
        certificates.keepUnwritten()
        guard job == nil else { return }
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

    private func isFolderReady() -> Bool {
        let before = folderProblem
        folderProblem = folder.prepare()
        guard folderProblem != before else { return folderProblem == nil }
        if let folderProblem {
            logUnusable(folderProblem, "no certificate is ordered")
        }
        hosts.keys.forEach(show)
        return folderProblem == nil
    }

    private func logUnusable(_ cause: String, _ effect: String) {
        log().write(
            .error, "acme.store_unusable",
            ["cause": cause, "effect": "\(effect); make the folder writable for Fairlead"])
    }

    /// Takes up what another process has written.
    private func takeUpNews() {
        guard certificates.hasNews() else { return }
        board.follow()
        for host in hosts.keys { hosts[host]?.plan.earlier = folder.failures(of: host) }
        for host in hosts.keys.sorted() where certificates.read(host) {
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
            if let folderProblem {
                CertificateTrouble(place: "acme.store", reason: folderProblem)
            } else {
                hosts[host]?.problem.map { CertificateTrouble(place: host, reason: "\($0)") }
            }
        certificates.show(host, trouble: trouble)
    }

    // MARK: - Ordering

    private func begin(_ host: String) {
        guard let lock = folder.lock() else { return }
        // Another one may have got it while this one waited.
        guard !certificates.read(host) else { return renewed(host) }
        hosts[host]?.plan.earlier = folder.failures(of: host)
        guard orderTime(of: host, Self.now) <= Self.now else { return }
        // What is there is of one that was killed.
        _ = board.show([])
        guard let account = account() else { return }
        let failures = hosts[host]?.plan.failures ?? 0
        // After a failure the other way is tried first.
        let turn = failures % settings.methods.count
        let order = ACMEOrder(
            for: [host], at: settings.directory, ACMESession(account),
            methods: Array(settings.methods[turn...] + settings.methods[..<turn]),
            settleTime: Self.settleTime,
            replacing: certificates.life(of: host).flatMap(RenewalQuestion.identifier))
        jobs += 1
        job = Job(host: host, order: order, lock: lock, number: jobs)
        log().write(.info, "acme.ordering", ["host": host, "authority": settings.directory])
        advance()
    }

    /// The account in the folder, or a new one; nil when that can't be kept: an account whose key
    /// is lost can't be used again.
    private func account() -> ACMEAccount? {
        var known = folder.account(at: settings.directory)
        if known == nil {
            let key = SigningKey()
            if let failure = folder.write(account: key, url: nil, at: settings.directory) {
                logUnusable(failure, "no certificate is ordered")
                return nil
            }
            known = (key, nil)
        }
        return known.map {
            ACMEAccount(
                key: $0.key, url: $0.url, email: settings.email,
                external: settings.externalAccount)
        }
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
            endJob()
            install(product, for: host)
        case .failed(let problem):
            endJob()
            fail(host, problem)
        }
    }

    private func take(_ result: Result<ACMEAnswer, AuthorityConnection.Unanswered>) {
        guard let before = job?.order else { return }
        switch result {
        case .success(let answer): job?.order.receive(answer)
        case .failure(let unanswered): job?.order.fail(unanswered.reason)
        }
        guard let order = job?.order else { return }
        let account = order.session.account
        if account.url != before.session.account.url {
            _ = folder.write(account: account.key, url: account.url, at: settings.directory)
        }
        if order.challenges != before.challenges, let failure = board.show(order.challenges) {
            logUnusable(failure, "the authority can't be answered")
        }
        advance()
    }

    /// Gives up what is under way: its lock, and what is answered for it.
    private func endJob() {
        waiting?.cancel()
        guard job != nil else { return }
        _ = board.show([])
        job = nil
    }

    private func install(_ product: ACMEProduct, for host: String) {
        let failure = certificates.install(product, for: host)
        if let reason = failure.use { return fail(host, ACMEProblem(.unusable(reason))) }
        outcomes["issued", default: 0] += 1
        renewed(host)
        log().write(
            .info, "acme.certificate_issued",
            ["host": host, "renewal": due(host).map(Self.text) ?? "unknown"])
        if let reason = failure.keep {
            logUnusable(
                reason, "the certificate of \(host) is used, and a start would order it again")
        }
    }

    private func fail(_ host: String, _ problem: ACMEProblem) {
        let now = Self.now
        outcomes[problem.code, default: 0] += 1
        hosts[host]?.problem = problem
        hosts[host]?.plan.failed(
            at: now, retryAfter: problem.retryAfter, needsOperator: problem.needsOperator)
        if let failures = hosts[host]?.plan.earlier {
            folder.write(failures, "\(problem)", for: host)
        }
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
    }

    private static func text(_ seconds: Int) -> String {
        UTCTime(secondsSince1970: Double(seconds)).iso8601
    }
}
