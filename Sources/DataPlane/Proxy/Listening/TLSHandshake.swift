// TLSHandshake: a client's connection until TLS is agreed on. It becomes a session or relay, or
// ends with its reason counted.

internal import Backends
internal import Endpoints
internal import Events
internal import HTTP1
internal import Stats
internal import TLS
internal import Traffic

/// A connection on which TLS is being agreed on. Worker thread only.
final class TLSHandshake: ArrivingConnection {
    private let address: IPAddress
    /// Where its relay goes; nil is the service of what no route is for.
    private let pool: BackendPool?
    private let tlsLayer: TLSLayer
    /// Whether something has come, and its turn has not (HandshakeTurns.swift).
    private var isWaiting = false
    /// Whether all that the client wants is to see a certificate (RFC 8737).
    var isForChallenge = false

    /// A handshake by `layer` with the client at `address`; `startReading` and what the client
    /// sends carry it on.
    init(
        _ descriptor: Descriptor, _ layer: TLSLayer, from address: IPAddress,
        to pool: BackendPool?, worker: Worker, listener: WorkerListener
    ) {
        self.address = address
        self.pool = pool
        tlsLayer = layer
        super.init(Handoff(descriptor, layer: layer), worker: worker, listener: listener)
    }

    override func onReadable() {
        guard worker.handshakeTurns.mayStep(self) else {
            isWaiting = true
            stopReading()
            listener.counters.add(.delayedHandshakes)
            return
        }
        step()
    }

    /// Goes on with what has come.
    func step() {
        isWaiting = false
        startReading()
        switch worker.receive(from: self) {
        case .wouldBlock where tlsLayer.isEstablished: established()
        case .wouldBlock: break
        case .bytes: preconditionFailure("a layer gives no content with the end of its handshake")
        case .endOfStream: end(.brokenOffHandshakes)
        case .failed:
            if let failure = tlsLayer.failure {
                failed(failure)
            } else {
                end(.brokenOffHandshakes)
            }
        }
    }

    private func established() {
        let isResumed = tlsLayer.outcome?.isResumed == true
        listener.counters.add(isResumed ? .resumedHandshakes : .fullHandshakes)
        if let cipher = tlsLayer.outcome.flatMap({ ListenerCounter(cipher: $0.cipher) }) {
            listener.counters.add(cipher)
        }
        guard !isForChallenge else { return depart(self) }
        listener.serve(handOff(), from: address, to: pool, on: worker, after: self)
    }

    /// Ends the connection at once.
    private func end(_ counter: ListenerCounter) {
        listener.counters.add(counter)
        close()
    }

    // MARK: - Failures

    /// The client has broken the rules, and has been told so by an alert. That gets to it only if
    /// what it still sends is read.
    private func failed(_ failure: TLSFailure) {
        listener.counters.add(ListenerCounter(failure))
        if failure == .plainHTTP, listener.options.mode == .http {
            answerInPlain()
        } else {
            depart(self)
        }
    }

    /// Tells a client that has sent HTTP without TLS what is spoken here.
    private func answerInPlain() {
        // Nothing was sealed yet: the connection goes on without its layer.
        let plain = StreamChannel(Handoff(handOff().descriptor), on: loop)
        let writer = ResponseWriter(
            status: 400, to: ClientCapabilities(version: .http11, keepsAlive: false))
        var answer: [UInt8] = []
        writer.write(
            body: Array("This port speaks HTTPS: write https:// in place of http://.\n".utf8).span,
            into: &answer)
        switch plain.write(answer) {
        case .sent, .kept, .failed: depart(plain)
        }
    }

    private func depart(_ channel: StreamChannel) {
        ClosingEnd.end(self, channel, .end, stall: listener.handshakeTimeout, on: worker)
    }

    override func onBroken() { end(.brokenOffHandshakes) }

    override var isSilent: Bool { !isWaiting && !tlsLayer.hasBegun }

    override func late() { end(.handshakeTimeouts) }
}

extension StreamChannel {
    /// What client and server have agreed on for TLS; nil where that is not spoken, and before.
    var tls: TLSOutcome? { (layer as? TLSLayer)?.outcome }
}

extension WorkerListener {
    /// Counts it if the connection of a client has failed since the client sent too much that was
    /// no content.
    func countFlood(_ client: StreamChannel) {
        if (client.layer as? TLSLayer)?.failure == .flood { counters.add(.tlsFloods) }
    }
}

extension Handoff {
    /// What client and server have agreed on for TLS; nil where that is not spoken, and before.
    var tls: TLSOutcome? { (layer as? TLSLayer)?.outcome }
}

extension ListenerCounter {
    /// What a failure is counted as.
    fileprivate init(_ failure: TLSFailure) {
        self =
            switch failure {
            case .plainHTTP: .plainHTTP
            case .notTLS: .notTLS
            case .version: .noSharedVersion
            case .cipher, .application: .noSharedCipher
            case .name: .unknownName
            case .refused: .refusedByClient
            case .noCertificate: .noClientCertificate
            case .expiredCertificate: .expiredClientCertificate
            case .revokedCertificate: .revokedClientCertificate
            case .unknownRevocation: .unknownRevocation
            case .certificate: .untrustedClientCertificate
            case .malformed, .flood: .malformedTLS
            }
    }
}
