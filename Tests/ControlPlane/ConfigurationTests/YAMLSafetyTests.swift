// Goal: no text, however hostile, does more than earn an error with its place.
// Method: the dangerous parts of YAML one by one; every prefix of a good file; files on disk.

import Configuration
import Documents
import Glibc
import Testing

@Suite struct YAMLSafetyTests {
    @Test(
        "what a configuration has no use for is refused",
        arguments: [
            ("a: &x 1", "1:4: found an anchor (&), expected a plain value"),
            ("a: &x [1]", "1:4: found an anchor (&), expected a plain value"),
            ("a: &x {b: 1}", "1:4: found an anchor (&), expected a plain value"),
            ("a: *x", "1:4: found an alias (*), expected the value itself"),
            ("a: !!int 1", "1:4: found a tag (!), expected a plain value"),
            ("a: 1\n---\nb: 1", "2:1: found a second document, expected only one"),
            ("[a]: 1", "1:1: found a list or mapping, expected a key"),
            (
                "workers: 1\nadmin: off\nworkers: 2",
                "3:1: found the key \"workers\" again, expected it once (the first is on line 1)"
            ),
            (
                String(repeating: "[", count: 17),
                "1:17: found more than 16 lists and mappings inside each other, expected at most "
                    + "six"
            ),
            ("a: 1\nb: x\u{0}y", "2:5: not YAML: control characters are not allowed"),
            ("a: é\u{7}", "1:5: not YAML: control characters are not allowed"),
            (
                "a: \"open",
                "1:9: not YAML: found unexpected end of stream while scanning a quoted scalar: "
                    + "is a quote not closed?"
            ),
            (
                String(repeating: "#", count: (1 << 20) + 1),
                "1:1: found more than 1MiB, expected at most 1MiB"
            ),
        ])
    func refused(text: String, message: String) {
        #expect(errors(text) == ["f.yaml:" + message])
    }

    @Test("a long value is shown cut")
    func cut() {
        let shown = String(repeating: "9", count: 60)
        #expect(
            errors("workers: \(String(repeating: "9", count: 5000))" + web)
                == ["f.yaml:1:10: workers: found \"\(shown)…\", expected 1 to 256 or auto"])
    }

    @Test("ten thousand opened lists end at the depth limit")
    func deep() {
        #expect(errors(String(repeating: "[", count: 10_000)).count == 1)
        #expect(errors(String(repeating: "- ", count: 10_000)).count == 1)
    }

    @Test("every prefix of a file loads or is refused with a line")
    func prefixes() {
        let text =
            "dns: {servers: [\"127.0.0.1:53\"], timeout: 2s}\ndefaults:\n  check: 'é'\n" + web
        for end in text.indices {
            let lines = errors(String(text[..<end]))
            #expect(lines.allSatisfy { $0.hasPrefix("f.yaml:") || $0.hasPrefix("configuration: ") })
            #expect(!lines.isEmpty)
        }
    }

    @Test("a byte order mark and Windows line ends are accepted")
    func windows() throws {
        let text = web.split(separator: "\n").joined(separator: "\r\n")
        #expect(try load("\u{feff}" + text).configuration == load(web).configuration)
    }

    @Test(
        "a file that is missing, a directory, or endless is reported by name, beside other errors")
    func unreadable() {
        #expect(
            errors(
                nil, environment: ["FAIRLEAD_CONFIG": "/nowhere/f.yaml"], flags: [.workers: ["0"]])
                == [
                    "/nowhere/f.yaml: cannot be read: No such file or directory",
                    "--workers: found \"0\", expected 1 to 256 or auto",
                ])
        #expect(
            errors(nil, flags: [.config: ["/"]]) == ["/: found a folder, expected a regular file"])
        #expect(
            errors(nil, flags: [.config: ["/dev/zero"]])
                == ["/dev/zero: found a device, expected a regular file"])
    }

    @Test(
        "a file that is too long, or a pipe that nobody writes to, is reported and holds up nothing"
    )
    func endless() throws {
        var template = Array("/tmp/fairlead-test-XXXXXX".utf8CString)
        // The template ends in six X and a NUL, as mkdtemp wants it.
        try #require(unsafe mkdtemp(&template) != nil)
        let folder = String(
            decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        let (long, pipe) = ("\(folder)/long", "\(folder)/pipe")
        defer {
            for path in [long, pipe] { unsafe unlink(path) }
            unsafe rmdir(folder)
        }
        try #require(unsafe mkfifo(pipe, 0o600) == 0)
        #expect(
            errors(nil, flags: [.config: [pipe]])
                == ["\(pipe): found a pipe, expected a regular file"])
        let descriptor = unsafe open(long, O_RDWR | O_CREAT, 0o600)
        try #require(descriptor >= 0 && ftruncate(descriptor, 2 << 20) == 0)
        close(descriptor)
        #expect(
            errors(nil, flags: [.config: [long]])
                == ["\(long): found more than 1MiB, expected at most 1MiB"])
    }

    @Test("a file that is not UTF-8 is reported with its line")
    func notUTF8() throws {
        var template = Array("/tmp/fairlead-test-XXXXXX".utf8CString)
        // The template ends in six X and a NUL, as mkstemp wants it.
        let descriptor = unsafe mkstemp(&template)
        try #require(descriptor >= 0)
        let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        defer {
            close(descriptor)
            unsafe unlink(path)
        }
        let bytes: [UInt8] = Array("a: 1\nb: ".utf8) + [0xc3, 0x28, 0x0a]
        #expect(unsafe write(descriptor, bytes, bytes.count) == bytes.count)
        #expect(
            errors(nil, flags: [.config: [path]])
                == ["\(path): found bytes that are not UTF-8 on line 2, expected UTF-8"])
    }
}
