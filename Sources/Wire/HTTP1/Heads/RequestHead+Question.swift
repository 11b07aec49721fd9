// The head of a question about a request: whether it may go on. It is a request of Fairlead's own,
// without a body, that says who asks for what: in the fields X-Forwarded-Method, -Uri, -Host, -For,
// -Proto and -Port, which services that answer such questions have long agreed on, and in those
// fields of the request that the operator names.

/// What a service is asked about requests. Immutable, any thread.
package struct AuthQuestion: Sendable {
    /// The target of the question: an absolute path, perhaps with a query.
    let path: [UInt8]
    /// What Host says; nil for what the request says.
    let host: [UInt8]?
    /// Whether the method is that of the request; GET otherwise.
    private let keepsMethod: Bool
    /// The fields of the request that are sent along.
    let fields: FieldList

    /// A question at `path` with the request's fields of these names.
    ///
    /// - Precondition: `path` and `host` hold no spaces and no control characters.
    package init(path: String, host: String?, keepsMethod: Bool, fields: [String]) {
        precondition(
            (path + (host ?? "")).utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F },
            "a path or a host has a space or control character")
        self.path = Array(path.utf8)
        self.host = host.map { Array($0.utf8) }
        self.keepsMethod = keepsMethod
        self.fields = FieldList(fields)
    }

    /// The method of the question about a request of this method. CONNECT and TRACE are for the
    /// hops on the way.
    package func method(of method: Method) -> Method { keeps(method) ? method : .get }

    fileprivate func keeps(_ method: Method) -> Bool {
        switch method {
        case .connect, .trace: false
        case .get, .head, .post, .put, .delete, .options, .patch, .other: keepsMethod
        }
    }
}

extension RequestHead {
    /// The most bytes that `writeQuestion` appends.
    package func questionBytesMax(
        _ question: borrowing AuthQuestion, forwarding: borrowing Forwarding,
        certificateLines: [UInt8] = []
    ) -> Int {
        let hostBytesMax = max(
            host.count, question.host?.count ?? 0, forwarding.defaultHost.count)
        // Method and target are told a second time; a trusted client's list of hops is told once.
        return 2 * length + 3 * hostBytesMax + question.path.count + forwarding.linesBytesMax
            + certificateLines.count + Self.questionConstantBytesMax
    }

    /// The bytes of names, separators and numbers that writing adds, rounded up.
    private static var questionConstantBytesMax: Int { 768 + TraceContext.lineBytes }

    /// Appends the head of a question about this request.
    ///
    /// - Parameters:
    ///   - bytes: those that were parsed; `parse` must have returned `complete`.
    ///   - requestID: what X-Request-Id says, as to the backend.
    ///   - trace: what the service is told of the trace, as the backend; nil for nothing.
    ///   - certificateLines: field lines that say who the client is by its certificate.
    /// - Precondition: there is room for `questionBytesMax` of the same.
    package func writeQuestion(
        _ question: borrowing AuthQuestion, from bytes: Span<UInt8>,
        forwarding: borrowing Forwarding, requestID: RequestID?, trace: OutgoingTrace?,
        certificateLines: [UInt8] = [], into out: inout OutputSpan<UInt8>
    ) {
        let keepsMethod = question.keeps(method)
        if keepsMethod { out.append(bytes, methodRange) } else { out.append("GET") }
        out.append(" ")
        out.append(question.path.span)
        out.append(" HTTP/1.1\r\nHost: ")
        if let host = question.host {
            out.append(host.span)
        } else if host.isEmpty {
            out.append(forwarding.defaultHost.span)
        } else {
            out.append(bytes, host)
        }
        out.append("\r\nX-Forwarded-Method: ")
        out.append(bytes, methodRange)
        out.append("\r\nX-Forwarded-Uri: ")
        writeTarget(from: bytes, into: &out)
        out.append("\r\n")
        writeXForwarded(from: bytes, forwarding, into: &out)
        writeSentFields(question, from: bytes, forwarding, into: &out)
        out.append(certificateLines.span)
        if let requestID, !(forwarding.isTrusted && section.present.contains(.xRequestID)) {
            out.append("X-Request-Id: ")
            out.appendHex(requestID.high)
            out.appendHex(requestID.low)
            out.append("\r\n")
        }
        // Servers may wait for the body of a method that has one (RFC 9110, section 8.6).
        if keepsMethod, method != .get, method != .head { out.append("Content-Length: 0\r\n") }
        if let trace { trace.context.write(into: &out) }
        out.append("\r\n")
    }

    /// The target as the backend of a route that changes no path would get it.
    private func writeTarget(from bytes: Span<UInt8>, into out: inout OutputSpan<UInt8>) {
        if targetForm == .authority {
            out.append(bytes, target)
        } else if pathAndQuery.isEmpty {
            out.append("/")
        } else {
            if bytes[Int(pathAndQuery.start)] == 0x3F { out.append("/") }
            out.append(bytes, pathAndQuery)
        }
    }

    private func writeSentFields(
        _ question: borrowing AuthQuestion, from bytes: Span<UInt8>,
        _ forwarding: borrowing Forwarding, into out: inout OutputSpan<UInt8>
    ) {
        // A trusted client's own account of where the request came from stands.
        let keepsForwarded = forwarding.isTrusted && forwarding.policy.xForwarded == .append
        for index in 0..<section.fields.count {
            let field = section.fields[index]
            guard !field.isNominated else { continue }
            let isSent =
                switch field.known {
                case .xForwardedProto, .xForwardedHost, .xForwardedPort: keepsForwarded
                case .xRequestID where forwarding.policy.addsRequestID: forwarding.isTrusted
                default: question.fields.contains(bytes.extracting(field.name.bounds))
                }
            if isSent { section.copyLine(field, from: bytes, into: &out) }
        }
    }
}
