// Goal: an event is one line whatever it contains, repetitions are counted, and no line has a
// secret. Method: made-up events and a clock; configurations with errors at their secrets.

import Configuration
import Documents
import Testing

@testable import Control

@Suite struct LogTests {
    private func event(_ values: [(key: String, value: String)]) -> LogFolding.Event {
        LogFolding.Event(severity: .warning, name: "a.b", values: values)
    }

    @Test("text and JSON have the same content on one line")
    func formats() {
        let event = event([("plain", "10.0.0.1:80"), ("text", "a \"b\"\n\u{1}é")])
        #expect(
            Log.line(event, .text, at: "T")
                == "T warning a.b plain=10.0.0.1:80 text=\"a \\\"b\\\"\\n\\u0001é\"")
        #expect(
            Log.line(event, .json, at: "T")
                == #"{"time":"T","level":"warning","event":"a.b","plain":"10.0.0.1:80","#
                + #""text":"a \"b\"\u000a\u0001é"}"#)
    }

    @Test("an apostrophe is not escaped in either format")
    func apostrophe() {
        let event = event([("cause", "an operator's drain")])
        #expect(Log.line(event, .text, at: "T") == #"T warning a.b cause="an operator's drain""#)
        #expect(Log.line(event, .json, at: "T").contains(#""cause":"an operator's drain"}"#))
    }

    @Test("a long line is cut within its longest value, and stays valid")
    func long() throws {
        let event = event([("a", String(repeating: "é\"", count: 4000)), ("b", "whole")])
        for format in LogSettings.Format.allCases {
            let line = Log.shortLine(event, format, at: "T")
            #expect(line.utf8.count < 4096)
            #expect(line.contains("whole"))
            #expect(line.contains("…\""))
        }
    }

    private func lines(_ events: [LogFolding.Event]) -> [String] {
        events.map { Log.line($0, .text, at: "T").dropFirst(14).split(separator: " ") }
            .map { $0.joined(separator: " ") }
    }

    @Test("repetitions are counted, and the count is written with the next line after the window")
    func folding() {
        var folding = LogFolding()
        let start = ContinuousClock.now
        func fold(_ value: String, _ seconds: Double) -> [String] {
            lines(folding.fold(event([("v", value)]), now: start + .seconds(seconds)))
        }
        #expect(fold("1", 0) == ["v=1"])
        #expect(fold("2", 0) == ["v=2"])
        #expect(fold("1", 1) == [])
        #expect(fold("1", 9.9) == [])
        #expect(fold("3", 9.9) == ["v=3"])
        #expect(fold("1", 10) == ["v=1 repeated=2", "v=1"])
        #expect(fold("1", 11) == [])
        #expect(lines(folding.flush()) == ["v=1 repeated=1"])
        #expect(fold("1", 11) == ["v=1"])
    }

    @Test("endless different events are all written, and not all remembered")
    func bounded() {
        var folding = LogFolding()
        let now = ContinuousClock.now
        for number in 0..<1000 {
            // The oldest goes, with how often it was said.
            #expect((1...2).contains(folding.fold(event([("v", "\(number)")]), now: now).count))
            #expect(folding.fold(event([("v", "\(number)")]), now: now).count <= 1)
        }
        #expect(folding.flush().count == 64)
    }

    /// Configurations that are wrong at, or beside, a secret, which has `hunter2` in it.
    static let texts = [
        "consul: {token: \"hunter2 x\"}", "consul: {token: [hunter2]}", "consul: {tokn: hunter2}",
        "consul: {token: hunter2-a, token-file: /x}",
        "consul: {token: hunter2, agents: [10.0.0.1]}",
        "services: {web: {srv: a.b, sticky: {secret: hunter2-long-enough}}}",
        "services: {web: {srv: a.b, sticky: {cookie: a, secret: hunter2}}}",
        "services: {web: {srv: a.b, sticky: {cookie: a, secret: {hunter2: b}}}}",
        "services: {web: {srv: a.b, check: {headers: {X-Token: \"hunter2é\"}}}}",
        "services: {web: {srv: a.b, check: {headers: [\"hunter2\"]}}}",
        "services: {web: {srv: a.b, check: {headers: {Host: hunter2}}}}",
        "services: {web: {srv: a.b, check: {send: hunter2}}}",
        "services: {web: {srv: a.b, check: {expect: +, send: "
            + "\"\(String(repeating: "hunter2", count: 200))\"}}}",
        "listeners: [{listen: ':1', routes: [{service: web, request-headers: "
            + "{set: {Authorization: \"hunter2é\"}}}]}]",
        "listeners: [{listen: ':1', routes: [{service: web, headers: {Cookie: \" hunter2\"}}]}]",
    ]

    @Test("no message shows a secret", arguments: texts)
    func secrets(text: String) {
        var file = text
        if !text.hasPrefix("services") { file += "\nservices: {web: {srv: a.b}}" }
        if !text.hasPrefix("listeners") { file += "\nlisteners: [{listen: ':8080', service: web}]" }
        do throws(ConfigurationErrors) {
            let loaded = try ConfigurationLoader.load(
                file: NamedText(name: "f.yaml", text: file), processorCount: 2)
            #expect(!loaded.warnings.map(\.description).joined().contains("hunter2"))
            #expect(!loaded.effective.yaml.contains("hunter2"))
        } catch {
            // Only the name of a key is shown, never its value.
            let shown = error.description.replacing("hunter2: ", "")
            #expect(!shown.contains("hunter2"), "\(shown)")
        }
    }

    @Test("a level set by hand stays until the configuration changes its own")
    func level() throws {
        let text = "services: {a: {srv: a.b}}\nlisteners: [{listen: '127.0.0.1:0', service: a}]\n"
        let quiet = "log: {level: error}\n"
        try withPlane(quiet + text) { plane in
            try plane.perform { $0.log.setLevel(.warning) }
            try plane.apply(quiet + "stop-timeout: 9s\n" + text)
            #expect(try plane.perform { $0.log.current().level } == .warning)
            try plane.apply("log: {level: error, format: json}\n" + text)
            #expect(try plane.perform { $0.log.current().level } == .error)
            #expect(try plane.perform { $0.log.current().format } == .json)
        }
    }
}
