// TCPProbe: connects, and closes at once.
//
// An orderly close (FIN), not a reset: a server that finds a reset connection in its queue may log
// an error for each check, while one that was opened and closed is an idle client like any other.

internal import Backends
internal import Endpoints
internal import Events

/// One attempt to connect. Loop thread only; lives until it has ended, kept or not.
final class TCPProbe {
    private let endpoint: Endpoint
    /// Nil once the probe has ended.
    private var completion: ((ProbeResult) -> Void)?
    private var connection: Connection?
    /// The time-out, or a failure that is still to be told. Its action holds the probe until
    /// `cancel()`.
    private var timer: Timer?
    private var resultInTime = ProbeResult.failed(.timeout)

    /// Connects to `endpoint` and calls `completion` on the loop's thread exactly once, unless the
    /// probe is cancelled before; never while this initialiser runs.
    init(
        _ endpoint: Endpoint, timeout: Duration, on loop: EventLoop,
        completion: @escaping (ProbeResult) -> Void
    ) {
        self.endpoint = endpoint
        self.completion = completion
        let timer = Timer(on: loop) { self.end(self.resultInTime) }
        self.timer = timer
        do throws(Errno) {
            let connection = Connection(try Socket.connectStream(to: endpoint), on: loop, of: self)
            self.connection = connection
            connection.awaitWrite()
            timer.schedule(after: timeout)
        } catch {
            resultInTime = ProbeResult(error)
            timer.schedule(after: .zero)
        }
    }

    /// Ends the probe without a completion; harmless when it has ended.
    func cancel() {
        completion = nil
        connection?.close()
        connection = nil
        timer?.cancel()
        timer = nil
    }

    private func connectEnded(_ descriptor: Descriptor) {
        if let error = descriptor.connectError() { return end(ProbeResult(error)) }
        // On loopback the kernel may give the very port that nobody listens on any more as our own,
        // and TCP then connects the socket to itself (simultaneous open, RFC 9293 section 3.5).
        end(descriptor.localEndpoint == endpoint ? .failed(.refused) : .passed)
    }

    private func end(_ result: ProbeResult) {
        let completion = completion
        cancel()
        completion?(result)
    }

    private final class Connection: Channel {
        private let probe: TCPProbe

        init(_ descriptor: Descriptor, on loop: EventLoop, of probe: TCPProbe) {
            self.probe = probe
            super.init(descriptor, on: loop)
        }

        override func onWritable() { probe.connectEnded(descriptor) }
    }
}
