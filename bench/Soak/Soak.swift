// fairlead-soak: random transfers through a real Fairlead, by a script that is drawn from a seed.
// Every byte is compared, every cut has to be noticed, and each needs a reason in the script.

internal import ArgumentParser
internal import BenchSupport
internal import Events
internal import Glibc
internal import Locking

@main
struct Soak: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fairlead-soak",
        abstract: "Sends random transfers through Fairlead and judges each.",
        discussion: """
            A finding says its number, CONNECTION.TRANSFER: --seed with --connection CONNECTION \
            plays that one again. Exit status 1 says that there were findings.
            """)

    @Option(help: "Transfers, for each number of workers.")
    var transfers = 20_000
    @Option(help: "Comma-separated numbers of workers.")
    var workers = "1,2"
    @Option(help: "What everything is drawn from; by default, the time.")
    var seed = monotonic() & 0xffff_ffff
    @Option(help: "Client connections at a time.")
    var together = 256
    @Option(help: "Only the client connection of this number, --transfers times.")
    var connection: Int?
    @Option(help: "The program; by default, the one beside this.")
    var program: String?
    @Option(help: "MiB that may be resident at most.")
    var memoryMax = 128

    func run() throws {
        // A write to a connection that broke is a value here.
        signal(SIGPIPE, SIG_IGN)
        let program = try self.program ?? builtProgram("fairlead")
        say("seed \(seed)")
        var isGood = true
        for count in names(workers).compactMap({ Int($0) }) {
            isGood = try soak(program, workers: count) && isGood
        }
        if !isGood { throw ExitCode(1) }
    }

    private func soak(_ program: String, workers: Int) throws -> Bool {
        let ledger = Ledger()
        let backend = Backend(seed: seed, ledger: ledger, repeats: connection != nil)
        let (web, raw) = (try Listener(), try Listener())
        try backend.serve(web) { $0.answer($1) }
        try backend.serve(raw) { $0.relay($1) }
        let proxy = try Proxy(program, workers: workers, web: web.port, raw: raw.port)
        defer { proxy.stop() }
        let before = try proxy.figures()
        let (resident, start) = (proxy.mebibytes("VmRSS"), monotonic())
        try play(proxy, ledger, workers)
        let seconds = Double(monotonic() - start) / 1e9
        if let death = proxy.death { throw BenchError("Fairlead ended: \(death)") }
        let counts = ledger.current
        var problems = try compare(counts, proxy.stats())
        if !settles(proxy, before) {
            problems.append("before \(before), after \(try proxy.figures())")
        }
        let most = proxy.mebibytes("VmHWM")
        if most > memoryMax { problems.append("\(most) MiB resident, at most \(memoryMax)") }
        for problem in problems { say("FINDING \(problem)") }
        let rate = decimals(Double(counts.ended) / seconds, 0)
        print(
            """
            \(workers) workers, seed \(seed): \(counts.ended) transfers, \(rate) a second, \
            \(counts.bytes >> 20) MiB compared: \(counts.whole) whole, \
            \(counts.tunnels + counts.streams) tunnels and streams, \(counts.noticed) cut by the \
            backend and noticed, \(counts.answered) answered 502 for that, \(counts.left) left by \
            the client; \(counts.findings + problems.count) findings. Before and after: \(before). \
            Resident \(resident) MiB before, \(proxy.mebibytes("VmRSS")) after, \(most) at most.
            """)
        return counts.findings + problems.count == 0
    }

    /// Plays until there are enough transfers.
    private func play(_ proxy: Proxy, _ ledger: Ledger, _ workers: Int) throws {
        let next = Locked(0)
        let (httpPort, tcpPort) = (proxy.httpPort, proxy.tcpPort)
        let (seed, only, transfers) = (self.seed, connection, self.transfers)
        let threads = try (0..<together).map { _ in
            try LoopThread(name: "client") {
                while ledger.current.ended < transfers {
                    let number =
                        only
                        ?? next.withLock { number in
                            number += 1
                            return number
                        }
                    let conversation = Conversation(seed: seed, number: number)
                    let port = conversation.kind == .stream ? tcpPort : httpPort
                    let small: Int32? = number % 8 == 0 ? 4_096 : nil
                    guard let connection = Connection(port: port, receiveBuffer: small) else {
                        say("FINDING \(number): no connection")
                        ledger.count {
                            $0.findings += 1; $0.ended += 1
                        }
                        continue
                    }
                    ledger.count { $0.connections += 1 }
                    Client(conversation, connection, ledger).play()
                }
            }
        }
        var last = 0
        while ledger.current.ended < transfers, proxy.death == nil {
            for _ in 0..<50 where ledger.current.ended < transfers { usleep(100_000) }
            let counts = ledger.current
            say(
                "\(workers) workers: \(counts.ended) of \(transfers), \((counts.ended - last) / 5) "
                    + "a second, \(counts.findings) findings, \(proxy.mebibytes("VmRSS")) MiB")
            last = counts.ended
        }
        for thread in threads { thread.join() }
    }

    /// What `/stats` counts otherwise than the clients did.
    private func compare(_ counts: Ledger.Counts, _ stats: Proxy.Stats) -> [String] {
        var problems: [String] = []
        let accepted = stats.listeners.map(\.connections).reduce(0, +)
        if accepted != counts.connections {
            problems.append("/stats: \(accepted) connections, clients made \(counts.connections)")
        }
        for service in stats.services {
            // Whether a request that its client broke off was still read is nobody's to tell.
            let range =
                service.name == "raw"
                ? counts.streams...counts.streams
                : counts.whole + counts.answered + counts.noticed - counts.streams...counts.begun
            if !range.contains(service.requests) {
                problems.append(
                    "/stats: \(service.requests) requests of \(service.name), not \(range)")
            }
            if service.name == "web", service.upgrades < counts.tunnels {
                problems.append(
                    "/stats: \(service.upgrades) upgrades, clients had \(counts.tunnels)")
            }
        }
        return problems
    }

    /// Whether the proxy is as `before`, in the end: what a peer does not read is kept for it as
    /// long as `timeouts.body-idle` says, which is 60 s.
    private func settles(_ proxy: Proxy, _ before: Proxy.Figures) -> Bool {
        for _ in 0..<300 {
            if let now = try? proxy.figures(), now == before { return true }
            usleep(250_000)
        }
        return false
    }
}
