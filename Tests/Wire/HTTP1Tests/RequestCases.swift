// Requests as texts: valid ones with what they mean, and a malformed twin for each rule. Used by
// the tests of parsing, of cuts and of mutations.

import HTTP1
import Testing

/// A request and what it must be understood as.
struct RequestCase: CustomTestStringConvertible, Sendable {
    var input: String
    var method = HTTP1.Method.get
    var form = TargetForm.origin
    var path = "/"
    var host = "a"
    var version = HTTPVersion.http11
    var body = BodyFraming.none
    var keepsAlive = true
    var expectsContinue = false
    var upgrade: String?
    var testDescription: String { input.debugDescription }
}

/// A refused request and its reason.
struct RefusedCase: CustomTestStringConvertible, Sendable {
    var input: String
    var error: HeadError
    var testDescription: String { "\(error) \(input.debugDescription)" }

    init(_ input: String, _ error: HeadError) {
        self.input = input
        self.error = error
    }
}

let requestCases: [RequestCase] = [
    RequestCase(input: "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    RequestCase(input: "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    RequestCase(input: "GET /p?q=%20&r HTTP/1.1\r\nhOsT:a\r\n\r\n", path: "/p?q=%20&r"),
    RequestCase(input: "GET / HTTP/1.1\r\nHost: \t a:80 \t\r\n\r\n", host: "a:80"),
    RequestCase(
        input: "GET / HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n\r\n", host: "[2001:db8::1]:443"),
    RequestCase(input: "GET / HTTP/1.1\r\nHost: x_y.%41-z:\r\n\r\n", host: "x_y.%41-z:"),
    RequestCase(
        input: "GET http://b:81/x HTTP/1.1\r\nHost: a\r\n\r\n", form: .absolute, path: "/x",
        host: "b:81"),
    RequestCase(
        input: "GET HTTPS://b?x HTTP/1.1\r\nHost: a\r\n\r\n", form: .absolute, path: "?x", host: "b"
    ),
    RequestCase(
        input: "GET http://b HTTP/1.1\r\nHost: a\r\n\r\n", form: .absolute, path: "", host: "b"),
    RequestCase(
        input: "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", method: .options, form: .asterisk, path: "*"
    ),
    RequestCase(
        input: "CONNECT b:443 HTTP/1.1\r\nHost: a\r\n\r\n", method: .connect, form: .authority,
        path: "", host: "b:443"),
    RequestCase(input: "M-SEARCH /x HTTP/1.1\r\nHost: a\r\n\r\n", method: .other, path: "/x"),
    RequestCase(input: "get / HTTP/1.1\r\nHost: a\r\n\r\n", method: .other),
    RequestCase(input: "GET / HTTP/1.0\r\n\r\n", host: "", version: .http10, keepsAlive: false),
    RequestCase(
        input: "GET / HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n", version: .http10),
    RequestCase(
        input: "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, ,CLOSE\r\n\r\n", keepsAlive: false),
    RequestCase(
        input: "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n",
        keepsAlive: false),
    RequestCase(
        input: "POST / HTTP/1.1\r\nContent-Length: 5\r\nHost: a\r\n\r\n12345", method: .post,
        body: .length(5)),
    RequestCase(
        input: "PUT / HTTP/1.1\r\nHost: a\r\ncontent-length: 0\r\n\r\n", method: .put,
        body: .length(0)),
    RequestCase(
        input: "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4611686018427387903\r\n\r\n",
        method: .put, body: .length(4_611_686_018_427_387_903)),
    RequestCase(
        input: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", method: .post,
        body: .chunked),
    RequestCase(
        input: "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n",
        method: .post, body: .length(1), expectsContinue: true),
    RequestCase(
        input: "POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n",
        method: .post, version: .http10, body: .length(1), keepsAlive: false),
    RequestCase(
        input: "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        upgrade: "websocket"),
    RequestCase(input: "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n"),
    RequestCase(input: "GET / HTTP/1.1\r\nHost: a\r\nX: \tcaf\u{E9} \u{1F6A2}\t.\r\nY:\r\n\r\n"),
]

let refusedRequests: [RefusedCase] = [
    // Lines.
    RefusedCase("GET / HTTP/1.1\nHost: a\r\n\r\n", .bareLineFeed),
    RefusedCase("GET / HTTP/1.1\r\nHost: a\n\r\n", .bareLineFeed),
    RefusedCase("GET / HTTP/1.1\r\nHost: a\r\n\n", .bareLineFeed),
    RefusedCase("GET / HTTP/1.1\r\nX\nHost: a\r\n\r\n", .bareLineFeed),
    RefusedCase("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .bareLineFeed),
    RefusedCase("GET / HTTP/1.1\r\nX: a\rb\r\nHost: a\r\n\r\n", .bareCarriageReturn),
    RefusedCase("GET / HTTP/1.1\rX\r\nHost: a\r\n\r\n", .bareCarriageReturn),
    RefusedCase("GET / HTTP/1.1\r\nHost: a\r\n\rX", .bareCarriageReturn),
    RefusedCase("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", .bareCarriageReturn),
    RefusedCase("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .invalidMethod),
    // Request line.
    RefusedCase(" GET / HTTP/1.1\r\nHost: a\r\n\r\n", .invalidMethod),
    RefusedCase("GE(T / HTTP/1.1\r\nHost: a\r\n\r\n", .invalidMethod),
    RefusedCase("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", .invalidMethod),
    RefusedCase("GET\n/ HTTP/1.1\r\nHost: a\r\n\r\n", .bareLineFeed),
    RefusedCase("\u{16}\u{3}\u{1}", .invalidMethod),
    RefusedCase("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", .invalidRequestLine),
    RefusedCase("GET /  HTTP/1.1\r\nHost: a\r\n\r\n", .invalidRequestLine),
    RefusedCase("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", .invalidRequestLine),
    RefusedCase("GET /\r\n", .invalidRequestLine),
    RefusedCase("GET / x HTTP/1.1\r\nHost: a\r\n\r\n", .invalidRequestLine),
    RefusedCase("GET / http/1.1\r\nHost: a\r\n\r\n", .invalidRequestLine),
    RefusedCase("GET / HTTP/11\r\nHost: a\r\n\r\n", .invalidRequestLine),
    RefusedCase("GET / HTTP/1.1.1\r\nHost: a\r\n\r\n", .invalidRequestLine),
    RefusedCase("GET / HTTP/2.0\r\nHost: a\r\n\r\n", .unsupportedVersion),
    RefusedCase("GET / HTTP/1.2\r\nHost: a\r\n\r\n", .unsupportedVersion),
    RefusedCase("GET / HTTP/0.9\r\nHost: a\r\n\r\n", .unsupportedVersion),
    RefusedCase("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .unsupportedVersion),
    RefusedCase("GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", .invalidTarget),
    RefusedCase("GET /\u{0} HTTP/1.1\r\nHost: a\r\n\r\n", .invalidTarget),
    RefusedCase("GET /\u{7F} HTTP/1.1\r\nHost: a\r\n\r\n", .invalidTarget),
    RefusedCase("GET /\u{E9} HTTP/1.1\r\nHost: a\r\n\r\n", .invalidTarget),
    RefusedCase("GET /12345678#f HTTP/1.1\r\nHost: a\r\n\r\n", .invalidTarget),
    RefusedCase("GET x HTTP/1.1\r\nHost: a\r\n\r\n", .invalidTarget),
    RefusedCase("GET ftp://b/ HTTP/1.1\r\nHost: a\r\n\r\n", .invalidTarget),
    RefusedCase("GET http:/b/x HTTP/1.1\r\nHost: a\r\n\r\n", .invalidTarget),
    RefusedCase("GET http:/// HTTP/1.1\r\nHost: a\r\n\r\n", .invalidHost),
    RefusedCase("GET http://u@b/ HTTP/1.1\r\nHost: a\r\n\r\n", .invalidHost),
    RefusedCase("GET http://b:x/ HTTP/1.1\r\nHost: a\r\n\r\n", .invalidHost),
    RefusedCase("GET * HTTP/1.1\r\nHost: a\r\n\r\n", .targetFormNotAllowed),
    RefusedCase("CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n", .targetFormNotAllowed),
    RefusedCase("CONNECT b HTTP/1.1\r\nHost: a\r\n\r\n", .targetFormNotAllowed),
    RefusedCase("CONNECT b: HTTP/1.1\r\nHost: a\r\n\r\n", .targetFormNotAllowed),
    RefusedCase("CONNECT http://b:1 HTTP/1.1\r\nHost: a\r\n\r\n", .targetFormNotAllowed),
    // Fields.
    RefusedCase("GET / HTTP/1.1\r\n X: b\r\nHost: a\r\n\r\n", .leadingWhitespace),
    RefusedCase("GET / HTTP/1.1\r\nHost: a\r\n\tb\r\n\r\n", .leadingWhitespace),
    RefusedCase("GET / HTTP/1.1\r\nHost : a\r\n\r\n", .whitespaceBeforeColon),
    RefusedCase("GET / HTTP/1.1\r\nHost\t: a\r\n\r\n", .whitespaceBeforeColon),
    RefusedCase("GET / HTTP/1.1\r\n: b\r\nHost: a\r\n\r\n", .emptyFieldName),
    RefusedCase("GET / HTTP/1.1\r\nX\r\nHost: a\r\n\r\n", .invalidFieldName),
    RefusedCase("GET / HTTP/1.1\r\nX(: b\r\nHost: a\r\n\r\n", .invalidFieldName),
    RefusedCase("GET / HTTP/1.1\r\nX\u{0}: b\r\nHost: a\r\n\r\n", .invalidFieldName),
    RefusedCase("GET / HTTP/1.1\r\n\u{E9}: b\r\nHost: a\r\n\r\n", .invalidFieldName),
    RefusedCase("GET / HTTP/1.1\r\nX: a\u{0}b\r\nHost: a\r\n\r\n", .invalidFieldValue),
    RefusedCase("GET / HTTP/1.1\r\nX: 12345678\u{7F}\r\nHost: a\r\n\r\n", .invalidFieldValue),
    RefusedCase("GET / HTTP/1.1\r\nX: \t1234\u{1B}678\r\nHost: a\r\n\r\n", .invalidFieldValue),
    // Host.
    RefusedCase("GET / HTTP/1.1\r\n\r\n", .missingHost),
    RefusedCase("GET http://b/ HTTP/1.1\r\n\r\n", .missingHost),
    RefusedCase("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", .repeatedHost),
    RefusedCase("GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", .repeatedHost),
    RefusedCase("GET / HTTP/1.1\r\nHost:\r\n\r\n", .invalidHost),
    RefusedCase("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", .invalidHost),
    RefusedCase("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", .invalidHost),
    RefusedCase("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", .invalidHost),
    RefusedCase("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", .invalidHost),
    RefusedCase("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", .invalidHost),
    RefusedCase("GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", .invalidHost),
    RefusedCase("GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n", .invalidHost),
    RefusedCase("GET / HTTP/1.1\r\nHost: :80\r\n\r\n", .invalidHost),
    RefusedCase("GET / HTTP/1.1\r\nHost: a%4\r\n\r\n", .invalidHost),
    RefusedCase("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", .invalidHost),
    RefusedCase("GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", .invalidHost),
    RefusedCase("GET / HTTP/1.1\r\nHost: [a]\r\n\r\n", .invalidHost),
    RefusedCase("GET http://b/ HTTP/1.1\r\nHost: a,b\r\n\r\n", .invalidHost),
    // Framing.
    RefusedCase("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", .invalidContentLength),
    RefusedCase("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", .invalidContentLength),
    RefusedCase("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", .invalidContentLength),
    RefusedCase("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n", .invalidContentLength),
    RefusedCase(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n", .invalidContentLength),
    RefusedCase("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 5\r\n\r\n", .invalidContentLength),
    RefusedCase(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4611686018427387904\r\n\r\n",
        .invalidContentLength),
    RefusedCase(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551621\r\n\r\n",
        .invalidContentLength),
    RefusedCase(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\ncontent-length: 5\r\n\r\n",
        .repeatedContentLength),
    RefusedCase(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        .transferEncodingWithContentLength),
    RefusedCase(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
        .transferEncodingWithContentLength),
    RefusedCase(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        .unsupportedTransferCoding),
    RefusedCase(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked ,\tchunked\r\n\r\n",
        .unsupportedTransferCoding),
    RefusedCase(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", .chunkedNotLast),
    RefusedCase(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", .chunkedNotLast),
    RefusedCase(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", .chunkedNotLast),
    RefusedCase(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked,\r\n\r\n", .chunkedNotLast),
    RefusedCase("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", .chunkedNotLast),
    RefusedCase(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n",
        .repeatedTransferEncoding),
    RefusedCase(
        "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        .transferEncodingInHTTP10),
    RefusedCase(
        "CONNECT b:1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", .contentNotAllowed),
    RefusedCase(
        "TRACE / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", .contentNotAllowed),
    // Connection.
    RefusedCase("GET / HTTP/1.1\r\nHost: a\r\nConnection: clo se\r\n\r\n", .invalidConnection),
    RefusedCase("GET / HTTP/1.1\r\nHost: a\r\nConnection: x;y\r\n\r\n", .invalidConnection),
    RefusedCase(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: a,b,c,d,e,f,g,h\r\n"
            + "Connection: a,b,c,d,e,f,g,h,i\r\n\r\n", .tooManyConnectionOptions),
]
