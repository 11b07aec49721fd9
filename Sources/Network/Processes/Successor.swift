// Successor: upgrade in place. This process starts its own program again, which may be another
// version by now, gives it its listening sockets, and hears when the new one serves. Until then
// nothing has changed, so a new one that fails leaves everything as it was.

package import Events
internal import Glibc
internal import Wording

/// A process that is starting to take over from this one. Control thread only.
package final class Successor {
    /// How that ended.
    package enum Outcome: Equatable, Sendable {
        /// The successor serves. This process may stop accepting.
        case serves
        /// The successor does not serve, and has ended: why, as a clause for the operator.
        case failed(String)
    }

    /// Its number.
    package let process: Int32
    private let line: Line
    private var timer: Timer?
    private var completion: ((Outcome) -> Void)?

    /// Starts the program in the file `path` with these arguments and this environment, and gives
    /// it `sockets`, which stay open here, and `secrets`, which nothing but the memory of the two
    /// processes and of the kernel ever holds: at most `Predecessor.secretsBytesMax` bytes. Calls
    /// `completion` once: when it serves, ends, or has not served within `limit`, when it is
    /// killed.
    ///
    /// - Throws: `Errno` when the program can't be started.
    package init(
        path: String, arguments: [String], environment: [String: String],
        sockets: [Descriptor], secrets: [UInt8] = [], limit: Duration, on loop: EventLoop,
        completion: @escaping (Outcome) -> Void
    ) throws(Errno) {
        let (mine, theirs) = try Socket.pair()
        // Once it is started only the new process holds it, so that its end is heard of.
        defer { theirs.close() }
        precondition(secrets.count <= Predecessor.secretsBytesMax)
        // They wait in the socket until the new process reads; an older version never does.
        if !secrets.isEmpty { _ = mine.send(secrets.span) }
        var environment = environment
        // Of this process, and wrong for the other.
        environment["WATCHDOG_PID"] = nil
        let numbers = sockets.map { "\($0.number)" }.joined(separator: ",")
        environment[Predecessor.variable] = "\(theirs.number):\(numbers)"
        let program = Program(
            path: path, arguments: arguments,
            environment: environment.map { Array("\($0.key)=\($0.value)".utf8) },
            descriptors: sockets + [theirs])
        do throws(Errno) {
            process = try program.start()
        } catch {
            mine.close()
            throw error
        }
        line = Line(mine, on: loop)
        self.completion = completion
        line.onReport = { [unowned self] in handleReport($0) }
        timer = Timer(on: loop) { [unowned self] in
            _ = end()
            finish(.failed("did not serve within \(limit.spoken), and was killed"))
        }
        timer?.schedule(after: limit)
        line.startReading()
    }

    deinit {
        line.close()
    }

    /// Gives it up: it is killed, and `completion` is not called.
    package func abandon() {
        completion = nil
        _ = end()
        finish(.failed(""))
    }

    private func handleReport(_ isReady: Bool) {
        guard !isReady else {
            finish(.serves)
            return
        }
        // It has closed its end without a word: it has ended, or will never say anything.
        finish(.failed("\(end()) before it served; what it printed says why"))
    }

    /// Sees to it that it has ended. Returns how it did, as part of a sentence.
    private func end() -> String {
        _ = kill(process, SIGKILL)
        var status: Int32 = 0
        // The kernel writes one number; it may be somebody else who waits for children, as a
        // process with number 1 does.
        while unsafe waitpid(process, &status, 0) != process {
            guard errno == EINTR else { return "ended" }
        }
        // As WIFEXITED and its like have it.
        let signal = status & 0x7f
        return signal == 0
            ? "ended with status \(status >> 8 & 0xff)" : "was ended by signal \(signal)"
    }

    private func finish(_ outcome: Outcome) {
        timer?.cancel()
        line.close()
        let completion = completion
        self.completion = nil
        completion?(outcome)
    }

    /// What the other process says, or that it ends.
    private final class Line: Channel {
        var onReport: (Bool) -> Void = { _ in }
        private let buffer = ReceiveBuffer(capacity: 16)

        override func onReadable() {
            switch descriptor.receive(into: buffer) {
            case .bytes: onReport(true)
            case .endOfStream, .failed: onReport(false)
            case .wouldBlock: break
            }
        }
    }
}
