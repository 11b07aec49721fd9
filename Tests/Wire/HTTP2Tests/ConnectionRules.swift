// What a rule of the RFC is played as, and how what follows is judged.

internal import HTTP2
internal import Testing

/// One case: what the peer does, and what has to come of it.
struct Rule: Sendable, CustomTestStringConvertible {
    enum Outcome: Sendable {
        /// The connection goes on, and nothing is reset.
        case accepted
        /// GOAWAY with this code, and the end.
        case connectionError(HTTP2ErrorCode)
        /// RST_STREAM with this code, and the connection goes on.
        case streamError(UInt32, HTTP2ErrorCode)
    }

    let name: String
    let outcome: Outcome
    let play: @Sendable (Peer) -> Void

    init(_ name: String, _ outcome: Outcome, _ play: @escaping @Sendable (Peer) -> Void) {
        self.name = name
        self.outcome = outcome
        self.play = play
    }

    /// A case in which the peer sends these frames.
    init(_ name: String, _ outcome: Outcome, _ frames: Frame...) {
        self.init(name, outcome) { $0.receive(frames) }
    }

    var testDescription: String { name }

    /// Plays it, and has what comes of it be as it says.
    func check(_ peer: Peer) {
        play(peer)
        let failed = peer.connection.hasFailed
        let frames = peer.allFrames()
        let resets = frames.filter { $0.kind == .resetStream }
        let farewells = frames.filter { $0.kind == .goAway }
        switch outcome {
        case .accepted:
            #expect(!failed && resets.isEmpty && farewells.isEmpty, "\(frames)")
        case .connectionError(let code):
            #expect(failed)
            #expect(farewells.map { $0.number32(4) } == [code.rawValue], "\(frames)")
            #expect(peer.receive([.ping()]) == [] && peer.frames() == [])
            return
        case .streamError(let stream, let code):
            #expect(!failed && farewells.isEmpty, "\(frames)")
            #expect(resets == [.reset(stream, code)], "\(frames)")
        }
        // The connection is as good as before.
        peer.receive([.ping(99)])
        #expect(peer.frames().last == .ping(99, acknowledges: true))
    }
}
