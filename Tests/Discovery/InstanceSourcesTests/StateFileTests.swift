// Goal: a process that starts while the registry is away begins with what the last one was told,
// and says how old that is; nothing a file says can do harm. Method: files of the test.

import Backends
import Documents
import Endpoints
import Events
import Glibc
import InstanceSources
import TestSupport
import Testing

private func instance(_ last: UInt32, port: UInt16 = 80) -> Instance {
    Instance(Endpoint(.v4(0x0a00_0000 | last), port), priority: 1, weight: 5)
}

@Suite struct StateFileTests {
    private let loop = EventLoop()
    private let path = "/tmp/fairlead-state-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    private let key = AnswerMemory.Key(service: "web", source: "SRV x")

    private func remove() {
        for name in [path, path + ".new"] { unsafe _ = unlink(name) }
    }

    @Test("an answer that one process remembers is recalled by the next")
    func roundTrip() throws {
        defer { remove() }
        var full = instance(7, port: 8080)
        full.hostName = "web-7.example.test"
        full.metadata = ["zone": "a \"quoted\" one\n", "ö": "\u{1f600}"]
        let first = StateFile(path: path, on: loop) { Issue.record("\($0)") }
        first.remember([full, instance(1)], of: key)
        first.close()
        let second = StateFile(path: path, on: loop) { Issue.record("\($0)") }
        let recalled = try #require(second.recall(key))
        #expect(recalled.instances == [full, instance(1)])
        #expect(recalled.age >= .zero)
        #expect(second.recall(.init(service: "web", source: "SRV y")) == nil)
        second.forget { _ in false }
        #expect(second.recall(key) == nil)
        second.close()
        var status = stat()
        #expect(unsafe stat(path, &status) == 0)
        #expect(status.st_mode & 0o077 == 0, "it is for its owner alone")
    }

    @Test("what was deployed is on the disk before anything else happens, and known to the next")
    func deployed() throws {
        defer { remove() }
        let set = DeployedSet(
            [instance(1), instance(2)], before: [instance(3)], configured: ["a:80"],
            by: "10.0.0.9", at: 5)
        let first = StateFile(path: path, on: loop) { Issue.record("\($0)") }
        first.deployed["web"] = set
        try waitUntil("the file") { StateFile(path: path, on: loop) { _ in }.deployed != [:] }
        let second = StateFile(path: path, on: loop) { Issue.record("\($0)") }
        #expect(second.deployed == ["web": set])
        let read = try #require(second.deployed["web"])
        #expect(read.instances == [instance(1), instance(2)] && read.before == [instance(3)])
        second.deployed["web"] = nil
        try waitUntil("the file") { StateFile(path: path, on: loop) { _ in }.deployed == [:] }
        #expect(DeployedSet.sets(json: DeployedSet.json(["web": set])) == ["web": set])
        #expect(DeployedSet.sets(json: Array("{}".utf8)) == [:])
        for text in ["", "[]", #"{"web":{"at":5,"by":"","configured":[],"to":[]}}"#] {
            #expect(DeployedSet.sets(json: Array(text.utf8)) == nil, "\(text)")
        }
    }

    @Test("it is written while the process runs, and again when it could not be")
    func written() throws {
        defer { remove() }
        var events: [StateFile.Event] = []
        let folder = path + ".folder"
        let file = StateFile(path: "\(folder)/state", on: loop) { events.append($0) }
        file.remember([instance(1)], of: key)
        while events.isEmpty { loop.runOnce(waiting: true) }
        #expect(
            events == [.unwritable("\(folder)/state.\(getpid()).new: No such file or directory")])
        #expect(unsafe mkdir(folder, 0o700) == 0)
        defer {
            unsafe _ = unlink("\(folder)/state")
            unsafe _ = rmdir(folder)
        }
        while events.count < 2 { loop.runOnce(waiting: true) }
        #expect(events.last == .written)
        let text = try NamedText.read(path: "\(folder)/state").text
        #expect(try AnswerMemory(json: Array(text.utf8))[key]?.instances == [instance(1)])
        file.close()
    }

    @Test(
        "a file that is none of ours is said to be, and nothing is remembered",
        arguments: [
            "", "{}", "[1]", #"{"fairlead":2,"answers":[]}"#,
            #"{"fairlead":1,"answers":[{"service":"web","source":"s","at":1,"instances":[{"endpoint":"nowhere","priority":0,"weight":1}]}]}"#,
            #"{"fairlead":1,"answers":[{"service":"web","source":"s","at":1,"instances":[{"endpoint":"1.2.3.4:5","priority":-1,"weight":1}]}]}"#,
            "\u{fffd}\u{1}",
        ])
    func malformed(text: String) throws {
        defer { remove() }
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT, 0o600)
        let bytes = Array(text.utf8)
        unsafe _ = write(descriptor, bytes, bytes.count)
        close(descriptor)
        var events: [StateFile.Event] = []
        let file = StateFile(path: path, on: loop) { events.append($0) }
        guard case .unreadable? = events.first else {
            Issue.record("nothing was said of \(text)")
            return
        }
        #expect(file.recall(.init(service: "web", source: "s")) == nil)
    }

    @Test("a repeated answer is no change, and an empty one is not remembered")
    func changes() {
        var memory = AnswerMemory()
        memory.remember([], of: key, at: 1)
        #expect(memory.isEmpty)
        memory.remember([instance(1)], of: key, at: 1)
        memory.remember([instance(1)], of: key, at: 2)
        #expect(memory.changes == 1)
        #expect(memory[key]?.at == 2)
        memory.remember([instance(2)], of: key, at: 3)
        #expect(memory.changes == 2)
    }
}
