// Goal: what is worth it is compressed, what must not change stays, and every head says what the
// response depends on. Method: heads, and the verdict on each.

import HTTP1
import Routing
import Testing

/// All codings, and the defaults.
private let all = {
    var options = CompressionOptions()
    options.codings = CompressionOptions.allCodings
    return options
}()

private let html = "Content-Type: text/html; charset=utf-8\r\nContent-Length: 5000\r\n"

@Suite struct CompressionRuleTests {
    private func verdict(
        _ fields: String, status: Int = 200, accepted: ContentCoding? = .gzip,
        _ options: CompressionOptions = all
    ) throws -> CompressionVerdict {
        let rule = try #require(CompressionRule(options))
        let bytes = Array("HTTP/1.1 \(status) x\r\n\(fields)\r\n".utf8)
        var head = ResponseHead()
        let outcome = head.parse(bytes.span, answering: .get)
        try #require(outcome == .complete(length: bytes.count), "\(outcome)")
        return rule.verdict(on: head, bytes.span, accepted: accepted)
    }

    @Test("a text is compressed, and its tag weakened")
    func text() throws {
        let verdict = try verdict(html)
        #expect(verdict.change.coding == .gzip && verdict.change.weakensTag)
        #expect(verdict.change.addsVary && verdict.reason == nil)
        #expect(try self.verdict(html, status: 404).change.coding == .gzip)
        #expect(try !self.verdict(html + "Vary: accept-encoding\r\n").change.addsVary)
    }

    @Test(
        "what stays has its reason",
        arguments: [
            ("Content-Type: text/html\r\nContent-Length: 1023\r\n", UncompressedReason.size),
            ("Content-Type: text/html\r\nContent-Length: 0\r\n", .size),
            ("Content-Type: image/png\r\nContent-Length: 5000\r\n", .type),
            ("Content-Length: 5000\r\n", .type),
            (html + "Content-Encoding: br\r\n", .coded),
            (html + "Cache-Control: no-transform\r\n", .fixed),
        ])
    func stays(fields: String, reason: UncompressedReason) throws {
        for accepted in [ContentCoding.gzip, nil] {
            let verdict = try verdict(fields, accepted: accepted)
            #expect(verdict.change == ContentChange() && verdict.reason == reason)
        }
    }

    @Test("what a client does not take says that it depends on that")
    func client() throws {
        let verdict = try verdict(html, accepted: nil)
        #expect(verdict.reason == .client && verdict.change.addsVary)
        #expect(verdict.change.coding == nil && !verdict.change.weakensTag)
    }

    @Test("a part and a 304 have the head of the whole, and no coding")
    func parts() throws {
        let part = try verdict(html + "Content-Range: bytes 0-9/20\r\n", status: 206)
        #expect(part.change.addsVary && part.change.coding == nil && !part.change.weakensTag)
        #expect(part.reason == nil)
        let same = try verdict("ETag: \"a\"\r\n", status: 304)
        #expect(same.change.addsVary && same.change.weakensTag && same.change.coding == nil)
        let other = try verdict("ETag: \"a\"\r\n", status: 304, accepted: nil)
        #expect(other.change.addsVary && !other.change.weakensTag)
        #expect(try verdict("Content-Type: image/png\r\n", status: 304).change == ContentChange())
        for status in [204, 205] {
            let none = try verdict(html, status: status)
            #expect(none.change == ContentChange() && none.reason == nil)
        }
        // A 200 that says it is a part can't be made sense of.
        #expect(try verdict(html + "Content-Range: bytes 0-9/20\r\n").change.coding == nil)
    }

    @Test("of an unknown length all is compressed; of a length of 0 nothing, whatever is said")
    func sizes() throws {
        #expect(try verdict("Content-Type: text/css\r\n").change.coding == .gzip)
        var options = all
        options.bytesMin = 0
        let fields = "Content-Type: text/css\r\nContent-Length: "
        #expect(try verdict("\(fields)0\r\n", options).reason == .size)
        #expect(try verdict("\(fields)1\r\n", options).change.coding == .gzip)
    }

    @Test("types are whole, beginnings or ends, whatever the letters' case and the parameters")
    func types() throws {
        var options = all
        options.types = ["text/*", "*+json", "application/x", "font/otf"]
        let rule = try #require(CompressionRule(options))
        func covers(_ type: String) -> Bool { rule.covers(Array(type.utf8).span) }
        for type in [
            "text/html", "TEXT/Html", "text/plain;charset=utf-8", "text/plain ; a=b",
            "application/problem+json", "application/x", "Font/OTF",
        ] {
            #expect(covers(type), "\(type)")
        }
        for type in [
            "", "text", "application/json", "application/xy", "+json", "image/png", "a;text/html",
            "text/event-stream", "text/event-stream; charset=utf-8", "application/grpc",
            "application/grpc+json", "application/grpc-web+json",
        ] {
            #expect(!covers(type), "\(type)")
        }
        options.types = ["text/event-stream", "application/grpc"]
        let events = try #require(CompressionRule(options))
        func names(_ type: String) -> Bool { events.covers(Array(type.utf8).span) }
        #expect(names("text/event-stream") && !names("application/grpc"))
    }

    @Test("a route says what it says, and has the rest from its listener")
    func override() {
        var options = CompressionOptions()
        var override = CompressionOptions.Override()
        #expect(options.overridden(by: override) == options)
        override.bytesMin = 7
        #expect(options.overridden(by: override).codings == CompressionOptions.allCodings)
        options.codings = [.gzip]
        options.gzip = 9
        override.brotli = 2
        let route = options.overridden(by: override)
        #expect(route.codings == [.gzip] && route.bytesMin == 7)
        #expect(route.level(of: .gzip) == 9 && route.level(of: .brotli) == 2)
        override.codings = []
        #expect(CompressionRule(options.overridden(by: override)) == nil)
        #expect(CompressionRule(CompressionOptions()) == nil)
        #expect(CompressionRule(options)?.level(of: .gzip) == 9)
    }
}
