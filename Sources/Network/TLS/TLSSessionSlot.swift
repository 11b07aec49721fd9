// TLSSessionSlot: the session that a client can resume with one server.

internal import COpenSSL

/// Room for the newest session with one server. The owner of the connections to a server has one
/// and lends it to each of them; sessions of another `TLSClient` are not used, since that may trust
/// others. One thread at a time.
@safe package final class TLSSessionSlot {
    // OpenSSL's session, of which a reference is counted here, and the context it began with.
    private var session: OpaquePointer?
    private var context: TLSContext?

    /// A slot without a session.
    package init() {}

    deinit { drop() }

    /// Whether there is a session to resume.
    package var isEmpty: Bool { unsafe session == nil }

    /// Takes over a reference to `session`, which began in `context`, in place of an older one.
    func keep(_ session: OpaquePointer, of context: TLSContext) {
        drop()
        unsafe self.session = session
        self.context = context
    }

    /// Has `ssl`, which is of `context` and has not begun, resume the session. It is used up: a
    /// ticket is for one connection (RFC 8446, appendix C.4), and the next one comes with that.
    func resume(with ssl: OpaquePointer, of context: TLSContext) {
        guard let session = unsafe session else { return }
        if self.context === context, unsafe openssl().pointee.SSL_SESSION_is_resumable(session) == 1
        {
            // It counts a reference of its own.
            unsafe _ = openssl().pointee.SSL_set_session(ssl, session)
        }
        drop()
    }

    private func drop() {
        unsafe openssl().pointee.SSL_SESSION_free(session)
        unsafe session = nil
        context = nil
    }
}
