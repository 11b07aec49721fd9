// Goal: a response gets the coding that its client likes most, and its head says so (RFC 9110,
// sections 8.4, 8.8.3 and 12.5.3). Method: tables of heads.

import HTTP1
import Testing

/// What a request accepts, of which codings, and what its response gets.
struct AcceptCase: CustomTestStringConvertible, Sendable {
    var fields: String
    var offered: [ContentCoding] = [.zstd, .brotli, .gzip]
    var coding: ContentCoding?
    var testDescription: String { "\(fields.debugDescription) of \(offered)" }
}

private let acceptCases: [AcceptCase] = [
    AcceptCase(fields: "", coding: nil),
    AcceptCase(fields: "Accept-Encoding:\r\n", coding: nil),
    AcceptCase(fields: "Accept-Encoding: gzip\r\n", coding: .gzip),
    AcceptCase(fields: "accept-encoding: GZIP\r\n", coding: .gzip),
    AcceptCase(fields: "Accept-Encoding: x-gzip\r\n", coding: .gzip),
    AcceptCase(fields: "Accept-Encoding: deflate, compress\r\n", coding: nil),
    AcceptCase(fields: "Accept-Encoding: gzipped, brx\r\n", coding: nil),
    // What browsers send.
    AcceptCase(fields: "Accept-Encoding: gzip, deflate, br\r\n", coding: .brotli),
    AcceptCase(fields: "Accept-Encoding: gzip, deflate, br, zstd\r\n", coding: .zstd),
    // The operator's order decides between equals, the client's weights between others.
    AcceptCase(fields: "Accept-Encoding: br, gzip\r\n", offered: [.gzip, .brotli], coding: .gzip),
    AcceptCase(fields: "Accept-Encoding: br;q=0.8, gzip\r\n", coding: .gzip),
    AcceptCase(fields: "Accept-Encoding: br ; q=0.8 ,gzip;q=0.799\r\n", coding: .brotli),
    AcceptCase(fields: "Accept-Encoding: gzip;q=0.5\r\nAccept-Encoding: br\r\n", coding: .brotli),
    AcceptCase(
        fields: "Accept-Encoding: zstd, gzip\r\n", offered: [.brotli, .gzip], coding: .gzip),
    // Nothing is taken that is forbidden, or liked less than the content as it is.
    AcceptCase(fields: "Accept-Encoding: gzip;q=0\r\n", coding: nil),
    AcceptCase(fields: "Accept-Encoding: gzip;q=0.000, *\r\n", coding: .zstd),
    AcceptCase(fields: "Accept-Encoding: *\r\n", offered: [.gzip], coding: .gzip),
    AcceptCase(fields: "Accept-Encoding: *;q=0\r\n", coding: nil),
    AcceptCase(fields: "Accept-Encoding: zstd;q=0, *;q=0.1\r\n", coding: .brotli),
    AcceptCase(fields: "Accept-Encoding: identity\r\n", coding: nil),
    AcceptCase(fields: "Accept-Encoding: identity, gzip;q=0.9\r\n", coding: nil),
    AcceptCase(fields: "Accept-Encoding: identity;q=0.5, gzip;q=0.5\r\n", coding: .gzip),
    AcceptCase(fields: "Accept-Encoding: identity;q=0, gzip;q=0.001\r\n", coding: .gzip),
    // A member that is malformed says nothing.
    AcceptCase(fields: "Accept-Encoding: gzip;q=2\r\n", coding: nil),
    AcceptCase(fields: "Accept-Encoding: gzip;q=0.1234\r\n", coding: nil),
    AcceptCase(fields: "Accept-Encoding: gzip;q=1.001\r\n", coding: nil),
    AcceptCase(fields: "Accept-Encoding: gzip;level=1\r\n", coding: nil),
    AcceptCase(fields: "Accept-Encoding: ,, ;q=1, gzip;q=x, br\r\n", coding: .brotli),
    AcceptCase(
        fields: "Accept-Encoding: gzip\r\nCache-Control: max-age=0, no-transform\r\n", coding: nil),
]

@Suite struct ContentCodingTests {
    @Test("the client's weights decide, then the operator's order", arguments: acceptCases)
    func accepted(_ example: AcceptCase) throws {
        let request = ParsedRequest("GET / HTTP/1.1\r\nHost: a\r\n\(example.fields)\r\n")
        try #require(request.outcome == .complete(length: request.input.count))
        let coding = request.head.acceptedCoding(
            request.input.span, of: ContentCodings(example.offered))
        #expect(coding == example.coding)
    }

    @Test("a coding that is named twice counts once, and none is none")
    func codings() {
        let codings = ContentCodings([.gzip, .brotli, .gzip, .brotli])
        #expect(codings.count == 2 && codings[0] == .gzip && codings[1] == .brotli)
        #expect(ContentCodings([]).count == 0)
    }

    /// The head for a client of HTTP/1.1, with this change.
    private func written(_ fields: String, _ change: ContentChange) throws -> String {
        let response = ParsedResponse("HTTP/1.1 200 OK\r\n\(fields)\r\n")
        try #require(response.outcome == .complete(length: response.input.count))
        var out: [UInt8] = []
        out.append(addingCapacity: response.head.writtenBytesMax()) { (out: inout OutputSpan) in
            response.head.write(
                from: response.input.span,
                to: ClientCapabilities(version: .http11, keepsAlive: true),
                framing: change.coding == nil ? response.head.body : .chunked, change: change,
                into: &out)
        }
        return text(out)
    }

    @Test("the head of coded content has the coding, no length, and a weak tag")
    func change() throws {
        var change = ContentChange()
        change.coding = .brotli
        change.weakensTag = true
        change.addsVary = true
        let head = try written(
            "Content-Length: 9\r\nETag: \"a\"\r\nAccept-Ranges: bytes\r\n"
                + "Vary: Origin\r\nX-A: b\r\n",
            change)
        #expect(
            head == "HTTP/1.1 200 OK\r\nETag: W/\"a\"\r\nVary: Origin\r\nX-A: b\r\n"
                + "Content-Encoding: br\r\nVary: Accept-Encoding\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n")
        // A tag that is weak, or none, stays as it is.
        for tag in ["W/\"a\"", "a", "\"\"", ""] {
            let head = try written("Content-Length: 0\r\nETag: \(tag)\r\n", change)
            #expect(head.contains("ETag: \(tag == "\"\"" ? "W/" : "")\(tag)\r\n"), "\(head)")
        }
    }

    @Test("content that stays keeps its length, its tag and its ranges")
    func noChange() throws {
        var change = ContentChange()
        change.addsVary = true
        let fields = "ETag: \"a\"\r\nAccept-Ranges: bytes\r\n"
        let head = try written("Content-Length: 9\r\n" + fields, change)
        #expect(
            head == "HTTP/1.1 200 OK\r\n\(fields)Vary: Accept-Encoding\r\nContent-Length: 9\r\n\r\n"
        )
    }

    @Test("what a head says of its content is seen whatever the letters' case")
    func facts() throws {
        func facts(_ fields: String) throws -> ContentFacts {
            let response = ParsedResponse(
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\(fields)\r\n")
            try #require(response.outcome == .complete(length: response.input.count))
            return response.head.contentFacts(response.input.span)
        }
        #expect(try facts("Content-Encoding: gzip\r\n").isCoded)
        #expect(try facts("CONTENT-ENCODING: identity\r\n").isCoded)
        for fixed in [
            "cache-control: private, No-Transform", "Digest: a", "Content-MD5: a",
            "Repr-Digest: a", "Content-Digest: a", "Trailer: X-A, repr-digest",
        ] {
            #expect(try facts("\(fixed)\r\n").isFixed, "\(fixed)")
        }
        #expect(try !facts("Cache-Control: no-transformer, x=no-transform\r\n").isFixed)
        #expect(try facts("Content-Range: bytes 0-0/1\r\n").isPart)
        #expect(try facts("Vary: Origin, accept-encoding\r\n").varies)
        #expect(try facts("Vary: *\r\n").varies)
        #expect(try !facts("Vary: Accept\r\n").varies)
        #expect(try facts("Content-Type: a/b\r\nContent-Type: c/d\r\n").type.isEmpty)
        #expect(try facts("\(String(repeating: "Content-Type: a/b\r\n", count: 3))").type.isEmpty)
    }
}
