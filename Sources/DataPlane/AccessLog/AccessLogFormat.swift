// The two forms of a line. Either fits into `AccessLogFormat.lineMax` bytes, whatever a client
// sends.

internal import Endpoints
internal import HTTP1
internal import TLS
internal import Traffic

extension AccessLogFormat {
    /// The longest line in bytes, what a pipe takes whole or not at all (PIPE_BUF of Linux).
    static let lineMax = 4096
    /// The length of each text once it is escaped, at most; with the rest of a line, less than
    /// `lineMax`.
    private static let methodMax = 64, targetMax = 1600, hostMax = 300, refererMax = 560
    private static let userAgentMax = 560, nameMax = 64, authorityMax = 92, uniqueIDMax = 92
    /// Of version and cipher; of the name; and what the target leaves for them, with their keys.
    private static let tlsMax = 32, tlsNameMax = 100, tlsRoom = 220
    /// Of the subject of a client's certificate; and what the target leaves for it.
    private static let subjectMax = 160, subjectRoom = 190

    /// Of the user's name; and what the target leaves for it, with its key.
    private static let userMax = 128, userRoom = 140

    /// What the target leaves for the trace, for the coding of the content, and for the time of a
    /// question, with their keys.
    private static let traceRoom = 100, codedRoom = 60, authRoom = 32

    private static func targetMax(
        of entry: AccessEntry, _ text: borrowing LoggedText
    ) -> Int {
        var max = entry.trace == nil ? targetMax : targetMax - traceRoom
        if text.user > text.userAgent { max -= userRoom }
        if entry.coded != nil { max -= codedRoom }
        if entry.authMicroseconds != nil { max -= authRoom }
        guard let tls = entry.tls else { return max }
        return max - tlsRoom - (tls.client == nil ? 0 : subjectRoom)
    }

    /// Appends a line. `client` is an address; `service` and `backend` are empty when there was
    /// none.
    func append(
        _ entry: AccessEntry, _ text: borrowing LoggedText, at time: borrowing LineTime,
        client: [UInt8], listener: [UInt8], service: [UInt8], backend: [UInt8],
        proxied: ProxiedText? = nil, to out: inout [UInt8]
    ) {
        out.append(addingCapacity: Self.lineMax) { (out: inout OutputSpan<UInt8>) in
            append(entry, text, time, client, listener, service, backend, proxied, to: &out)
        }
    }

    private func append(
        _ entry: AccessEntry, _ text: borrowing LoggedText, _ time: borrowing LineTime,
        _ client: [UInt8], _ listener: [UInt8], _ service: [UInt8], _ backend: [UInt8],
        _ proxied: ProxiedText?, to out: inout OutputSpan<UInt8>
    ) {
        switch self {
        case .json:
            out.append("{\"time\":\"")
            time.appendRFC3339(to: &out)
            out.append("\",\"client\":\"")
            out.append(client.span)
            out.append("\",\"listener\":\"")
            out.append(listener.span, .json, max: Self.nameMax)
            out.append("\",\"service\":\"")
            out.append(service.span, .json, max: Self.nameMax)
            out.append("\",\"backend\":\"")
            out.append(backend.span)
            Self.appendRequest(entry.kind, text, Self.targetMax(of: entry, text), to: &out)
            if let tls = entry.tls { Self.appendJSON(tls, to: &out) }
            Self.appendNumbers(entry, to: &out)
            if let trace = entry.trace { Self.appendJSON(trace, to: &out) }
            if let coded = entry.coded { Self.append(coded, to: &out) }
            if let proxied { Self.append(proxied, to: &out) }
            out.append("}\n")
        case .combined:
            out.append(client.span)
            out.append(" - ")
            Self.appendUser(text, to: &out)
            out.append(" [")
            time.appendCombined(to: &out)
            Self.appendCombined(entry, text, to: &out)
            out.append(0x20)
            out.append(service.span, .hexadecimal, max: Self.nameMax)
            if service.isEmpty { out.append(0x2D) }
            out.append(0x20)
            out.append(backend.span)
            if backend.isEmpty { out.append(0x2D) }
            Self.appendProxyPart(entry, to: &out)
            if let tls = entry.tls { Self.appendWords(tls, to: &out) }
            if let auth = entry.authMicroseconds {
                out.append(" auth=")
                out.appendDecimal(auth)
            }
            if let status = entry.grpcStatus {
                out.append(" grpc=")
                out.appendDecimal(status)
            }
            if let trace = entry.trace { Self.appendWords(trace, to: &out) }
            out.append(0x0A)
        }
    }

    private static func name(of version: HTTPVersion) -> StaticString {
        switch version {
        case .http10: "HTTP/1.0"
        case .http11: "HTTP/1.1"
        case .http2: "HTTP/2.0"
        }
    }

    // MARK: - JSON

    private static func appendRequest(
        _ kind: AccessEntry.Kind, _ text: borrowing LoggedText, _ targetMax: Int,
        to out: inout OutputSpan<UInt8>
    ) {
        guard case .http(let version) = kind else {
            out.append("\",\"protocol\":\"TCP\"")
            return
        }
        out.append("\",\"protocol\":\"")
        out.append(name(of: version))
        let bytes = text.bytes
        out.append("\",\"method\":\"")
        out.append(bytes.span.extracting(0..<text.method), .json, max: methodMax)
        out.append("\",\"target\":\"")
        out.append(bytes.span.extracting(text.method..<text.target), .json, max: targetMax)
        out.append("\",\"host\":\"")
        out.append(bytes.span.extracting(text.target..<text.host), .json, max: hostMax)
        out.append("\",\"referer\":\"")
        out.append(bytes.span.extracting(text.host..<text.referer), .json, max: refererMax)
        out.append("\",\"user_agent\":\"")
        out.append(
            bytes.span.extracting(text.referer..<text.userAgent), .json, max: userAgentMax)
        out.append("\"")
        guard text.user > text.userAgent else { return }
        out.append(",\"user\":\"")
        out.append(bytes.span.extracting(text.userAgent..<text.user), .json, max: userMax)
        out.append("\"")
    }

    private static func appendNumbers(_ entry: AccessEntry, to out: inout OutputSpan<UInt8>) {
        if case .http = entry.kind {
            out.append(",\"status\":")
            out.appendDecimal(entry.status)
        }
        if let status = entry.grpcStatus {
            out.append(",\"grpc_status\":")
            out.appendDecimal(status)
        }
        out.append(",\"cause\":\"")
        out.append(entry.cause)
        out.append("\",\"bytes_in\":")
        out.appendDecimal(entry.bytesIn)
        out.append(",\"bytes_out\":")
        out.appendDecimal(entry.bytesOut)
        out.append(",\"tries\":")
        out.appendDecimal(entry.tries)
        if let auth = entry.authMicroseconds {
            out.append(",\"auth_us\":")
            out.appendDecimal(auth)
        }
        out.append(",\"queue_us\":")
        append(entry.queueMicroseconds, else: "null", to: &out)
        out.append(",\"connect_us\":")
        append(entry.connectMicroseconds, else: "null", to: &out)
        out.append(",\"first_byte_us\":")
        append(entry.firstByteMicroseconds, else: "null", to: &out)
        out.append(",\"total_us\":")
        out.appendDecimal(entry.totalMicroseconds)
    }

    private static func append(_ coded: CodedContent, to out: inout OutputSpan<UInt8>) {
        out.append(",\"coding\":\"")
        out.append(coded.coding.name)
        out.append("\",\"content_bytes\":")
        out.appendDecimal(coded.count)
    }

    private static func append(_ proxied: ProxiedText, to out: inout OutputSpan<UInt8>) {
        if let proxy = proxied.proxy {
            var text: [UInt8] = []
            proxy.appendText(to: &text)
            out.append(",\"proxy\":\"")
            out.append(text.span)
            out.append("\"")
        }
        if !proxied.authority.isEmpty {
            out.append(",\"authority\":\"")
            out.append(proxied.authority.span, .json, max: authorityMax)
            out.append("\"")
        }
        if !proxied.uniqueID.isEmpty {
            out.append(",\"unique_id\":\"")
            out.append(proxied.uniqueID.span, .json, max: uniqueIDMax)
            out.append("\"")
        }
    }

    // MARK: - Combined

    /// Appends the user's name as one word, or a hyphen.
    private static func appendUser(
        _ text: borrowing LoggedText, to out: inout OutputSpan<UInt8>
    ) {
        let user = text.userAgent..<text.user
        let bytes = text.bytes
        out.append(bytes.span.extracting(user), .word, max: userMax)
        if user.isEmpty { out.append(0x2D) }
    }

    private static func appendCombined(
        _ entry: AccessEntry, _ text: borrowing LoggedText, to out: inout OutputSpan<UInt8>
    ) {
        out.append("] \"")
        let bytes = text.bytes
        switch entry.kind {
        case .tcp: out.append("TCP")
        case .http where bytes.isEmpty: out.append("-")
        case .http(let version):
            out.append(bytes.span.extracting(0..<text.method), .hexadecimal, max: methodMax)
            out.append(0x20)
            out.append(
                bytes.span.extracting(text.method..<text.target), .hexadecimal,
                max: targetMax(of: entry, text))
            out.append(0x20)
            out.append(name(of: version))
        }
        out.append("\" ")
        if entry.status == 0 { out.append("000") } else { out.appendDecimal(entry.status) }
        out.append(0x20)
        out.appendDecimal(entry.bodyBytesOut)
        out.append(" \"")
        let referer = text.host..<text.referer
        out.append(bytes.span.extracting(referer), .hexadecimal, max: refererMax)
        if referer.isEmpty { out.append(0x2D) }
        out.append("\" \"")
        let userAgent = text.referer..<text.userAgent
        out.append(bytes.span.extracting(userAgent), .hexadecimal, max: userAgentMax)
        if userAgent.isEmpty { out.append(0x2D) }
        out.append("\"")
    }

    /// Appends what follows service and backend: tries, cause, bytes and times.
    private static func appendProxyPart(_ entry: AccessEntry, to out: inout OutputSpan<UInt8>) {
        out.append(0x20)
        out.appendDecimal(entry.tries)
        out.append(0x20)
        out.append(entry.cause)
        out.append(0x20)
        out.appendDecimal(entry.bytesIn)
        out.append(0x2F)
        out.appendDecimal(entry.bytesOut)
        out.append(0x20)
        append(entry.queueMicroseconds, else: "-", to: &out)
        out.append(0x2F)
        append(entry.connectMicroseconds, else: "-", to: &out)
        out.append(0x2F)
        append(entry.firstByteMicroseconds, else: "-", to: &out)
        out.append(0x2F)
        out.appendDecimal(entry.totalMicroseconds)
    }

    // MARK: - TLS

    /// Appends the members that a request or connection under TLS has besides the others'.
    private static func appendJSON(_ tls: TLSOutcome, to out: inout OutputSpan<UInt8>) {
        out.append(",\"tls\":\"")
        out.append(tls.version.utf8.span, .json, max: tlsMax)
        out.append("\",\"cipher\":\"")
        out.append(tls.cipher.utf8.span, .json, max: tlsMax)
        out.append("\",\"sni\":\"")
        if let name = tls.serverName { out.append(name.utf8.span, .json, max: tlsNameMax) }
        out.append(tls.isResumed ? "\",\"resumed\":true" : "\",\"resumed\":false")
        guard let client = tls.client else { return }
        out.append(",\"certificate\":\"")
        out.append(client.subject.utf8.span, .json, max: subjectMax)
        out.append(0x22)
    }

    /// Appends version, cipher, name and `full` or `resumed`, behind everything else.
    private static func appendWords(_ tls: TLSOutcome, to out: inout OutputSpan<UInt8>) {
        out.append(0x20)
        out.append(tls.version.utf8.span, .hexadecimal, max: tlsMax)
        out.append(0x20)
        out.append(tls.cipher.utf8.span, .hexadecimal, max: tlsMax)
        out.append(0x20)
        if let name = tls.serverName {
            out.append(name.utf8.span, .hexadecimal, max: tlsNameMax)
        } else {
            out.append(0x2D)
        }
        out.append(tls.isResumed ? " resumed" : " full")
        guard let client = tls.client else { return }
        out.append(" \"")
        out.append(client.subject.utf8.span, .hexadecimal, max: subjectMax)
        out.append(0x22)
    }

    // MARK: - Traces

    /// Appends the ids as OpenTelemetry's logs have them, and whether the trace is recorded.
    private static func appendJSON(_ trace: TraceContext, to out: inout OutputSpan<UInt8>) {
        out.append(",\"trace_id\":\"")
        out.appendHex(trace.high)
        out.appendHex(trace.low)
        out.append("\",\"span_id\":\"")
        out.appendHex(trace.span)
        out.append(trace.isSampled ? "\",\"sampled\":true" : "\",\"sampled\":false")
    }

    /// Appends one word, the last of the line: trace and span.
    private static func appendWords(_ trace: TraceContext, to out: inout OutputSpan<UInt8>) {
        out.append(" trace=")
        out.appendHex(trace.high)
        out.appendHex(trace.low)
        out.append(0x2D)
        out.appendHex(trace.span)
        out.append(trace.isSampled ? "-01" : "-00")
    }

    private static func append(
        _ number: Int?, else none: StaticString, to out: inout OutputSpan<UInt8>
    ) {
        if let number { out.appendDecimal(number) } else { out.append(none) }
    }
}
