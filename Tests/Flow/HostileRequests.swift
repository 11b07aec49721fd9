// The requests that Fairlead, HAProxy and nginx are given, with what Fairlead does and why the
// others differ. differences.md shows it all as a table.

extension Hostile {
    /// Every request, under the heading of the table that it stands in.
    static let all: [(heading: String, requests: [Hostile])] = [
        ("Framing", framing),
        ("Chunks", chunks),
        ("Fields", fields),
        ("Host and target", targets),
        ("Connections", connections),
    ]

    private static let get = "GET / HTTP/1.1"
    private static let post = "POST / HTTP/1.1"
    private static let host = "Host: a"
    private static let length = "Content-Length: 5"
    private static let chunked = "Transfer-Encoding: chunked"
    /// A request that hides in the body of another.
    private static let hidden = "GET /evil HTTP/1.1\r\nHost: a\r\n\r\n"

    private static let refused = "400, closed; goes nowhere"
    private static let unknown = "501, closed; goes nowhere"
    private static let passed = "200, kept; GET / HTTP/1.1, host: a"
    private static let posted = "200, kept; POST / HTTP/1.1, host: a, body hello"

    private static let framing: [Hostile] = [
        Hostile("a length", post, host, length, body: "hello", gets: posted),
        Hostile("chunks", post, host, chunked, body: "5\r\nhello\r\n0\r\n\r\n", gets: posted),
        Hostile(
            "a length and chunks", post, host, "Content-Length: 36", chunked,
            body: "0\r\n\r\n" + hidden, gets: refused, haproxy: .bothFramings),
        Hostile(
            "chunks and a length", post, host, chunked, "Content-Length: 36",
            body: "0\r\n\r\n" + hidden, gets: refused, haproxy: .bothFramings),
        Hostile(
            "a length twice, the same", post, host, length, length, body: "hello", gets: refused,
            haproxy: .equalLengths),
        Hostile(
            "two lengths", post, host, length, "Content-Length: 0", body: "hello", gets: refused),
        Hostile(
            "a list of the same length", post, host, "Content-Length: 5, 5", body: "hello",
            gets: refused, haproxy: .equalLengths),
        Hostile(
            "a list of two lengths", post, host, "Content-Length: 5, 6", body: "hello",
            gets: refused),
        Hostile(
            "a length with a plus sign", post, host, "Content-Length: +5", body: "hello",
            gets: refused),
        Hostile(
            "a negative length", post, host, "Content-Length: -5", body: "hello", gets: refused),
        Hostile(
            "a length in hexadecimal", post, host, "Content-Length: 0x5", body: "hello",
            gets: refused),
        Hostile(
            "a length of 5 and 2^64", post, host, "Content-Length: 18446744073709551621",
            body: "hello", gets: refused),
        Hostile("an empty length", post, host, "Content-Length:", body: "hello", gets: refused),
        Hostile(
            "a length with blanks inside", post, host, "Content-Length: 5 5", body: "hello",
            gets: refused),
        Hostile(
            "a length with leading zeros", post, host, "Content-Length: 005", body: "hello",
            gets: posted),
        Hostile(
            "a coding nobody knows", post, host, "Transfer-Encoding: xchunked", body: "0\r\n\r\n",
            gets: refused, nginx: .otherStatus),
        Hostile(
            "gzip before chunked", post, host, "Transfer-Encoding: gzip, chunked",
            body: "0\r\n\r\n", gets: unknown, haproxy: .otherStatus),
        Hostile(
            "chunked before gzip", post, host, "Transfer-Encoding: chunked, gzip",
            body: "0\r\n\r\n", gets: refused, nginx: .otherStatus),
        Hostile(
            "chunked twice", post, host, "Transfer-Encoding: chunked, chunked", body: "0\r\n\r\n",
            gets: unknown, haproxy: .otherStatus),
        Hostile(
            "two fields of codings", post, host, chunked, "Transfer-Encoding: identity",
            body: "0\r\n\r\n", gets: refused),
        Hostile(
            "identity, and a length", post, host, "Transfer-Encoding: identity", length,
            body: "hello", gets: refused, nginx: .otherStatus),
        Hostile(
            "a blank before the colon of the coding", post, host, "Transfer-Encoding : chunked",
            length, body: "0\r\n\r\n", gets: refused),
        Hostile(
            "a vertical tab before the coding", post, host, "Transfer-Encoding: \u{b}chunked",
            body: "0\r\n\r\n", gets: refused, nginx: .otherStatus),
        Hostile(
            "chunks in HTTP/1.0", "POST / HTTP/1.0", host, chunked,
            body: "5\r\nhello\r\n0\r\n\r\n", gets: refused, haproxy: .chunksInHTTP10),
        Hostile(
            "a body of GET", get, host, length, body: "hello",
            gets: "200, kept; GET / HTTP/1.1, host: a, body hello"),
        Hostile(
            "a body of TRACE", "TRACE / HTTP/1.1", host, length, body: "hello", gets: refused,
            haproxy: .trace, nginx: .trace),
    ]

    private static let chunks: [Hostile] = [
        Hostile(
            "a prefix 0x", post, host, chunked, body: "0x5\r\nhello\r\n0\r\n\r\n", gets: refused),
        Hostile(
            "a plus sign", post, host, chunked, body: "+5\r\nhello\r\n0\r\n\r\n", gets: refused),
        Hostile(
            "a negative size", post, host, chunked, body: "-5\r\nhello\r\n0\r\n\r\n",
            gets: refused),
        Hostile(
            "a blank before the size", post, host, chunked, body: " 5\r\nhello\r\n0\r\n\r\n",
            gets: refused),
        Hostile(
            "a blank after the size", post, host, chunked, body: "5 \r\nhello\r\n0\r\n\r\n",
            gets: refused, haproxy: .blankAfterSize, nginx: .blankAfterSize),
        Hostile(
            "a size of 5 and 2^64", post, host, chunked,
            body: "10000000000000005\r\nhello\r\n0\r\n\r\n", gets: refused),
        Hostile(
            "17 digits", post, host, chunked, body: "00000000000000005\r\nhello\r\n0\r\n\r\n",
            gets: refused, haproxy: .digits, nginx: .digits),
        Hostile("no size", post, host, chunked, body: "\r\nhello\r\n0\r\n\r\n", gets: refused),
        Hostile(
            "a size that ends in LF", post, host, chunked, body: "5\nhello\r\n0\r\n\r\n",
            gets: refused, haproxy: .bareLineFeed, nginx: .bareLineFeed),
        Hostile(
            "no line end after the data", post, host, chunked, body: "5\r\nhello0\r\n\r\n",
            gets: refused),
        Hostile(
            "more data than the size", post, host, chunked, body: "4\r\nhello\r\n0\r\n\r\n",
            gets: refused),
        Hostile(
            "an extension", post, host, chunked, body: "5;a=b\r\nhello\r\n0\r\n\r\n", gets: posted),
        Hostile(
            "LF in an extension", post, host, chunked, body: "5;a\nb\r\nhello\r\n0\r\n\r\n",
            gets: refused),
        Hostile(
            "a last chunk that ends in LF", post, host, chunked, body: "5\r\nhello\r\n0\n\n",
            gets: refused, haproxy: .bareLineFeed, nginx: .bareLineFeed),
        Hostile(
            "a trailer", post, host, chunked, body: "5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n",
            gets: "200, kept; POST / HTTP/1.1, host: a, body hello, trailer x-sum: 1",
            nginx: .trailersDropped),
        Hostile(
            "a length as a trailer", post, host, chunked,
            body: "5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n", gets: refused,
            haproxy: .framingTrailer, nginx: .trailersDropped),
        Hostile(
            "a trailer without a colon", post, host, chunked,
            body: "5\r\nhello\r\n0\r\nX-Sum\r\n\r\n", gets: refused, nginx: .trailersDropped),
    ]

    private static let fields: [Hostile] = [
        Hostile("a blank before a colon", get, host, "X : y", gets: refused),
        Hostile("a folded field", get, host, "X: one", " two", gets: refused, haproxy: .folded),
        Hostile("a blank before the first field", get, " X: y", host, gets: refused),
        Hostile("a field without a name", get, host, ": y", gets: refused),
        Hostile("a field without a colon", get, host, "X", gets: refused, nginx: .noColon),
        Hostile(
            "LF at the end of lines", raw: "GET / HTTP/1.1\nHost: a\n\n", gets: refused,
            haproxy: .bareLineFeed, nginx: .bareLineFeed),
        Hostile(
            "CR within a value", raw: "GET / HTTP/1.1\r\nHost: a\r\nX: o\rne\r\n\r\n",
            gets: refused),
        Hostile(
            "CR CR LF", raw: "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", gets: refused,
            nginx: .extraCarriageReturn),
        Hostile(
            "NUL in a value", raw: "GET / HTTP/1.1\r\nHost: a\r\nX: o\0ne\r\n\r\n", gets: refused,
            haproxy: .nul),
        Hostile(
            "an underscore in a name", get, host, "X_Y: z",
            gets: "200, kept; GET / HTTP/1.1, host: a, x_y: z", nginx: .underscore),
        Hostile(
            "a field that Connection names", get, host, "Connection: close, X-Hop", "X-Hop: 1",
            gets: "200, closed; GET / HTTP/1.1, host: a", haproxy: .nominated, nginx: .nominated),
        Hostile(
            "Host and length named by Connection", post, host, "Connection: host, content-length",
            length, body: "hello", gets: posted),
        Hostile(
            "fields of one hop", get, host, "Keep-Alive: 5", "Proxy-Connection: close",
            "TE: trailers", "Proxy-Authorization: x", gets: passed, haproxy: .hopByHop,
            nginx: .hopByHop),
        Hostile(
            "101 fields",
            raw: "\(get)\r\n\(host)\r\n\(String(repeating: "X: y\r\n", count: 100))\r\n",
            gets: "431, closed; goes nowhere", haproxy: .otherStatus, nginx: .fieldCount),
    ]

    private static let targets: [Hostile] = [
        Hostile("no Host", get, "X: y", gets: refused, haproxy: .hostMissing),
        Hostile("two Hosts", get, host, "Host: b", gets: refused),
        Hostile("an empty Host", get, "Host:", gets: refused, haproxy: .hostSyntax),
        Hostile(
            "a user in Host", get, "Host: u@a", gets: refused, haproxy: .hostSyntax,
            nginx: .hostSyntax),
        Hostile("a path in Host", get, "Host: a/b", gets: refused, haproxy: .hostSyntax),
        Hostile(
            "an absolute target of another host", "GET http://b/x HTTP/1.1", host,
            gets: "200, kept; GET /x HTTP/1.1, host: b", haproxy: .absoluteForm),
        Hostile(
            "an absolute target without a path", "GET http://b?y HTTP/1.1", host,
            gets: "200, kept; GET /?y HTTP/1.1, host: b", haproxy: .absoluteForm),
        Hostile("a user in an absolute target", "GET http://u@b/x HTTP/1.1", host, gets: refused),
        Hostile("an authority as the target of GET", "GET a:80 HTTP/1.1", host, gets: refused),
        Hostile(
            "an asterisk as the target of GET", "GET * HTTP/1.1", host, gets: refused,
            haproxy: .asteriskOfGet),
        Hostile(
            "OPTIONS of an asterisk", "OPTIONS * HTTP/1.1", host,
            gets: "200, kept; OPTIONS * HTTP/1.1, host: a", nginx: .asterisk),
        Hostile(
            "CONNECT", "CONNECT a:443 HTTP/1.1", "Host: a:443", gets: refused, haproxy: .connect),
        Hostile(
            "two spaces", "GET  / HTTP/1.1", host, gets: refused, haproxy: .requestLine,
            nginx: .requestLine),
        Hostile("a space in the target", "GET /a b HTTP/1.1", host, gets: refused),
        Hostile(
            "a tab between method and target", "GET\t/ HTTP/1.1", host, gets: refused,
            haproxy: .requestLine),
        Hostile("a fragment", "GET /a#b HTTP/1.1", host, gets: refused, nginx: .targetSyntax),
        Hostile(
            "a byte beyond ASCII in the target", "GET /\u{e9} HTTP/1.1", host, gets: refused,
            nginx: .targetSyntax),
        Hostile(
            "dot segments", "GET /a/../b HTTP/1.1", host,
            gets: "200, kept; GET /a/../b HTTP/1.1, host: a"),
        Hostile(
            "an encoded slash and NUL", "GET /a%2fb%00 HTTP/1.1", host,
            gets: "200, kept; GET /a%2fb%00 HTTP/1.1, host: a", nginx: .encodedNUL),
        Hostile("HTTP/0.9", "GET /", gets: refused, nginx: .http09),
        Hostile(
            "HTTP/1.2", "GET / HTTP/1.2", host, gets: "505, closed; goes nowhere",
            haproxy: .minorVersion, nginx: .minorVersion),
        Hostile(
            "HTTP/2.0", "GET / HTTP/2.0", host, gets: "505, closed; goes nowhere",
            haproxy: .majorVersion),
        Hostile("HTTP/1.10", "GET / HTTP/1.10", host, gets: refused, nginx: .minorVersion),
        Hostile("a version in lower case", "GET / http/1.1", host, gets: refused),
        Hostile(
            "a method in lower case", "get / HTTP/1.1", host,
            gets: "200, kept; get / HTTP/1.1, host: a", nginx: .methodCase),
    ]

    private static let connections: [Hostile] = [
        Hostile("an empty line first", raw: "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", gets: passed),
        Hostile(
            "two requests",
            raw: "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
            gets: "200 200, kept; GET / HTTP/1.1, host: a + GET /2 HTTP/1.1, host: a"),
        Hostile(
            "a malformed one after a good one",
            raw: "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost : a\r\n\r\n",
            gets: "200 400, closed; GET / HTTP/1.1, host: a"),
        Hostile(
            "HTTP/1.0", "GET / HTTP/1.0", host, gets: "200, closed; GET / HTTP/1.1, host: a",
            haproxy: .ownVersion),
        Hostile(
            "Upgrade to HTTP/2", get, host, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
            "HTTP2-Settings: x", gets: passed, haproxy: .http2, nginx: .http2),
    ]
}
