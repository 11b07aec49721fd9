// Goal: an answer gets the page of its status and of the best of the lists, and only a client that
// takes such a document sees it; what is closed is so for those alone that may not come. Method:
// tables of statuses and of what clients say.

import Endpoints
import HTTP1
import Routing
import Testing

@Suite struct ErrorPagesTests {
    private func rule(_ statuses: PageStatuses, _ text: String) -> PageRule {
        PageRule(statuses, "\(text).html", Page(.html, Array(text.utf8)))
    }

    private func text(_ pages: ErrorPages?, _ status: Int) -> String? {
        pages?.page(for: status).map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    @Test("one status goes before a hundred, and a route's pages before its listener's")
    func choice() throws {
        let listener = [rule(.one(502), "l502"), rule(.hundred(5), "l5"), rule(.one(404), "l404")]
        let route = [rule(.hundred(4), "r4"), rule(.one(503), "r503")]
        let own = try #require(ErrorPages(listener, ofBackends: false))
        #expect(
            [400, 404, 499, 500, 502, 599].map { text(own, $0) } == [
                nil, "l404", nil, "l5", "l502", "l5",
            ])
        let both = try #require(ErrorPages(route, over: listener, ofBackends: true))
        #expect(
            [400, 404, 500, 502, 503].map { text(both, $0) } == [
                "r4", "r4", "l5", "l502", "r503",
            ])
        #expect(both.areOfBackends && !own.areOfBackends)
        // No page is ever for a status that has no body, or is no error.
        for status in [0, 100, 200, 204, 304, 399, 600, 999] { #expect(text(both, status) == nil) }
        #expect(ErrorPages([], ofBackends: true) == nil)
        // A page that was not read is none.
        #expect(ErrorPages([PageRule(.one(502), "x.html")], ofBackends: false) == nil)
    }

    @Test("the ending says the format, and the bytes whether the encoding is known")
    func formats() {
        for (path, format) in [
            ("/a/b.html", .html), ("x.HTM", .html), ("x.txt", .text), ("x.json", .json),
            ("x.xml", .xml), ("x", nil), ("x.html/y", nil), (".php", nil), ("x.html.gz", nil),
        ] as [(String, PageFormat?)] {
            #expect(PageFormat(path: path) == format, "\(path)")
        }
        #expect(Page(.html, [0x61]).mediaType == "text/html; charset=utf-8")
        #expect(Page(.html, [0xE4]).mediaType == "text/html")
        #expect(Page(.text, [0xC3, 0xA4]).mediaType == "text/plain; charset=utf-8")
        #expect(Page(.json, [0x7B, 0x7D]).mediaType == "application/json")
        #expect(Page(.xml, [0x3C]).mediaType == "application/xml")
    }

    @Test(
        "a client takes what its Accept says, the closest range first",
        arguments: [
            ("", [true, true, true, true]),
            ("Accept: */*\r\n", [true, true, true, true]),
            ("Accept: application/json\r\n", [false, false, true, false]),
            ("aCCept:text/html,application/xhtml+xml;q=0.9\r\n", [true, false, false, false]),
            ("Accept: text/*; q=0.5 , application/xml\r\n", [true, true, false, true]),
            ("Accept: text/html;q=0, */*\r\n", [false, true, true, true]),
            ("Accept: */*, text/html;q=0.000\r\n", [false, true, true, true]),
            ("Accept: */*;q=0\r\n", [false, false, false, false]),
            ("Accept: TEXT/HTML;level=1;q=0.001\r\n", [true, false, false, false]),
            ("Accept: image/png\r\n", [false, false, false, false]),
            ("Accept:\r\n", [false, false, false, false]),
            ("Accept: image/png\r\nAccept: text/html\r\n", [true, false, false, false]),
            ("Accept: , ;q=0, text, text/ , /html\r\n", [false, false, false, false]),
            ("Accept-Language: x\r\nX-Accept: application/json\r\n", [true, true, true, true]),
            ("Content-Type: application/grpc+proto\r\n", [false, false, false, false]),
            (
                "Content-Type: application/grpc-web\r\nAccept: */*\r\n",
                [false, false, false, false]
            ),
            ("Content-Type: application/json\r\n", [true, true, true, true]),
        ])
    func accept(fields: String, expected: [Bool]) {
        let head = Array("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n".utf8)
        let accepted = AcceptedFormats(head.span)
        #expect(PageFormat.allCases.map { accepted.contain($0) } == expected)
    }

    @Test("a head that is cut off anywhere is read to its end, and no further")
    func cut() {
        let head = Array("GET / HTTP/1.1\r\nAccept: text/html;q=0.0, */*;q=0\r\n".utf8)
        for count in 0...head.count {
            _ = AcceptedFormats(Array(head[..<count]).span).contain(.html)
        }
    }

    @Test("closed is what the rule says, but for the networks that it lets through")
    func maintenance() throws {
        var rule = MaintenanceRule()
        #expect(Maintenance(rule) == nil)
        rule.when = .off
        #expect(Maintenance(rule) == nil)
        rule.when = .whileFile("/run/x")
        #expect(Maintenance(rule) == nil)
        rule.isFileThere = true
        let closed = try #require(Maintenance(rule))
        let client = try #require(IPAddress("192.0.2.1"))
        #expect(!closed.serves(client) && !closed.serves(nil))
        #expect(closed.retryAfter == Array("300".utf8))
        rule.when = .on
        rule.isFileThere = false
        rule.allowed = [try #require(IPNetwork(containing: client, prefix: 24))]
        rule.retryAfter = .milliseconds(100)
        let partly = try #require(Maintenance(rule))
        #expect(partly.serves(client) && !partly.serves(.loopback) && !partly.serves(nil))
        #expect(partly.retryAfter == Array("1".utf8))
    }
}
