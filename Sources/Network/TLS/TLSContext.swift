// TLSContext: what all connections of one thread with the same certificates share: OpenSSL's
// SSL_CTX. One for each worker: OpenSSL counts references to it, and two threads that count one
// number wait for each other.

internal import COpenSSL

/// The oldest version of TLS that is spoken. Value type, any thread.
package enum TLSVersion: String, CaseIterable, Sendable {
    /// RFC 5246.
    case tls12 = "1.2"
    /// RFC 8446.
    case tls13 = "1.3"

    fileprivate var number: Int32 {
        switch self {
        case .tls12: TLS1_2_VERSION
        case .tls13: TLS1_3_VERSION
        }
    }
}

/// What connections with the same certificates share. One thread at a time.
@safe package final class TLSContext {
    // OpenSSL's own; never nil, freed in deinit.
    let pointer: OpaquePointer
    /// What seals tickets; nil for clients.
    let tickets: TicketKeys?
    /// What verifies clients' certificates; nil where none is asked for.
    private(set) var clients: ClientTrust?
    /// What authorities say of the certificates.
    private var staples = Staples()

    /// Mozilla's intermediate list, AES-128 first, which is the cheapest. Without its DHE suites: a
    /// client that has those and none of these is older than TLS 1.2 in most cases, and each such
    /// handshake costs a server ten of the others.
    private static let ciphers = """
        ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:\
        ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:\
        ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305
        """
    private static let suites =
        "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

    /// The groups that a server exchanges keys in: Mozilla's, and before them the one that holds
    /// against quantum computers, which OpenSSL has since 3.5. By itself OpenSSL takes those of
    /// finite fields as well (RFC 7919): a client that asks for the largest makes a server work for
    /// 10 ms, and need not do any work itself.
    private static let groups = "X25519:P-256:P-384"
    private static let quantumSafeGroups = "X25519MLKEM768:" + groups

    private init(_ method: OpaquePointer?, _ minVersion: TLSVersion, _ tickets: TicketKeys?) {
        guard let made = unsafe openssl().pointee.SSL_CTX_new(method) else {
            preconditionFailure("out of memory")
        }
        unsafe pointer = made
        self.tickets = tickets
        unsafe openssl_prepare(pointer)
        let isSet =
            unsafe openssl_set_min_version(pointer, minVersion.number)
            && openssl().pointee.SSL_CTX_set_cipher_list(pointer, Self.ciphers) == 1
            && openssl().pointee.SSL_CTX_set_ciphersuites(pointer, Self.suites) == 1
        precondition(isSet, "the lists are OpenSSL's")
    }

    deinit {
        unsafe openssl().pointee.SSL_CTX_free(pointer)
    }

    /// Finds out whether OpenSSL takes the certificate: it refuses weak keys.
    static func tryOut(_ certificate: ParsedCertificate) throws(CertificateProblem) {
        let context = unsafe TLSContext(openssl().pointee.TLS_server_method(), .tls12, nil)
        try unsafe certificate.use(in: context.pointer)
    }

    private func use(_ certificate: TLSCertificate) throws(CertificateProblem) {
        let parsed = ParsedCertificate(
            chain: try CertificateChain(certificate.chain), key: try PrivateKey(certificate.key))
        try unsafe parsed.use(in: pointer)
        if let staple = certificate.staple {
            unsafe staples.add(staple, about: parsed.chain.first)
        }
    }

    /// A server's context with `certificates`, one of a kind of key.
    convenience init(
        _ certificates: [TLSCertificate], _ options: TLSServerOptions, tickets: TicketKeys,
        clients: ClientTrust? = nil
    ) throws(CertificateProblem) {
        unsafe self.init(
            openssl().pointee.TLS_server_method(), options.minVersion, tickets)
        let isSet =
            unsafe openssl_set_groups(pointer, Self.quantumSafeGroups)
            || openssl_set_groups(pointer, Self.groups)
        precondition(isSet, "the groups are OpenSSL's")
        for certificate in certificates { try use(certificate) }
        // One ticket: two, OpenSSL's default, cost a handshake 6 % more.
        unsafe _ = openssl().pointee.SSL_CTX_set_num_tickets(pointer, 1)
        unsafe _ = openssl().pointee.SSL_CTX_set_session_id_context(pointer, "fairlead", 8)
        unsafe _ = openssl().pointee.SSL_CTX_set_tlsext_ticket_key_evp_cb(pointer) {
            ssl, name, iv, cipher, mac, isSealing in
            guard let tickets = unsafe TLSLayer.of(ssl)?.context.tickets, let name = unsafe name,
                let iv = unsafe iv, let cipher = unsafe cipher, let mac = unsafe mac
            else { return -1 }
            return unsafe tickets.prepare(
                isSealing: isSealing == 1, name: name, iv: iv, cipher, mac)
        }
        unsafe clients?.use(in: pointer)
        self.clients = clients
        if options.isHTTP { chooseHTTP(second: options.speaksHTTP2) }
        if options.isForChallenges { chooseChallenges() }
        if !staples.isEmpty { sendStaples() }
    }

    private func sendStaples() {
        unsafe openssl_set_status_callback(pointer) { ssl, _ in
            guard let layer = unsafe TLSLayer.of(ssl) else { return SSL_TLSEXT_ERR_NOACK }
            return unsafe layer.shownContext.staples.send(on: ssl)
        }
    }

    /// Has clients that tell their protocols choose HTTP/1.1, or before it HTTP/2 where that is
    /// spoken (`second`), and refuses those that speak neither (RFC 7301, section 3.2).
    private func chooseHTTP(second: Bool) {
        guard second else {
            unsafe openssl().pointee.SSL_CTX_set_alpn_select_cb(
                pointer,
                { _, chosen, chosenCount, offered, offeredCount, _ in
                    unsafe TLSContext.choose(
                        ["http/1.1"], chosen, chosenCount, offered, offeredCount)
                }, nil)
            return
        }
        unsafe openssl().pointee.SSL_CTX_set_alpn_select_cb(
            pointer,
            { _, chosen, chosenCount, offered, offeredCount, _ in
                unsafe TLSContext.choose(
                    ["h2", "http/1.1"], chosen, chosenCount, offered, offeredCount)
            }, nil)
    }

    /// Has certificate authorities that look for an answer to a challenge choose their protocol,
    /// and refuses everybody else (RFC 8737, section 3).
    private func chooseChallenges() {
        unsafe openssl().pointee.SSL_CTX_set_alpn_select_cb(
            pointer,
            { _, chosen, chosenCount, offered, offeredCount, _ in
                unsafe TLSContext.choose(["acme-tls/1"], chosen, chosenCount, offered, offeredCount)
            }, nil)
    }

    /// Chooses the first of `wanted` that is among the protocols that are `offered`. As OpenSSL
    /// understands it.
    private static func choose(
        _ wanted: [String], _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
        _ chosenCount: UnsafeMutablePointer<UInt8>?, _ offered: UnsafePointer<UInt8>?,
        _ offeredCount: UInt32
    ) -> Int32 {
        // OpenSSL lends the list, of names that each follow their length, for as long as the answer
        // is looked at.
        let list = unsafe UnsafeBufferPointer(start: offered, count: Int(offeredCount))
        guard let first = list.baseAddress else { return SSL_TLSEXT_ERR_ALERT_FATAL }
        for name in wanted {
            guard let place = unsafe TLSContext.place(of: name, in: list.span) else { continue }
            unsafe chosen?.pointee = first + place
            unsafe chosenCount?.pointee = UInt8(name.utf8.count)
            return SSL_TLSEXT_ERR_OK
        }
        return SSL_TLSEXT_ERR_ALERT_FATAL
    }

    /// Where the protocol `wanted` begins in a list of protocols; nil where it is not among them.
    static func place(of wanted: String, in list: Span<UInt8>) -> Int? {
        let wanted = Array(wanted.utf8)
        var place = 0
        while place < list.count {
            let count = Int(list[place])
            guard count > 0, place + 1 + count <= list.count else { return nil }
            if count == wanted.count,
                wanted.indices.allSatisfy({ list[place + 1 + $0] == wanted[$0] })
            {
                return place + 1
            }
            place += 1 + count
        }
        return nil
    }

    /// Has the names of a layer choose its context once the client's hello is here.
    func followNames() {
        unsafe openssl_set_name_callback(pointer) { ssl, alert, _ in
            guard let layer = unsafe TLSLayer.of(ssl), let names = layer.names else {
                return SSL_TLSEXT_ERR_NOACK
            }
            guard let context = names.context(for: layer.serverName) else {
                layer.refusesName = true
                unsafe alert?.pointee = SSL_AD_UNRECOGNIZED_NAME
                return SSL_TLSEXT_ERR_ALERT_FATAL
            }
            if context !== layer.context { layer.use(context) }
            return SSL_TLSEXT_ERR_OK
        }
    }

    // MARK: - Clients

    /// A client's context. Without `trust` it believes every certificate.
    convenience init(
        _ options: TLSClientOptions, trusting trust: TLSTrust?
    ) throws(CertificateProblem) {
        unsafe self.init(openssl().pointee.TLS_client_method(), options.minVersion, nil)
        if let trust {
            // The context counts a reference to the store.
            unsafe openssl().pointee.SSL_CTX_set1_cert_store(pointer, trust.store)
            unsafe openssl().pointee.SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER) { isGood, check in
                // Only what is wrong is of interest, and ends the handshake.
                if isGood != 1 { unsafe TLSServerCheck.of(check)?.recordProblem(check) }
                return isGood
            }
        }
        if let certificate = options.certificate { try use(certificate) }
        if !options.protocols.isEmpty {
            let protocols = ApplicationProtocol.list(of: options.protocols)
            // It is copied; 0 says that it was (this function of OpenSSL's has it the other way).
            let isRefused = unsafe openssl().pointee.SSL_CTX_set_alpn_protos(
                pointer, protocols, UInt32(protocols.count))
            precondition(isRefused == 0, "out of memory")
        }
        unsafe openssl_tell_sessions(pointer)
        unsafe openssl().pointee.SSL_CTX_sess_set_new_cb(pointer) { ssl, session in
            guard let session = unsafe session, let layer = unsafe TLSLayer.of(ssl),
                let slot = layer.server?.sessions
            else { return 0 }
            // 1 says that the reference is the slot's from now on.
            unsafe slot.keep(session, of: layer.context)
            return 1
        }
    }
}
