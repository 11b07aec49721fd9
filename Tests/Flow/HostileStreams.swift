// Requests of HTTP/2 that say what HTTP/1.1 has no way to say, or would say in two ways at once,
// and what Fairlead does with each. differences.md shows them as a table.

/// One of them.
struct HostileStream {
    let what: String
    let attempt: HTTP2Attempt
    /// What becomes of it, as `Outcome` describes it.
    let outcome: String

    /// A GET of `/`, or the POST of `content`, with these fields at its end.
    init(
        _ what: String, _ fields: HTTP2Attempt.Field..., content: String? = nil,
        trailers: [HTTP2Attempt.Field]? = nil, gets outcome: String
    ) {
        let method = content == nil && trailers == nil ? "GET" : "POST"
        let attempt = HTTP2Attempt(
            [(":method", method), (":scheme", "http"), (":path", "/"), (":authority", "a")]
                + fields, content: content, trailers: trailers)
        self.init(what, attempt, gets: outcome)
    }

    /// A head of these fields alone.
    init(
        _ what: String, head: [HTTP2Attempt.Field], content: String? = nil, gets outcome: String
    ) {
        self.init(what, HTTP2Attempt(head, content: content), gets: outcome)
    }

    private init(_ what: String, _ attempt: HTTP2Attempt, gets outcome: String) {
        self.what = what
        self.attempt = attempt
        self.outcome = outcome
    }
}

extension HostileStream {
    /// Every one, under the heading of the table that it stands in.
    static let all: [(heading: String, requests: [HostileStream])] = [
        ("Fields of HTTP/2", fields),
        ("Pseudo-header fields", pseudo),
        ("Content of HTTP/2", content),
    ]

    private static let refused = "reset by error 1, kept; goes nowhere"
    private static let answered = "400, kept; goes nowhere"
    private static let passed = "200, kept; GET / HTTP/1.1, host: a"
    /// A request that hides in a part of another.
    private static let hidden = "GET /evil HTTP/1.1\r\nHost: a\r\n\r\n"

    private static let fields: [HostileStream] = [
        HostileStream("an upper-case name", ("X-Up", "1"), gets: refused),
        HostileStream("CR LF in a value", ("x", "a\r\nevil: b"), gets: refused),
        HostileStream("a request in a value", ("x", "a\r\n\r\n\(hidden)"), gets: refused),
        HostileStream("LF in a value", ("x", "a\nevil: b"), gets: refused),
        HostileStream("CR in a value", ("x", "a\revil: b"), gets: refused),
        HostileStream("NUL in a value", ("x", "a\0b"), gets: refused),
        HostileStream("a blank before a value", ("x", " a"), gets: refused),
        HostileStream("a tab behind a value", ("x", "a\t"), gets: refused),
        HostileStream("a colon in a name", ("x:y", "1"), gets: refused),
        HostileStream("a blank in a name", ("x y", "1"), gets: refused),
        HostileStream("CR LF in a name", ("x: 1\r\nevil", "b"), gets: refused),
        HostileStream("an empty name", ("", "1"), gets: refused),
        HostileStream("a byte beyond ASCII in a name", ("x\u{E9}", "1"), gets: refused),
        HostileStream("Connection", ("connection", "close"), gets: refused),
        HostileStream("Connection that names Host", ("connection", "host"), gets: refused),
        HostileStream("Keep-Alive", ("keep-alive", "5"), gets: refused),
        HostileStream("Proxy-Connection", ("proxy-connection", "close"), gets: refused),
        HostileStream("Upgrade", ("upgrade", "websocket"), gets: refused),
        HostileStream("TE of trailers", ("te", "trailers"), gets: passed),
        HostileStream("TE of a coding", ("te", "gzip"), gets: refused),
        HostileStream(
            "a cookie in crumbs", ("cookie", "a=1"), ("cookie", "b=2"),
            gets: "200, kept; GET / HTTP/1.1, host: a, cookie: a=1; b=2"),
        HostileStream("a crumb with CR LF", ("cookie", "a=1\r\nx: y"), gets: refused),
        HostileStream(
            "a name for a field that Fairlead writes", ("x_forwarded_for", "1.2.3.4"),
            gets: passed),
    ]

    private static let pseudo: [HostileStream] = [
        HostileStream(
            "no method", head: [(":scheme", "http"), (":path", "/"), (":authority", "a")],
            gets: refused),
        HostileStream(
            "no path", head: [(":method", "GET"), (":scheme", "http"), (":authority", "a")],
            gets: refused),
        HostileStream(
            "no scheme", head: [(":method", "GET"), (":path", "/"), (":authority", "a")],
            gets: refused),
        HostileStream(
            "no authority, a Host",
            head: [(":method", "GET"), (":scheme", "http"), (":path", "/"), ("host", "a")],
            gets: passed),
        HostileStream("another Host than the authority", ("host", "b"), gets: answered),
        HostileStream("the same Host as the authority", ("host", "a"), gets: passed),
        HostileStream(
            "two methods",
            head: [
                (":method", "GET"), (":method", "POST"), (":scheme", "http"), (":path", "/"),
                (":authority", "a"),
            ], gets: refused),
        HostileStream(
            "two paths",
            head: [
                (":method", "GET"), (":scheme", "http"), (":path", "/"), (":path", "/evil"),
                (":authority", "a"),
            ], gets: refused),
        HostileStream(
            "two authorities",
            head: [
                (":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a"),
                (":authority", "b"),
            ], gets: refused),
        HostileStream("one behind a field", ("x", "1"), (":path", "/evil"), gets: refused),
        HostileStream("an unknown one", (":evil", "1"), gets: refused),
        HostileStream("a status", (":status", "200"), gets: refused),
        HostileStream("a method with a request", head: head(method: hidden + "GET"), gets: refused),
        HostileStream("a method with a blank", head: head(method: "GET /evil"), gets: refused),
        HostileStream("an empty method", head: head(method: ""), gets: refused),
        HostileStream(
            "a path with a request", head: head(path: "/ HTTP/1.1\r\nHost: a\r\n\r\n" + hidden),
            gets: refused),
        HostileStream("a path with a version", head: head(path: "/ HTTP/1.1"), gets: refused),
        HostileStream("an empty path", head: head(path: ""), gets: refused),
        HostileStream("a path without a slash", head: head(path: "evil"), gets: refused),
        HostileStream("an authority as the path", head: head(path: "a:443"), gets: refused),
        HostileStream("an asterisk of GET", head: head(path: "*"), gets: answered),
        HostileStream("CR LF in the scheme", head: head(scheme: "http\r\nx: y"), gets: refused),
        HostileStream("a scheme of another protocol", head: head(scheme: "ftp"), gets: refused),
        HostileStream(
            "CR LF in the authority", head: head(authority: "a\r\nx: y"), gets: refused),
        HostileStream("a user in the authority", head: head(authority: "u@a"), gets: answered),
        HostileStream("a path in the authority", head: head(authority: "a/evil"), gets: answered),
        HostileStream("CONNECT with a path", head: head(method: "CONNECT"), gets: refused),
        HostileStream(
            "CONNECT", head: [(":method", "CONNECT"), (":authority", "a:443")], gets: answered),
        HostileStream(
            "CONNECT of an unknown protocol", head: head(method: "CONNECT") + [(":protocol", "x")],
            gets: refused),
    ]

    private static func head(
        method: String = "GET", scheme: String = "http", path: String = "/",
        authority: String = "a"
    ) -> [HTTP2Attempt.Field] {
        [(":method", method), (":scheme", scheme), (":path", path), (":authority", authority)]
    }

    private static let posted = "200, kept; POST / HTTP/1.1, host: a, body hello"

    private static let content: [HostileStream] = [
        HostileStream("content without a length", content: "hello", gets: posted),
        HostileStream(
            "a request as content", content: "0\r\n\r\n\(hidden)",
            gets: "200, kept; POST / HTTP/1.1, host: a, body 0\r\n\r\n\(hidden)"),
        HostileStream(
            "a length of less", ("content-length", "4"), content: "hello", gets: refused),
        HostileStream(
            "a length of more", ("content-length", "6"), content: "hello", gets: refused),
        HostileStream("a length and no content", ("content-length", "5"), gets: refused),
        HostileStream(
            "a length twice, the same", ("content-length", "5"), ("content-length", "5"),
            content: "hello", gets: answered),
        HostileStream(
            "a list of the same length", ("content-length", "5, 5"), content: "hello",
            gets: answered),
        HostileStream(
            "a length with a plus sign", ("content-length", "+5"), content: "hello",
            gets: answered),
        HostileStream(
            "a length of 5 and 2^64", ("content-length", "18446744073709551621"),
            content: "hello", gets: answered),
        HostileStream(
            "a length and a coding", ("content-length", "5"), ("transfer-encoding", "chunked"),
            content: "hello", gets: refused),
        HostileStream(
            "a trailer", content: "hello", trailers: [("x-sum", "1")],
            gets: "200, kept; POST / HTTP/1.1, host: a, body hello, trailer x-sum: 1"),
        HostileStream(
            "a length as a trailer", content: "hello", trailers: [("content-length", "9")],
            gets: refused),
        HostileStream(
            "a coding as a trailer", content: "hello", trailers: [("transfer-encoding", "chunked")],
            gets: refused),
        HostileStream(
            "a pseudo-header field as a trailer", content: "hello", trailers: [(":path", "/evil")],
            gets: refused),
        HostileStream(
            "CR LF in a trailer", content: "hello", trailers: [("x", "a\r\n\r\n\(hidden)")],
            gets: refused),
        HostileStream(
            "an upper-case trailer", content: "hello", trailers: [("X-Sum", "1")], gets: refused),
    ]
}
