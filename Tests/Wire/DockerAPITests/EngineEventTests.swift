// Goal: events mean the same whatever else an engine writes into them and wherever its stream is
// cut, and what is hostile is bounded. Method: events of a real engine, and twins of them.

import JSON
import Random
import Testing

@testable import DockerAPI

@Suite struct EngineEventTests {
    private func event(_ line: String) throws -> EngineEvent? {
        try EngineEvent(line: Array(line.utf8))
    }

    @Test func `events of a container say what happened to it`() throws {
        let id = Captured.otherID
        #expect(try event(Captured.kill) == .init(container: id, .kill(signal: 15)))
        #expect(try event(Captured.die) == .init(container: id, .die(exitCode: 137)))
        #expect(try event(Captured.disconnect) == .init(container: id, .change))
        #expect(try event(Captured.health) == .init(container: id, .change))
        #expect(try event(Captured.exec) == nil)
    }

    @Test(arguments: [
        ("start", EngineEvent.Action.start), ("pause", .pause), ("destroy", .destroy),
        ("remove", .destroy), ("died", .die(exitCode: nil)), ("kill", .kill(signal: nil)),
        ("unpause", .change), ("rename", .change), ("update", .change), ("create", .change),
        ("health_status", .change),
    ])
    func `events without what is said twice are read as well`(
        name: String, action: EngineEvent.Action
    ) throws {
        let line =
            #"{"Type":"container","Action":"\#(name)","Actor":{"ID":"\#(Captured.id)","#
            + #""Attributes":null}}"#
        #expect(try event(line) == .init(container: Captured.id, action))
    }

    @Test(
        arguments: [
            ("15", 15), ("TERM", 15), ("SIGTERM", 15), ("sigquit", 3), ("9", 9),
            ("SIGRTMIN+3", nil),
            ("0", nil), ("-9", nil), ("65", nil), ("", nil),
        ] as [(String, Int?)])
    func `signals are numbers or names`(text: String, number: Int?) {
        #expect(Signal.number(text) == number)
    }

    @Test(arguments: [
        #"{"Type":"image","Action":"pull","Actor":{"ID":"tiny:1"}}"#,
        #"{"Type":"network","Action":"create","Actor":{"ID":"0123456789ab"}}"#,
        #"{"Type":"container","Action":"top","Actor":{"ID":"0123456789ab"}}"#,
    ])
    func `what concerns no container's traffic is nothing`(line: String) throws {
        #expect(try event(line) == nil)
    }

    @Test(arguments: [
        "", "{", "[]", #"{"Type":"container"}"#,
        #"{"Type":"container","Action":"start","Actor":{"ID":"../../etc"}}"#,
        #"{"Type":"container","Action":"start","Actor":{}}"#,
        #"{"Type":"network","Action":"connect","Actor":{"ID":"0123456789ab","Attributes":{}}}"#,
        #"{"Type":"container","Action":"start","Actor":{"ID":"ABCDEF012345"}}"#,
    ])
    func `what is malformed is refused`(line: String) {
        #expect(throws: JSON.Malformed.self) { try event(line) }
    }

    @Test func `an attribute that makes no sense spoils no event`() throws {
        let line =
            #"{"Type":"container","Action":"die","Actor":{"ID":"\#(Captured.id)","#
            + #""Attributes":{"exitCode":7,"name":[]}}}"#
        #expect(try event(line) == .init(container: Captured.id, .die(exitCode: nil)))
    }

    // MARK: Lines

    @Test func `lines are the same wherever the stream is cut`() throws {
        let stream = Array("{\"a\":1}\n\r\n{\"b\":2}\r\n\n{\"c\":3}\n{\"d\"".utf8)
        for cut in 0...stream.count {
            var lines = EventLines()
            var found = try lines.append(Array(stream[..<cut]))
            found += try lines.append(Array(stream[cut...]))
            #expect(
                found.map { String(decoding: $0, as: UTF8.self) }
                    == ["{\"a\":1}", "{\"b\":2}", "{\"c\":3}"])
        }
    }

    @Test func `a line without an end is refused before it fills memory`() throws {
        var lines = EventLines()
        let piece = [UInt8](repeating: 0x78, count: 64 * 1024)
        for _ in 0..<4 { #expect(try lines.append(piece).isEmpty) }
        #expect(throws: EventLines.Failure.lineTooLong) { try lines.append([0x78]) }
    }

    @Test func `the query names what it asks for, and nothing that has to be encoded`() {
        #expect(
            EngineEvent.query.hasPrefix(
                "filters=%7B%22type%22%3A%5B%22container%22%2C%22network%22%5D%2C%22event%22%3A"))
        // The last two are Podman's names of die and destroy.
        for name in ["health_status", "die", "destroy", "died", "remove"] {
            #expect(EngineEvent.query.contains("%22\(name)%22"))
        }
    }

    @Test func `random bytes are read or refused`() {
        var random = SplitMix64(seed: 7)
        let valid = Array(Captured.kill.utf8)
        for _ in 0..<2000 {
            var line = valid
            for _ in 0...random.next(upperBound: UInt64(3)) {
                let place = Int(random.next(upperBound: UInt64(line.count)))
                line[place] = UInt8(truncatingIfNeeded: random.next())
            }
            do {
                if let event = try EngineEvent(line: line) {
                    #expect(ContainerID.isValid(event.container))
                }
            } catch {}
        }
    }
}
