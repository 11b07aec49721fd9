// `fairlead top`: the admin page's view in a terminal, from /stats, once a second.

import ArgumentParser
import CLinux
import Control
import Documents
import Endpoints
import Events
import Glibc
import HTTPClient

struct TopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Watch a running Fairlead in a terminal.",
        discussion: """
            Asks the admin port for /stats once a second: what is wrong first, then each service \
            with its backends. With --once, or when standard output is no terminal, it prints one \
            picture and ends: with 0 when all services are well, with 1 when not.
            """)

    @OptionGroup var access: AdminAccessFlags
    @Flag(help: "Print one picture and end.")
    var once = false

    func run() throws {
        let watch = TopWatch(
            try access.addresses(), token: try access.token(), tls: try access.security(),
            isLive: !once && isatty(STDOUT_FILENO) == 1)
        try watch.run()
    }
}

/// Asks and draws. One thread, which is its loop's.
private final class TopWatch {
    private var addresses: AddressesInTurn
    private let token: String?
    private let tls: HTTPClient.Security?
    private let isLive: Bool
    private let loop = EventLoop()
    private let client: HTTPClient
    private var timer: Timer?
    private var last: TopStats?
    private var failure: String?

    init(
        _ addresses: AddressesInTurn, token: String?, tls: HTTPClient.Security?, isLive: Bool
    ) {
        self.addresses = addresses
        self.token = token
        self.tls = tls
        self.isLive = isLive
        client = HTTPClient(on: loop)
    }

    func run() throws {
        timer = Timer(on: loop) { [unowned self] in ask() }
        ask()
        loop.run()
        if let failure {
            printError("fairlead: \(addresses.current): \(failure)")
            throw ExitCode(1)
        }
        if last?.level != "good" { throw ExitCode(1) }
    }

    private func ask() {
        var request = HTTPClient.Request(
            "/stats", from: addresses.current, deadline: .seconds(10), responseBody: .upTo(64 << 20)
        )
        request.tls = tls
        if let token { request.fields = [(name: "Authorization", value: "Bearer \(token)")] }
        client.send(request) { [unowned self] in handle($0) }
    }

    private func handle(_ outcome: HTTPClient.Outcome) {
        switch outcome {
        case .response: addresses.answered()
        case .failed(let failure): if addresses.failed(failure) { return ask() }
        }
        switch outcome {
        case .response(let response) where response.status == 200:
            guard let stats = TopStats(response.body) else {
                return fail("that is no Fairlead of this version")
            }
            failure = nil
            let view = TopView(stats, after: last)
            last = stats
            draw(view)
        case .response(let response) where response.status == 401:
            fail("it needs a token: --token-file or FAIRLEAD_ADMIN_TOKEN")
        case .response(let response): fail("status \(response.status)")
        case .failed(let failure): fail("no answer: \(failure)")
        }
        if isLive { timer?.schedule(after: .seconds(1)) } else { loop.stop() }
    }

    private func fail(_ why: String) {
        failure = why
        if isLive {
            put("\u{1B}[H\u{1B}[2J\(addresses.current): \(why)\n")
        } else {
            loop.stop()
        }
    }

    private func draw(_ view: TopView) {
        guard isLive else { return put(view.lines(columns: 200).map { "\($0)\n" }.joined()) }
        var size = winsize()
        // The kernel fills the record, or leaves zeros.
        unsafe _ = ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size)
        let columns = size.ws_col > 0 ? Int(size.ws_col) : 80
        let rows = size.ws_row > 1 ? Int(size.ws_row) : 24
        // Each line is drawn over the old one and its rest erased: nothing flickers.
        let lines = view.lines(columns: columns, rows: rows - 1)
        put("\u{1B}[H" + lines.map { "\($0)\u{1B}[K\n" }.joined() + "\u{1B}[J")
    }

    private func put(_ text: String) {
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes[sent...].withUnsafeBytes {
                unsafe write(STDOUT_FILENO, $0.baseAddress, $0.count)
            }
            guard count > 0 else { return }
            sent += count
        }
    }
}
