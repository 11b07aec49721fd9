// Goal: an independent client reads the discovery server's answers as they are meant. Method:
// BIND's dig against a world on its own thread; skipped where dig isn't installed.

import Demo
import Endpoints
import Events
import Glibc
import Testing

@Suite(.enabled(if: Dig.isInstalled, "dig is not installed (Debian: bind9-dnsutils)"))
struct DigTests {
    /// A world with 43 instances, the records of which don't fit 1232 octets.
    private func world() throws -> DemoWorld {
        var options = DemoOptions()
        options.dnsPort = 0
        options.stagePort = 0
        let loop = EventLoop()
        let mailbox = try Mailbox<String>()
        var joined = 0
        let reader = try MailboxReader(mailbox, on: loop) { _ in joined += 1 }
        let world = try DemoWorld(options) { mailbox.post($0) }
        for _ in 0..<40 { world.perform(.add) }
        for _ in 0..<1000 where joined < 40 { loop.runOnce(waiting: true) }
        reader.close()
        return world
    }

    /// What is asked of dig, and what its header lines must say.
    struct Case: Sendable, CustomTestStringConvertible {
        let arguments: String
        let expected: [String]
        var testDescription: String { arguments }
    }

    static let service = "_web._tcp.demo.fairlead."
    static let cases = [
        Case(
            arguments: "+tcp SRV \(service)",
            expected: [
                "status: NOERROR", "flags: qr aa;", "ANSWER: 43", "ADDITIONAL: 44", "(TCP)",
            ]),
        // dig sees TC and turns to TCP by itself.
        Case(arguments: "SRV \(service)", expected: ["ANSWER: 43", "(TCP)"]),
        Case(
            arguments: "+ignore +bufsize=1232 SRV \(service)",
            expected: ["flags: qr aa tc;", "(UDP)"]),
        Case(
            arguments: "+ignore +bufsize=4096 SRV \(service)",
            expected: ["flags: qr aa;", "ANSWER: 43", "(UDP)"]),
        Case(
            arguments: "+ignore +noedns SRV \(service)",
            expected: ["flags: qr aa tc;", "ADDITIONAL: 0", "(UDP)"]),
        Case(
            arguments: "A web-1.demo.fairlead.",
            expected: ["status: NOERROR", "ANSWER: 1,", "127.0.0.1", "EDNS: version: 0"]),
        Case(
            arguments: "AAAA web-1.demo.fairlead.",
            expected: ["status: NOERROR", "ANSWER: 0", "AUTHORITY: 1", "SOA"]),
        Case(
            arguments: "A web-99.demo.fairlead.",
            expected: ["status: NXDOMAIN", "AUTHORITY: 1", "SOA"]),
        Case(arguments: "A example.com.", expected: ["status: REFUSED"]),
        Case(arguments: "+opcode=notify SOA demo.fairlead.", expected: ["status: NOTIMP"]),
        Case(
            arguments: "+edns=1 +noednsnegotiation SOA demo.fairlead.",
            expected: ["status: BADVERS"]),
    ]

    @Test("dig reads what is meant")
    func answers() throws {
        let world = try world()
        defer { world.stop() }
        for expected in Self.cases {
            let output = Dig.run(expected.arguments, at: world.addresses.dns)
            for part in expected.expected {
                #expect(output.contains(part), "dig \(expected.arguments): \(output)")
            }
            #expect(!output.contains("WARNING"), "dig \(expected.arguments): \(output)")
        }
    }
}

private enum Dig {
    static var isInstalled: Bool { !output("command -v dig").isEmpty }

    static func run(_ arguments: String, at server: Endpoint) -> String {
        output(
            "dig -r +norecurse +time=5 +tries=1 @\(server.address) -p \(server.port) \(arguments) "
                + "2>&1"
        )
    }

    /// What a shell command of this file's own making prints.
    private static func output(_ command: String) -> String {
        // A stream that popen gave lives until pclose.
        guard let stream = unsafe popen(command, "r") else { return "" }
        defer { unsafe _ = pclose(stream) }
        var bytes: [UInt8] = []
        while case let byte = unsafe getc(stream), byte != EOF { bytes.append(UInt8(byte)) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
