// SpanText: spans as OTLP has them in JSON (OpenTelemetry Protocol, version 1; ids are hexadecimal,
// enumerations numbers, and numbers of 64 bits text), with the attributes of OpenTelemetry's
// semantic conventions 1.45 for HTTP and, of calls of gRPC, for these besides. What a client sends
// is cut to a length and escaped; of a query nothing is told, since it may hold what is nobody
// else's business.

internal import AccessLog
internal import GRPCWire
internal import HTTP1

/// The text of spans. Each fits into `max` bytes, whatever a client sends.
enum SpanText {
    /// The longest span in bytes, with a comma before it.
    static let max = 5120
    /// The length of each text once it is escaped, at most; with the rest, less than `max`.
    private static let methodMax = 64, pathMax = 1024, hostMax = 256, userAgentMax = 512
    private static let routeMax = 256, callMax = 256, nameMax = 64, backendMax = 80

    /// Kinds of spans.
    private static let server: StaticString = "2"
    private static let client: StaticString = "3"

    // MARK: - Requests

    /// Appends the span of a request.
    static func append(
        _ span: ServerSpan, _ text: borrowing LoggedText, client: [UInt8], route: [UInt8],
        service: [UInt8], to out: inout OutputSpan<UInt8>
    ) {
        begin(span.context, parent: span.parent, isRemote: true, to: &out)
        let bytes = text.bytes
        let target = bytes.span.extracting(text.method..<text.target)
        let path = path(ofTarget: target)
        let called = calledMethod(span.call, target, path)
        if !called.isEmpty {
            out.append(target.extracting(called), .json, max: callMax)
        } else {
            appendMethod(span.method, bytes.span.extracting(0..<text.method), to: &out)
            if !route.isEmpty {
                out.append(0x20)
                out.append(route.span, .json, max: routeMax)
            }
        }
        out.append("\",\"kind\":")
        out.append(server)
        appendTimes(span.start, span.end, to: &out)
        appendMethodAttribute(span.method, bytes.span.extracting(0..<text.method), to: &out)
        if !path.isEmpty {
            append("url.path", target.extracting(path), max: pathMax, to: &out)
        }
        append("url.scheme", span.isSecure ? "https" : "http", to: &out)
        appendHost(bytes.span.extracting(text.target..<text.host), to: &out)
        append("network.protocol.version", version(span.version), to: &out)
        append("client.address", client.span, max: backendMax, to: &out)
        if text.userAgent > text.referer {
            append(
                "user_agent.original", bytes.span.extracting(text.referer..<text.userAgent),
                max: userAgentMax, to: &out)
        }
        if !route.isEmpty { append("http.route", route.span, max: routeMax, to: &out) }
        if !service.isEmpty { append("fairlead.service", service.span, max: nameMax, to: &out) }
        append("fairlead.cause", span.cause, to: &out)
        if span.status > 0 { append("http.response.status_code", number: span.status, to: &out) }
        if let call = span.call { append(call, target.extracting(called), to: &out) }
        end(error(of: span), link: span.link, to: &out)
    }

    private static func error(of span: ServerSpan) -> Fault? {
        if let type = span.errorType { return .word(type) }
        if let status = span.call?.status {
            return status.isServerFailure ? .call(status) : nil
        }
        return span.status >= 500 ? .status(span.status) : nil
    }

    // MARK: - Tries

    /// Appends the span of a try. `head` is what the backend gets.
    static func append(
        _ span: ClientSpan, head: Span<UInt8>, backend: [UInt8], service: [UInt8],
        to out: inout OutputSpan<UInt8>
    ) {
        begin(span.context, parent: span.parent, isRemote: false, to: &out)
        let (method, target) = requestLine(of: head)
        let path = path(ofTarget: head.extracting(target))
        let called = calledMethod(span.call, head.extracting(target), path)
        let name = head.extracting(target).extracting(called)
        if !name.isEmpty {
            out.append(name, .json, max: callMax)
        } else {
            appendMethod(span.method, head.extracting(method), to: &out)
        }
        out.append("\",\"kind\":")
        out.append(client)
        appendTimes(span.start, span.end, to: &out)
        appendMethodAttribute(span.method, head.extracting(method), to: &out)
        appendHost(backend.span, to: &out)
        appendURL(span, head.extracting(target), backend, to: &out)
        append("fairlead.service", service.span, max: nameMax, to: &out)
        if span.resends > 0 {
            append("http.request.resend_count", number: span.resends, to: &out)
        }
        if span.status > 0 { append("http.response.status_code", number: span.status, to: &out) }
        if let call = span.call { append(call, name, to: &out) }
        if span.isCancelled { append("fairlead.cancelled", flag: true, to: &out) }
        end(error(of: span), link: nil, to: &out)
    }

    private static func error(of span: ClientSpan) -> Fault? {
        if span.isCancelled { return nil }
        if let type = span.errorType { return .word(type) }
        if let status = span.call?.status { return status == .ok ? nil : .call(status) }
        return span.status >= 400 ? .status(span.status) : nil
    }

    /// Where method and target stand in a head that goes to a backend.
    private static func requestLine(of head: Span<UInt8>) -> (Range<Int>, Range<Int>) {
        var start = 0
        while start < head.count, head[start] != 0x20 { start += 1 }
        var end = start + 1
        while end < head.count, head[end] != 0x20 { end += 1 }
        guard end < head.count else { return (0..<0, 0..<0) }
        return (0..<start, start + 1..<end)
    }

    /// The URL that the backend is asked for; none for a target that is no path.
    private static func appendURL(
        _ span: ClientSpan, _ target: Span<UInt8>, _ backend: [UInt8],
        to out: inout OutputSpan<UInt8>
    ) {
        let path = path(ofTarget: target)
        guard !path.isEmpty, target[path.lowerBound] == 0x2F else { return }
        out.append(",{\"key\":\"url.full\",\"value\":{\"stringValue\":\"")
        out.append(span.isSecure ? "https://" : "http://")
        out.append(backend.span, .json, max: backendMax)
        out.append(target.extracting(path), .json, max: pathMax)
        out.append("\"}}")
    }

    // MARK: - Calls of gRPC

    /// Where in `target`, whose path is at `path`, the name of the called method is, as
    /// `shop.v1.Cart/Add`; empty where it is not known to be one of few, and for other requests.
    private static func calledMethod(
        _ call: CallSpan?, _ target: Span<UInt8>, _ path: Range<Int>
    ) -> Range<Int> {
        guard let call, call.isMethodKnown, path.count > 1, target[path.lowerBound] == 0x2F else {
            return 0..<0
        }
        return path.lowerBound + 1..<path.upperBound
    }

    private static func append(
        _ call: CallSpan, _ method: Span<UInt8>, to out: inout OutputSpan<UInt8>
    ) {
        append("rpc.system.name", "grpc", to: &out)
        if method.isEmpty {
            append("rpc.method", "_OTHER", to: &out)
        } else {
            append("rpc.method", method, max: callMax, to: &out)
        }
        guard let status = call.status else { return }
        open("rpc.response.status_code", to: &out)
        out.append("{\"stringValue\":\"")
        append(status, to: &out)
        out.append("\"}}")
    }

    private static func append(_ status: GRPCStatus, to out: inout OutputSpan<UInt8>) {
        if let name = status.staticName {
            out.append(name)
        } else {
            out.appendDecimal(UInt64(status.code))
        }
    }

    // MARK: - What both have

    private static func begin(
        _ context: TraceContext, parent: UInt64, isRemote: Bool, to out: inout OutputSpan<UInt8>
    ) {
        out.append("{\"traceId\":\"")
        out.appendHex(context.high)
        out.appendHex(context.low)
        out.append("\",\"spanId\":\"")
        out.appendHex(context.span)
        if parent != 0 {
            out.append("\",\"parentSpanId\":\"")
            out.appendHex(parent)
        }
        // The flags of W3C, that it is known whether the parent is another process's, and whether
        // it is.
        let flags = 0x100 | (isRemote && parent != 0 ? 0x200 : 0) | (context.isSampled ? 1 : 0)
        out.append("\",\"flags\":")
        out.appendDecimal(UInt64(flags))
        out.append(",\"name\":\"")
    }

    /// The method, where it is one of few; else `HTTP`, so that clients make no names.
    private static func appendMethod(
        _ method: Method, _ text: Span<UInt8>, to out: inout OutputSpan<UInt8>
    ) {
        if method == .other || text.isEmpty {
            out.append("HTTP")
        } else {
            out.append(text, .json, max: methodMax)
        }
    }

    private static func appendTimes(
        _ start: UInt64, _ end: UInt64, to out: inout OutputSpan<UInt8>
    ) {
        out.append(",\"startTimeUnixNano\":\"")
        out.appendDecimal(start)
        out.append("\",\"endTimeUnixNano\":\"")
        out.appendDecimal(Swift.max(start, end))
        out.append("\",\"attributes\":[")
    }

    /// The first attribute: the others have a comma before them.
    private static func appendMethodAttribute(
        _ method: Method, _ text: Span<UInt8>, to out: inout OutputSpan<UInt8>
    ) {
        out.append("{\"key\":\"http.request.method\",\"value\":{\"stringValue\":\"")
        guard method == .other else {
            out.append(text, .json, max: methodMax)
            out.append("\"}}")
            return
        }
        out.append("_OTHER\"}}")
        if !text.isEmpty {
            append("http.request.method_original", text, max: methodMax, to: &out)
        }
    }

    /// Why a span says that it has failed.
    private enum Fault {
        /// A word of Fairlead's.
        case word(StaticString)
        /// A status of HTTP.
        case status(Int)
        /// The status of a call of gRPC.
        case call(GRPCStatus)
    }

    /// Ends the attributes, and the span.
    private static func end(
        _ fault: Fault?, link: TraceContext?, to out: inout OutputSpan<UInt8>
    ) {
        if let fault {
            open("error.type", to: &out)
            out.append("{\"stringValue\":\"")
            switch fault {
            case .word(let word): out.append(word)
            case .status(let status): out.appendDecimal(UInt64(Swift.max(0, status)))
            case .call(let status): append(status, to: &out)
            }
            out.append("\"}}],\"status\":{\"code\":2}")
        } else {
            out.append("]")
        }
        if let link { append(link, to: &out) }
        out.append("}")
    }

    /// The trace that the client has named, of another process.
    private static func append(_ link: TraceContext, to out: inout OutputSpan<UInt8>) {
        out.append(",\"links\":[{\"traceId\":\"")
        out.appendHex(link.high)
        out.appendHex(link.low)
        out.append("\",\"spanId\":\"")
        out.appendHex(link.span)
        out.append("\",\"flags\":")
        out.appendDecimal(link.isSampled ? 0x301 : 0x300)
        out.append("}]")
    }

    /// Host and port of `text`, `HOST:PORT` or `HOST`, an IPv6 address in brackets.
    private static func appendHost(_ text: Span<UInt8>, to out: inout OutputSpan<UInt8>) {
        guard !text.isEmpty else { return }
        var end = 0
        let isBracketed = text[0] == 0x5B
        while end < text.count, isBracketed ? text[end] != 0x5D : text[end] != 0x3A { end += 1 }
        let host = text.extracting(isBracketed ? 1..<Swift.max(1, end) : 0..<end)
        append("server.address", host, max: hostMax, to: &out)
        var port = 0
        var digit = isBracketed ? end + 2 : end + 1
        guard digit < text.count, text.count - digit <= 5 else { return }
        while digit < text.count {
            guard text[digit] >= 0x30, text[digit] <= 0x39 else { return }
            port = port * 10 + Int(text[digit] - 0x30)
            digit += 1
        }
        append("server.port", number: port, to: &out)
    }

    /// Where in a request's target its path is, without query; empty for none.
    static func path(ofTarget target: Span<UInt8>) -> Range<Int> {
        guard !target.isEmpty else { return 0..<0 }
        var start = 0
        if target[0] != 0x2F, target[0] != 0x2A {
            // http://host/path; an authority alone has no path.
            var slashes = 0
            while start < target.count, target[start] != 0x3F {
                if target[start] == 0x2F {
                    slashes += 1
                    if slashes == 3 { break }
                }
                start += 1
            }
            if slashes < 3 { return 0..<0 }
        }
        var end = start
        while end < target.count, target[end] != 0x3F { end += 1 }
        return start..<end
    }

    private static func version(_ version: HTTPVersion) -> StaticString {
        switch version {
        case .http10: "1.0"
        case .http11: "1.1"
        case .http2: "2"
        }
    }

    // MARK: - Attributes

    private static func append(
        _ key: StaticString, _ value: Span<UInt8>, max: Int, to out: inout OutputSpan<UInt8>
    ) {
        open(key, to: &out)
        out.append("{\"stringValue\":\"")
        out.append(value, .json, max: max)
        out.append("\"}}")
    }

    private static func append(
        _ key: StaticString, _ value: StaticString, to out: inout OutputSpan<UInt8>
    ) {
        open(key, to: &out)
        out.append("{\"stringValue\":\"")
        out.append(value)
        out.append("\"}}")
    }

    private static func append(
        _ key: StaticString, number: Int, to out: inout OutputSpan<UInt8>
    ) {
        open(key, to: &out)
        out.append("{\"intValue\":\"")
        out.appendDecimal(UInt64(Swift.max(0, number)))
        out.append("\"}}")
    }

    private static func append(
        _ key: StaticString, flag: Bool, to out: inout OutputSpan<UInt8>
    ) {
        open(key, to: &out)
        out.append(flag ? "{\"boolValue\":true}}" : "{\"boolValue\":false}}")
    }

    private static func open(_ key: StaticString, to out: inout OutputSpan<UInt8>) {
        out.append(",{\"key\":\"")
        out.append(key)
        out.append("\",\"value\":")
    }
}
