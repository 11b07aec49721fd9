// SecureChannel: the load's side of TLS, over a socket of its own.

internal import BenchSupport
internal import CSecureLoad

/// What all TLS connections of the load share. Any thread: nothing of it changes once it is made.
@safe final class SecureClient: Sendable {
    /// The one of the process.
    static let shared = SecureClient()

    // Never nil, never freed.
    fileprivate nonisolated(unsafe) let context: OpaquePointer

    private init() {
        guard let context = unsafe secure_load_context() else {
            preconditionFailure("OpenSSL has no TLS 1.3")
        }
        unsafe self.context = context
    }
}

/// A session that a later connection may resume. One task at a time.
@safe final class SecureSession {
    // Never nil, freed in deinit.
    fileprivate let pointer: OpaquePointer

    fileprivate init(_ pointer: OpaquePointer) { unsafe self.pointer = pointer }

    deinit { unsafe SSL_SESSION_free(pointer) }
}

/// TLS on a connected socket, which stays the caller's. One task at a time.
@safe final class SecureChannel: Sendable {
    /// How a step ended.
    enum Step: Equatable {
        /// With so many bytes, or the handshake's end (0).
        case done(Int)
        /// The socket has to be readable first.
        case needsInput
        /// The peer sends no more.
        case ended
        /// The connection is broken.
        case failed
    }

    // Never nil, freed in deinit.
    private nonisolated(unsafe) let ssl: OpaquePointer

    /// The client's side, which asks for `name` and resumes `session`; nil asks for none, and
    /// begins one. It offers HTTP/2 if it `speaksHTTP2`, and else nothing.
    init(
        _ descriptor: Int32, for name: String? = nil, resuming session: SecureSession? = nil,
        speaksHTTP2: Bool = false
    ) {
        guard let ssl = unsafe SSL_new(SecureClient.shared.context) else {
            preconditionFailure("out of memory")
        }
        unsafe self.ssl = ssl
        unsafe _ = SSL_set_fd(ssl, descriptor)
        if let name { unsafe _ = secure_load_set_name(ssl, name) }
        if speaksHTTP2 {
            let offer: [UInt8] = [2] + Array("h2".utf8)
            // Copied (SSL_set_alpn_protos(3)).
            unsafe _ = SSL_set_alpn_protos(ssl, offer, UInt32(offer.count))
        }
        if let session { unsafe _ = SSL_set_session(ssl, session.pointer) }
    }

    deinit {
        // Freed without this, its session could not be resumed.
        unsafe SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN)
        unsafe SSL_free(ssl)
    }

    /// A client's hello, as it is sent.
    static func hello() -> [UInt8] {
        guard let ssl = unsafe SSL_new(SecureClient.shared.context),
            let sink = unsafe BIO_new(BIO_s_mem()), let source = unsafe BIO_new(BIO_s_mem())
        else { preconditionFailure("out of memory") }
        // It takes over both.
        unsafe SSL_set_bio(ssl, source, sink)
        unsafe _ = SSL_connect(ssl)
        var bytes = [UInt8](repeating: 0, count: 16_384)
        // OpenSSL writes at most `count` bytes into the array, which lives across the call.
        let count = unsafe BIO_read(sink, &bytes, Int32(bytes.count))
        unsafe SSL_free(ssl)
        return Array(bytes[..<max(0, Int(count))])
    }

    /// Goes on with the handshake.
    func connect() -> Step {
        ERR_clear_error()
        let result = unsafe SSL_connect(ssl)
        return result == 1 ? .done(0) : failure(result)
    }

    /// Sends all of a small request.
    func send(_ bytes: [UInt8]) -> Step {
        ERR_clear_error()
        // OpenSSL reads `count` bytes of the array, which lives across the call.
        let result = unsafe SSL_write(ssl, bytes, Int32(bytes.count))
        return result == bytes.count ? .done(bytes.count) : failure(result)
    }

    /// Receives a record into `chunk`, which has room for one.
    func receive(into chunk: inout [UInt8]) -> Step {
        ERR_clear_error()
        // OpenSSL writes at most `count` bytes into the array, which lives across the call.
        let result = unsafe SSL_read(ssl, &chunk, Int32(chunk.count))
        return result > 0 ? .done(Int(result)) : failure(result)
    }

    private func failure(_ result: Int32) -> Step {
        switch unsafe SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ: .needsInput
        case SSL_ERROR_ZERO_RETURN: .ended
        default: .failed
        }
    }

    /// Whether the handshake resumed a session.
    var isResumed: Bool { unsafe SSL_session_reused(ssl) == 1 }

    /// The newest session that the server has given a ticket for; nil for none.
    var session: SecureSession? {
        guard let session = unsafe SSL_get1_session(ssl) else { return nil }
        let made = unsafe SecureSession(session)
        return unsafe SSL_SESSION_is_resumable(session) == 1 ? made : nil
    }
}
