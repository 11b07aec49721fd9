// Goal: sources that stand for others report what those say, no more and no less.
// Method: sources that say what the test tells them; nothing is asked.

import Backends
import Documents
import Endpoints
import InstanceSources
import Testing

/// A source that reports what it is told.
private final class ToldSource: Source {
    let summary = "told"
    let answersStand: Bool
    private(set) var starts = 0
    private(set) var stops = 0
    private var listener: ((DiscoveryAnswer) -> Void)?

    init(answersStand: Bool = false) {
        self.answersStand = answersStand
    }

    func start(reportingTo listener: @escaping (DiscoveryAnswer) -> Void) {
        starts += 1
        self.listener = listener
    }

    func stop() {
        stops += 1
        listener = nil
    }

    func report(_ answer: DiscoveryAnswer) { listener?(answer) }
}

private func instances(_ ports: UInt16...) -> DiscoveryAnswer {
    .instances(ports.map { Instance(Endpoint(.loopback, $0)) })
}

@Suite struct FallbackSourceTests {
    @Test("the second speaks while the first has not, or fails; never while that works")
    func fallback() {
        let (first, second) = (ToldSource(answersStand: true), ToldSource())
        let source = FallbackSource(first, fallback: second)
        var heard: [DiscoveryAnswer] = []
        source.start { heard.append($0) }
        second.report(.failure(.timeout))
        #expect(heard.isEmpty, "nothing is known yet")
        second.report(instances(2))
        #expect(heard == [instances(2)] && !source.answersStand)
        first.report(instances(1))
        second.report(instances(3))
        #expect(heard == [instances(2), instances(1)] && source.answersStand)
        first.report(.failure(.servfail))
        #expect(heard.last == instances(3) && !source.answersStand)
        second.report(.failure(.nxdomain))
        #expect(heard.last == .failure(.servfail))
        first.report(.failure(.nodata))
        second.report(instances(4))
        #expect(heard.last == instances(4), "one that names none does not overrule one that does")
        first.report(instances(1))
        #expect(heard.last == instances(1))
        source.stop()
        first.report(instances(9))
        #expect(heard.last == instances(1) && first.stops == 1 && second.stops == 1)
    }
}

@Suite struct SharedLookupTests {
    @Test("one lookup answers all that ask the same, and late ones at once")
    func shared() {
        var made: [ToldSource] = []
        var idle = 0
        let lookup = SharedLookup("told") {
            made.append(ToldSource())
            return made[made.count - 1]
        } onIdle: {
            idle += 1
        }
        let (one, two) = (SharedSource(lookup), SharedSource(lookup))
        var heard: [[DiscoveryAnswer]] = [[], []]
        one.start { heard[0].append($0) }
        let source = made[made.count - 1]
        source.report(instances(1))
        two.start { heard[1].append($0) }
        #expect(heard == [[instances(1)], [instances(1)]] && source.starts == 1)
        source.report(instances(2))
        #expect(heard.map(\.last) == [instances(2), instances(2)])
        one.stop()
        source.report(instances(3))
        #expect(heard.map(\.last) == [instances(2), instances(3)] && source.stops == 0)
        two.stop()
        #expect(source.stops == 1 && idle == 1)
        one.start { heard[0].append($0) }
        #expect(heard[0].last == instances(2), "what was known before is not repeated")
        made[made.count - 1].report(instances(4))
        #expect(heard[0].last == instances(4))
    }
}

// Goal: a file of instances is read as Prometheus writes it, and anything else is told by its
// place.
@Suite struct FileTargetsTests {
    private func read(_ text: String) throws -> [StaticSource.Entry] {
        try contents(text).entries
    }

    private func contents(_ text: String) throws -> FileTargets.Contents {
        try FileTargets.parse(NamedText(name: "f", text: text))
    }

    @Test(
        "one target, label or group that makes no sense is left out and told of",
        arguments: [
            ("[{targets: ['10.0.0.1:80', x, '10.0.0.2:80']}]", "line 1, column 28: found \"x\""),
            ("[{targets: ['10.0.0.1:80', '10.0.0.2:80', 'a:99999']}]", "expected HOST:PORT"),
            ("[{targets: ['10.0.0.1:80', '10.0.0.2:80', [1]]}]", "found a list"),
            (
                "[{targets: ['10.0.0.1:80', '10.0.0.2:80'], labels: {weight: x, zone: a}}]",
                "expected 0 to 65535"
            ),
            ("[{targets: ['10.0.0.1:80', '10.0.0.2:80'], target: x}]", "found the key \"target\""),
            ("[7, {targets: ['10.0.0.1:80', '10.0.0.2:80']}]", "expected targets and labels"),
            ("[{targets: x}, {targets: ['10.0.0.1:80', '10.0.0.2:80']}]", "a list of HOST:PORT"),
        ])
    func oneOdd(text: String, message: String) throws {
        let contents = try contents(text)
        #expect(contents.entries.map(\.port) == [80, 80])
        #expect(contents.omissions.count == 1)
        #expect(contents.omissions.description.contains(message), "\(contents.omissions)")
    }

    @Test(
        "JSON and YAML, with labels and without",
        arguments: [
            #"[{"targets": ["10.0.0.1:80", "web.test:8080"], "labels": {"weight": "5", "zone": "a"}}]"#,
            #"[{"targets":["10.0.0.1:80","web.test:8080"],"labels":{"zone":"a","weight":"5"}}]"#,
            "- targets: ['10.0.0.1:80', 'web.test:8080']\n  labels: {weight: 5, zone: a}\n",
        ])
    func groups(text: String) throws {
        let entries = try read(text)
        #expect(entries.map(\.port) == [80, 8080])
        #expect(entries.map(\.weight) == [5, 5] && entries.map(\.priority) == [0, 0])
        #expect(entries.map(\.metadata) == [["zone": "a"], ["zone": "a"]])
    }

    @Test("an empty list has no entries")
    func empty() throws {
        #expect(try read("[]").isEmpty)
        #expect(try read("[{targets: []}]").isEmpty)
        // As Go writes a list that was never filled.
        #expect(try read(#"[{"targets": null, "labels": null}]"#).isEmpty)
        #expect(try read("- targets:\n- targets: ['10.0.0.1:80']\n").count == 1)
    }

    @Test(
        "what is no list of instances is told by line and column",
        arguments: [
            ("{}", "line 1, column 1: found a mapping, expected a list of groups"),
            ("", "line 1, column 1: found a mapping, expected a list of groups"),
            ("[1]", "line 1, column 2: found \"1\", expected targets and labels"),
            ("[{targets: x}]", "line 1, column 12: found \"x\", expected a list of HOST:PORT"),
            ("[{targets: [x]}]", "line 1, column 13: found \"x\", expected HOST:PORT"),
            ("[{targets: ['x:0']}]", "line 1, column 13: found \"x:0\", expected HOST:PORT"),
            ("[{targets: [':80']}]", "line 1, column 13: found \":80\", expected HOST:PORT"),
            ("[{targets: ['a..b:80']}]", "line 1, column 13: found \"a..b:80\": empty label"),
            (
                "[{target: []}]",
                "line 1, column 3: found the key \"target\", expected targets or labels"
            ),
            (
                "[{targets: [], labels: {weight: x}}]",
                "line 1, column 33: found \"x\", expected 0 to 65535"
            ),
            ("[{targets: [], labels: {weight: 65536}}]", "expected 0 to 65535"),
            ("[{targets: [], labels: {weight: +5}}]", "expected 0 to 65535"),
            ("[{targets: [], labels: [a]}]", "line 1, column 24: found a list, expected a mapping"),
            ("[{\"targets\": [\"10.0.0.1:80\"", "not YAML"),
        ])
    func refused(text: String, message: String) {
        do {
            _ = try read(text)
            Issue.record("\(text) was read")
        } catch {
            #expect("\(error)".contains(message), "\(error)")
        }
    }
}
