// SentHeader: the PROXY header that tells a backend whose a connection is.

internal import Events
internal import HTTP1
internal import ProxyProtocol
internal import TLS

extension Worker {
    /// The header that tells a backend who the client on `descriptor` is: what a proxy in front
    /// has told of it, else its own ends, and what it agreed on with us for TLS. It has a unique
    /// id, which the client's lines in the log have from now on. Up to two system calls, the first
    /// time.
    func header(of descriptor: Descriptor, _ tls: TLSOutcome?) -> ProxyHeader {
        let number = Int(descriptor.number)
        var arrival = arrivals[number] ?? ClientArrival(proxy: nil, header: ProxyHeader(nil))
        if arrival.header.ends == nil, let source = descriptor.peerEndpoint,
            let destination = descriptor.localEndpoint
        {
            arrival.header.ends = ProxyHeader.Ends(source: source, destination: destination)
        }
        if arrival.header.uniqueID == nil { arrival.header.uniqueID = nextRequestID().hexadecimal }
        arrivals[number] = arrival
        // The log has these by themselves.
        var header = arrival.header
        if let tls { header.describe(tls) }
        return header
    }
}

extension ProxyHeader {
    /// Says what a client has agreed on with us, in place of what a proxy in front says: a backend
    /// trusts the connection that ends here.
    fileprivate mutating func describe(_ agreed: TLSOutcome) {
        if let name = agreed.serverName { authority = Self.text(name, Self.authorityBytesMax) }
        application = agreed.application.flatMap { Self.text($0, Self.applicationBytesMax) }
        var tls = ProxiedTLS()
        tls.version = Self.text(agreed.version, ProxiedTLS.textBytesMax)
        tls.cipher = Self.text(agreed.cipher, ProxiedTLS.textBytesMax)
        if let client = agreed.client {
            tls.showedCertificate = !agreed.isResumed
            tls.hasCertificate = true
            tls.isVerified = true
            tls.commonName = client.commonName.flatMap { Self.text($0, ProxiedTLS.textBytesMax) }
        }
        self.tls = tls
    }

    /// The text, if there is room for it: a name that is no UTF-8 has become longer when it was
    /// read.
    private static func text(_ text: String, _ max: Int) -> [UInt8]? {
        (1...max).contains(text.utf8.count) ? Array(text.utf8) : nil
    }
}
