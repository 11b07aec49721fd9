// Goal: what an operator may say of compression is read as meant, for a listener and for its
// routes, and what makes no sense is refused with its place. Method: texts, each with its malformed
// twins.

import Configuration
import HTTP1
import Routing
import Testing
import Traffic

@Suite struct CompressionConfigurationTests {
    private func text(_ listener: String, defaults: String = "", route: String = "") -> String {
        """
        defaults: {\(defaults)}
        services: {a: {srv: a.example}}
        listeners:
        - {listen: ":1", service: a\(listener), routes: [{path: /x, service: a\(route)}]}
        """
    }

    private func listener(_ text: String) throws -> Listener {
        try load(text).configuration.listeners[0]
    }

    @Test("nothing is compressed unless it is said")
    func off() throws {
        let listener = try listener(text(""))
        #expect(listener.policy.compression == CompressionOptions())
        #expect(listener.policy.compression.codings.isEmpty)
        #expect(listener.routes[0].compression == CompressionOptions.Override())
    }

    @Test(
        "one word switches it on, or a coding, or what says how",
        arguments: [
            ("compress: on", [.zstd, .brotli, .gzip]), ("compress: off", []),
            ("compress: gzip", [.gzip]), ("compress: {use: on}", [.zstd, .brotli, .gzip]),
            ("compress: {use: [br, gzip]}", [.brotli, .gzip]),
            ("compress: {min-size: 2KiB}", [.zstd, .brotli, .gzip]),
            ("compress: {level: {gzip: 6}}", [.zstd, .brotli, .gzip]),
            ("compress: {memory: 8MiB}", []), ("compress: {use: off, min-size: 2KiB}", []),
        ] as [(String, [ContentCoding])])
    func use(key: String, codings: [ContentCoding]) throws {
        #expect(try listener(text(", " + key)).policy.compression.codings == codings)
        #expect(try listener(text("", defaults: key)).policy.compression.codings == codings)
    }

    @Test("every key is read, and a route's stands in the place of its listener's")
    func whole() throws {
        let keys = """
            {use: [gzip], types: [Text/HTML, "text/*", "*+json"], min-size: 512B,
             level: {gzip: 1, br: 8, zstd: 12}
            """
        let listener = try listener(
            text(", compress: \(keys), memory: 64MiB}", route: ", compress: \(keys)}"))
        let options = listener.policy.compression
        #expect(options.codings == [.gzip] && options.bytesMin == 512)
        #expect(options.types == ["text/html", "text/*", "*+json"])
        #expect(options.gzip == 1 && options.brotli == 8 && options.zstd == 12)
        #expect(listener.policy.compressionMemoryMax == 64 << 20)
        let route = listener.routes[0].compression
        #expect(CompressionOptions().overridden(by: route) == options)
        let off = try self.listener(text(", compress: on", route: ", compress: off"))
        #expect(off.routes[0].compression.codings == [])
    }

    @Test(
        "what makes no sense is refused",
        arguments: [
            ("compress: deflate", "on, off, zstd, br or gzip"),
            ("compress: {use: [gzip, on]}", "zstd, br or gzip"),
            ("compress: {use: []}", "at least one value"),
            ("compress: {types: []}", "at least one value"),
            ("compress: {types: [\"*/*\"]}", "a media type without parameters"),
            ("compress: {types: [\"text/html; charset=utf-8\"]}", "a media type without"),
            ("compress: {types: [json]}", "a media type without parameters"),
            ("compress: {types: [\"*+\"]}", "a media type without parameters"),
            ("compress: {level: {gzip: 0}}", "1 to 9"), ("compress: {level: {br: 9}}", "1 to 8"),
            ("compress: {level: {zstd: 13}}", "1 to 12"), ("compress: {level: 3}", "a mapping"),
            ("compress: {min-size: 100}", "a size with a unit"),
            ("compress: {min-size: 2MiB}", "0B to 1MiB"), ("compress: {memory: 1KiB}", "1MiB to"),
            ("compress: {gzip: 3}", "a listener or route has compress: on"),
        ])
    func refused(keys: String, expected: String) {
        let found = errors(text(", " + keys))
        #expect(found.count == 1 && found[0].contains(expected), "\(found)")
    }

    @Test("TCP is not compressed, and services do not say it")
    func places() throws {
        let tcp = "listeners: [{listen: ':1', srv: a.b, mode: tcp, compress: on}]"
        #expect(
            try load(tcp).warnings.map(\.description) == [
                "f.yaml:1:59: listeners[0].compress: no effect on a listener of mode tcp"
            ])
        let service =
            "services: {a: {srv: a.b, compress: on}}\nlisteners: [{listen: ':1', service: a}]"
        #expect(
            errors(service).first?.hasSuffix(
                "unknown key here, expected it in a listener, or in defaults for all of them")
                == true, "\(errors(service))")
        #expect(
            errors(text(", gzip: on")).first?.contains("a listener or route has compress: on")
                == true)
    }

    @Test("it is printed as it is written")
    func printed() throws {
        let yaml = try load(text(", compress: on", route: ", compress: {use: [br, gzip]}"))
            .effective.yaml
        #expect(yaml.contains("use: [on] ") && yaml.contains("use: [br, gzip]\n"), "\(yaml)")
        let again = try load(yaml).configuration
        #expect(again.listeners[0].policy.compression.codings == CompressionOptions.allCodings)
        #expect(again.listeners[0].routes[0].compression.codings == [.brotli, .gzip])
    }
}
