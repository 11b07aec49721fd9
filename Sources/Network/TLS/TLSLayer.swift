// TLSLayer: TLS under a StreamChannel, by OpenSSL.
//
// OpenSSL is given what has come and appends what is to be sent (TLSTransport.swift); it never sees
// a socket. What it is not asked to read, since there is no room for the content or the handshake
// has just ended, the layer holds.

internal import COpenSSL
package import Events

/// One side of a TLS connection. Loop thread only.
@safe package final class TLSLayer: StreamLayer {
    private enum Phase {
        /// Client and server agree on keys.
        case handshaking
        /// Content crosses.
        case open
        /// The peer has said that it sends no more.
        case ended
        /// Nothing can be believed or sent any more.
        case failed
    }

    // OpenSSL's connection; never nil, freed in deinit.
    private let ssl: OpaquePointer
    private let transport: TLSTransport
    let context: TLSContext
    /// The context that the client's name has led to; nil for the one that it began with.
    private var chosen: TLSContext?
    /// What chooses the certificates; nil for a client, and after the handshake.
    private(set) var names: ServerNames?
    private let isServer: Bool
    /// What a client expects of its server; nil for a server.
    let server: TLSServerCheck?
    private var phase = Phase.handshaking
    /// Sealed bytes that OpenSSL has not read yet.
    private var held: [UInt8] = []
    /// Whether a call would have content or an end to give without more bytes.
    private var isPending = false
    /// Whether OpenSSL has content of a record for which there was no room.
    private var hasOpened = false
    private var hasNotified = false
    /// Whether anything has come from the peer.
    package private(set) var hasBegun = false
    /// Whether OpenSSL has been given anything. A client's first record waits until it is whole:
    /// where it is begun and left, OpenSSL would have 37 KB for it.
    private var hasRecord = false
    /// How many sealed bytes have come since there last was content, or the handshake ended.
    private var barren = 0
    /// What was agreed on; nil before the end of the handshake.
    package private(set) var outcome: TLSOutcome?
    /// Why it failed; nil unless it has.
    package private(set) var failure: TLSFailure?
    /// What OpenSSL says of the failure; nil where it says nothing, and for a server's side.
    private var failureText: String?
    /// The number of the peer's alert that ended the connection; nil for none.
    private var alert: Int32?
    /// The handshake has been refused for the name that the client asked for.
    var refusesName = false

    /// Changes of its keys that the peer has left.
    private var keyUpdates = KeyUpdateBudget()
    /// Whether the peer has changed its keys more often than it may.
    private var hasFlooded = false

    /// Sealed bytes without content that a peer may send: more than two records of the largest
    /// size.
    private static let barrenMax = 1 << 15

    /// A side of a connection that has just begun: that of a server with `names`, or of a client of
    /// `server`.
    private init(
        _ context: TLSContext, _ names: ServerNames?, _ server: TLSServerCheck?,
        _ transport: TLSTransport
    ) {
        guard let ssl = unsafe openssl().pointee.SSL_new(context.pointer) else {
            preconditionFailure("out of memory")
        }
        unsafe self.ssl = ssl
        self.context = context
        self.transport = transport
        self.names = names
        self.server = server
        isServer = names != nil
        super.init()
        unsafe transport.attach(to: ssl)
        // Unretained: the callbacks that read it run during calls of this object.
        unsafe _ = openssl().pointee.SSL_set_ex_data(
            ssl, 0, Unmanaged.passUnretained(self).toOpaque())
        if isServer {
            unsafe openssl().pointee.SSL_set_accept_state(ssl)
        } else {
            unsafe openssl().pointee.SSL_set_connect_state(ssl)
        }
        if let server { unsafe server.prepare(ssl, context) }
    }

    /// The server's side of a connection that a client has just made, which has sent `received`
    /// already.
    package convenience init(
        server names: ServerNames, _ transport: TLSTransport, received: [UInt8] = []
    ) {
        self.init(names.first, names, nil, transport)
        held = received
        isPending = !received.isEmpty
    }

    /// The client's side of a connection to the server called `name`; `begin` has the first bytes
    /// for it.
    ///
    /// - Parameters:
    ///   - client: on the same thread.
    ///   - protocols: what this connection offers in place of the client's protocols; nil: those.
    ///   - sessions: where a session that can be resumed is taken from, and the next one kept; nil:
    ///     none is resumed.
    package convenience init(
        client: TLSClient, for name: TLSPeerName, offering protocols: [ApplicationProtocol]? = nil,
        resuming sessions: TLSSessionSlot? = nil, _ transport: TLSTransport
    ) {
        let server = TLSServerCheck(
            name, verifies: client.options.trust != .anybody, sessions: sessions)
        self.init(client.context, nil, server, transport)
        guard let protocols, protocols != client.options.protocols else { return }
        let list = ApplicationProtocol.list(of: protocols)
        // It is copied; 0 says that it was.
        let isRefused = unsafe openssl().pointee.SSL_set_alpn_protos(
            ssl, list, UInt32(list.count))
        precondition(isRefused == 0, "out of memory")
    }

    deinit {
        if let server, isEstablished { unsafe server.keepsResumable(ssl) }
        unsafe openssl().pointee.SSL_free(ssl)
    }

    /// The layer of a connection, in a callback.
    static func of(_ ssl: OpaquePointer?) -> TLSLayer? {
        guard let data = unsafe openssl().pointee.SSL_get_ex_data(ssl, 0) else { return nil }
        // It is alive: it is what has called OpenSSL.
        return unsafe Unmanaged<TLSLayer>.fromOpaque(data).takeUnretainedValue()
    }

    // MARK: - The handshake

    /// Whether the handshake is over, and has succeeded.
    package override var isEstablished: Bool {
        switch phase {
        case .handshaking: false
        case .open, .ended: true
        case .failed: false
        }
    }

    /// Whether the peer has broken the rules of TLS; `failure` says which.
    package override var hasFailed: Bool { phase == .failed }

    /// What client and server have agreed on, once the handshake is over.
    private func agreed() -> TLSOutcome {
        let cipher = unsafe openssl().pointee.SSL_get_current_cipher(ssl)
        return unsafe TLSOutcome(
            version: OpenSSL.text(openssl().pointee.SSL_get_version(ssl)) ?? "",
            cipher: OpenSSL.text(openssl().pointee.SSL_CIPHER_get_name(cipher)) ?? "",
            serverName: serverName, application: application,
            isResumed: openssl().pointee.SSL_session_reused(ssl) == 1,
            client: isServer && context.clients != nil ? client : nil)
    }

    /// The client by its certificate, shown in this handshake or in the one whose session goes on;
    /// nil for none.
    private var client: ClientIdentity? {
        guard let shown = unsafe openssl().pointee.SSL_get1_peer_certificate(ssl) else {
            return nil
        }
        // A reference of our own.
        defer { unsafe openssl().pointee.X509_free(shown) }
        // OpenSSL lets no other one through.
        guard unsafe openssl().pointee.SSL_get_verify_result(ssl) == Int(X509_V_OK) else {
            return nil
        }
        return unsafe ClientIdentity(shown)
    }

    /// The name that the client asks for, in lower case; nil for none.
    var serverName: String? {
        unsafe OpenSSL.text(openssl().pointee.SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name))?
            .lowercased()
    }

    /// The protocol that was agreed on (ALPN); nil for none.
    private var application: String? {
        var text: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        unsafe openssl().pointee.SSL_get0_alpn_selected(ssl, &text, &count)
        guard count > 0 else { return nil }
        // The connection's own, and copied at once.
        return unsafe String(
            decoding: UnsafeBufferPointer(start: text, count: Int(count)), as: UTF8.self)
    }

    /// The context whose certificates are shown.
    var shownContext: TLSContext { chosen ?? context }

    /// Goes on with another context: its certificates are shown.
    func use(_ other: TLSContext) {
        chosen = other
        unsafe _ = openssl().pointee.SSL_set_SSL_CTX(ssl, other.pointer)
    }

    /// Appends a client's hello.
    package override func begin(into out: SendBuffer) {
        guard !isServer, phase == .handshaking else { return }
        _ = transport.use(Span(), out) { handshake() }
    }

    /// Goes on with the handshake.
    private func handshake() {
        openssl_clear_errors()
        let result = unsafe openssl().pointee.SSL_do_handshake(ssl)
        guard result == 1 else {
            settle(result)
            return
        }
        phase = .open
        names = nil
        outcome = agreed()
        unsafe Self.watchKeyUpdates(of: ssl)
        if let server { unsafe server.established(ssl, context) }
        // Something may have failed that did not matter.
        openssl_clear_errors()
    }

    /// Finds out why a call did not succeed.
    private func settle(_ result: Int32) {
        // Without a look at the queue of errors, on which a call for something else may have left
        // one: reading and writing don't empty it first.
        guard !transport.hasRefused else { return }
        switch unsafe openssl().pointee.SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ: break
        case SSL_ERROR_ZERO_RETURN: phase = .ended
        default:
            if !isServer { failureText = OpenSSL.errorText() }
            let reasons = OpenSSL.takeErrors()
            alert = reasons.first { $0 >= SSL_AD_REASON_OFFSET }.map { $0 - SSL_AD_REASON_OFFSET }
            fail(refusesName ? .name : TLSFailure(reasons: reasons))
        }
    }

    private func fail(_ failure: TLSFailure) {
        phase = .failed
        names = nil
        self.failure = failure
        held = []
        guard failure == .certificate, isServer else { return }
        let result = unsafe openssl().pointee.SSL_get_verify_result(ssl)
        self.failure = TLSFailure(verifying: Int32(truncatingIfNeeded: result))
    }

    /// Why the connection to a server did not come to be, or broke: nil if that is not TLS's doing.
    /// `ended` says how the stream below ended; nil: it did not.
    package func fault(_ ended: Errno? = nil) -> TLSFault? {
        guard let server else { return nil }
        guard let failure else {
            if isEstablished { return nil }
            return ended.map { .ended($0, name: server.name) }
        }
        if let problem = server.problem { return problem }
        return TLSFault(failure, name: server.name, alert: alert, failureText)
    }

    // MARK: - In

    /// Whether sealed or opened bytes are held, or an end that was not told yet.
    package override var hasPending: Bool { isPending }

    /// Opens records. The handshake's end and content never come by one call: content is for the
    /// object that has the stream then.
    package override func receive(
        _ bytes: Span<UInt8>, into content: ReceiveBuffer, reply: SendBuffer
    ) -> LayerOutcome {
        let count: Int
        if held.isEmpty {
            count = open(bytes, into: content, reply)
        } else {
            var all = held
            held = []
            all.append(contentsOf: bytes)
            count = open(all.span, into: content, reply)
        }
        if failure == .notTLS, !hasNotified {
            // OpenSSL says nothing then; the peer is told that this is TLS.
            hasNotified = true
            reply.append(Self.unexpectedMessage.span)
        }
        return outcome(count)
    }

    /// The alert `unexpected_message` (RFC 8446, section 6).
    private static let unexpectedMessage: [UInt8] = [21, 3, 1, 0, 2, 2, 10]

    /// Fails where a connection begins with HTTP in plain text, which is not even answered by an
    /// alert: TLS begins with a byte that is no letter (RFC 8446, section 5.1).
    private func lookAtBeginning(_ bytes: Span<UInt8>) {
        guard !hasBegun, bytes.count > 0 else { return }
        hasBegun = true
        guard isServer else { return }
        switch bytes[0] {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): fail(.plainHTTP)
        default: break
        }
    }

    /// Whether these are the beginning of a handshake's first record, and more of it has to come.
    private func isPartialRecord(_ bytes: Span<UInt8>) -> Bool {
        guard isServer, bytes.count > 0, bytes[0] == 22, bytes.count < 2 || bytes[1] == 3 else {
            return false
        }
        guard bytes.count >= 5 else { return true }
        let count = Int(bytes[3]) << 8 | Int(bytes[4])
        return count <= TLSTransport.recordMax && bytes.count < 5 + count
    }

    /// Gives OpenSSL `bytes`, and holds those that it leaves. Returns how much content came of it.
    private func open(_ bytes: Span<UInt8>, into content: ReceiveBuffer, _ reply: SendBuffer) -> Int
    {
        lookAtBeginning(bytes)
        guard phase == .handshaking || phase == .open else { return 0 }
        guard hasRecord || !isPartialRecord(bytes) else {
            held.append(contentsOf: bytes)
            return 0
        }
        hasRecord = true
        let wasHandshaking = phase == .handshaking
        let (count, taken) = transport.use(bytes, reply) { advance(into: content) }
        if phase == .handshaking || phase == .open, taken < bytes.count {
            held.append(contentsOf: bytes.extracting(taken..<bytes.count))
        }
        // OpenSSL limits the handshake itself.
        barren = count > 0 || wasHandshaking ? 0 : barren + taken
        if phase == .open, hasFlooded || barren > Self.barrenMax { fail(.flood) }
        return count
    }

    /// The peer has changed its keys.
    func keyUpdated() {
        guard !keyUpdates.take(at: .now) else { return }
        hasFlooded = true
        // What it has sent behind is not read.
        transport.stop()
    }

    private func advance(into content: ReceiveBuffer) -> Int {
        if phase == .handshaking {
            handshake()
            // Content is for the one who takes over.
            return 0
        }
        return content.fill { out in
            // OpenSSL writes to what is free, and says how much.
            unsafe out.withUnsafeMutableBufferPointer { room, count in
                unsafe fill(room, &count)
            }
        }
    }

    /// Opens records until there is no more or no room.
    private func fill(_ room: UnsafeMutableBufferPointer<UInt8>, _ count: inout Int) {
        guard let first = room.baseAddress else { return }
        hasOpened = false
        // The last look, which would only say that there is no more, costs a twentieth of it all.
        repeat {
            var read = 0
            let result = unsafe openssl().pointee.SSL_read_ex(
                ssl, first + count, room.count - count, &read)
            guard result == 1 else {
                settle(result)
                return
            }
            count += read
        } while count < room.count && !transport.isDrained
        // A call gives all of a record but where there is no room for it.
        hasOpened = unsafe count == room.count && openssl().pointee.SSL_pending(ssl) > 0
    }

    /// What to say of a call that gave `count` bytes of content.
    private func outcome(_ count: Int) -> LayerOutcome {
        guard count == 0 else {
            // The end is said at the next call, which has to come.
            isPending = phase != .open || !held.isEmpty || hasOpened
            return .content(count)
        }
        isPending = phase == .open && !held.isEmpty
        return switch phase {
        case .handshaking, .open: .needsMore
        case .ended: .ended
        case .failed: .failed
        }
    }

    // MARK: - Out

    /// Seals content.
    package override func send(_ first: Span<UInt8>, _ second: Span<UInt8>, into out: SendBuffer) {
        precondition(phase != .handshaking, "content is sent after the handshake")
        guard phase != .failed else { return }
        _ = transport.use(Span(), out) {
            guard !first.isEmpty, !second.isEmpty, first.count < TLSTransport.recordMax else {
                write(first)
                write(second)
                return
            }
            // Head and body together, as far as one record goes: each record costs work here and
            // there.
            let count = min(second.count, TLSTransport.recordMax - first.count)
            transport.join(first, second.extracting(0..<count)) { write($0) }
            write(second.extracting(count..<second.count))
        }
    }

    private func write(_ bytes: Span<UInt8>) {
        guard !bytes.isEmpty, phase != .failed else { return }
        var written = 0
        // OpenSSL reads the span during the call.
        let result = unsafe bytes.withUnsafeBufferPointer {
            unsafe openssl().pointee.SSL_write_ex(ssl, $0.baseAddress, $0.count, &written)
        }
        guard result != 1 else { return }
        // The transport takes everything: what fails is the connection, and reading tells.
        fail(TLSFailure(reasons: OpenSSL.takeErrors()))
        isPending = true
    }

    /// Appends `close_notify` (RFC 8446, section 6.1); nothing before the handshake is over.
    package override func closeNotify(into out: SendBuffer) {
        guard isEstablished, !hasNotified else { return }
        hasNotified = true
        _ = transport.use(Span(), out) {
            openssl_clear_errors()
            unsafe _ = openssl().pointee.SSL_shutdown(ssl)
            openssl_clear_errors()
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append(contentsOf bytes: Span<UInt8>) {
        // The pointer is used only inside the closure, while the span lives.
        unsafe bytes.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }
}
