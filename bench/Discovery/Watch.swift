// The sources of the discovery bench, and what is seen of them second by second.

import Backends
import DNSClient
import DNSWire
import Endpoints
import Events
import Glibc
import InstanceSources
import Lookups

/// Follows the names and prints a line each second.
final class Watch {
    private let loop: EventLoop
    private let resolver: Resolver
    /// Asks the server for its counts, beside the one that is measured.
    private let observer: Resolver
    private var sources: [SRVSource] = []
    /// When each name was last answered.
    private var answeredAt: [ContinuousClock.Instant?]
    private var failures = 0
    private var lastCounts = (udp: 0, tcp: 0)
    private var lastCPU = 0.0
    private var perSecond: [Int] = []
    private var residentMax = 0.0
    private var isServing = false

    init(names: Int, _ options: ResolverOptions, on loop: EventLoop) throws {
        self.loop = loop
        resolver = Resolver(options, on: loop)
        var own = options
        own.mixesCase = false
        observer = Resolver(own, on: loop)
        answeredAt = Array(repeating: nil, count: names)
        sources = try (0..<names).map { index in
            SRVSource(
                try DomainName("_web._tcp.service-\(index).bench.test"), resolver: resolver,
                options: LookupOptions(), on: loop)
        }
    }

    /// Turns the loop until the server answers.
    func waitForServer() {
        let timer = Timer(on: loop) {}
        while !isServing {
            ask("counts") { [unowned self] in isServing = isServing || $0 != nil }
            timer.schedule(after: .milliseconds(100))
            while timer.isScheduled { loop.runOnce(waiting: true) }
        }
    }

    private func ask(_ order: String, _ completion: @escaping ((udp: Int, tcp: Int)?) -> Void) {
        guard let name = try? DomainName("\(order).control") else { return }
        observer.ask(name, .txt) { answer in
            guard case .records(let message) = answer.outcome,
                case .txt(let texts)? = message.answers.first?.data, texts.count == 2
            else { return completion(nil) }
            let numbers = texts.map { Int(String(decoding: $0, as: UTF8.self)) ?? 0 }
            completion((numbers[0], numbers[1]))
        }
    }

    /// Starts every source and watches for so many seconds.
    func run(before: Int, outage: Int, after: Int) {
        for (index, source) in sources.enumerated() {
            source.start { [unowned self] answer in
                if case .instances = answer { answeredAt[index] = .now } else { failures += 1 }
            }
        }
        print("second  queries   UDP   TCP  waiting  failed  MiB    CPU %")
        let start = ContinuousClock.now
        var freshAt: Int?
        for second in 1...(before + outage + after) {
            if second == before + 1, outage > 0 { ask("mute") { _ in } }
            if second == before + outage + 1, outage > 0 { ask("speak") { _ in } }
            wait(until: start + .seconds(second))
            let back = start + .seconds(before + outage)
            if second > before + outage, freshAt == nil,
                answeredAt.allSatisfy({ $0.map { $0 >= back } ?? false })
            {
                freshAt = second - before - outage
            }
            writeLine(second)
        }
        summarise(before: before, outage: outage, after: after, freshAt: freshAt)
        for source in sources { source.stop() }
        resolver.close()
        observer.close()
    }

    private func wait(until end: ContinuousClock.Instant) {
        let timer = Timer(on: loop) {}
        timer.schedule(after: end - .now)
        while timer.isScheduled { loop.runOnce(waiting: true) }
        var counts: (udp: Int, tcp: Int)?
        var isTold = false
        ask("counts") {
            counts = $0
            isTold = true
        }
        while !isTold { loop.runOnce(waiting: true) }
        guard let counts else { return }
        udp = counts.udp - lastCounts.udp
        tcp = counts.tcp - lastCounts.tcp
        lastCounts = counts
    }

    private var udp = 0
    private var tcp = 0

    private func writeLine(_ second: Int) {
        let (resident, cpu) = (Self.residentMiB, Self.cpuSeconds)
        perSecond.append(udp + tcp)
        residentMax = max(residentMax, resident)
        let bar = String(repeating: "#", count: (udp + tcp + 24) / 50)
        let figures = [
            right(second, 6), right(udp + tcp, 9), right(udp, 6), right(tcp, 6),
            right(resolver.waitingCount, 9), right(failures, 8), right(Int(resident), 5),
            right(Int((cpu - lastCPU) * 100), 9),
        ]
        failures = 0
        lastCPU = cpu
        print(figures.joined() + "  " + bar)
        fflush(nil)
    }

    private func right(_ number: Int, _ width: Int) -> String {
        let text = "\(number)"
        return String(repeating: " ", count: max(0, width - text.count)) + text
    }

    private func summarise(before: Int, outage: Int, after: Int, freshAt: Int?) {
        // The first pass over all names, at the limit, is the start and not the steady state.
        let first = min(before, 2 * answeredAt.count / max(1, resolver.queriesPerSecond))
        let steady = perSecond[first..<before]
        let away = perSecond[before..<(before + outage)]
        let back = perSecond[(before + outage)...]
        func line(_ name: String, _ part: ArraySlice<Int>) -> String {
            guard let most = part.max(), let least = part.min() else { return "\(name): none" }
            let mean = Double(part.reduce(0, +)) / Double(part.count)
            return "\(name): mean \(Int(mean.rounded())), least \(least), most \(most) a second"
        }
        print(line("steady", steady))
        print(line("away", away))
        print(line("back", back))
        let fresh = freshAt.map { "\($0) s after the server came back" } ?? "not within the run"
        print("all names fresh: \(fresh)")
        print("resident at most \(Int(residentMax)) MiB, CPU \(Int(Self.cpuSeconds)) s in all")
    }

    private static var residentMiB: Double {
        var text = [CChar](repeating: 0, count: 256)
        let descriptor = unsafe open("/proc/self/statm", O_RDONLY)
        defer { close(descriptor) }
        // At most `count - 1` bytes are written, so that the text stays terminated.
        guard unsafe read(descriptor, &text, text.count - 1) > 0 else { return 0 }
        let words = String(
            decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self
        )
        .split(separator: " ")
        guard words.count > 1, let pages = Double(words[1]) else { return 0 }
        return pages * Double(sysconf(Int32(_SC_PAGESIZE))) / 1_048_576
    }

    private static var cpuSeconds: Double {
        var time = timespec()
        // The kernel fills the record.
        unsafe _ = clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
