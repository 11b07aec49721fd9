// Goal: a crash says where it was. Method: the program is sent the signal of one while it waits in
// a library; and a process of the tests runs into a trap of Swift's. Either's trace is looked up
// with addr2line.

internal import Glibc
internal import Machine
internal import Testing

extension Flow {
    @Suite struct Crash {
        @Test(arguments: [SIGSEGV, SIGILL, SIGTRAP])
        func `it says where it was, also below a library, and ends by its signal`(
            number: Int32
        ) throws {
            try withStage { stage in
                let web = try stage.web("one")
                let fairlead = try stage.fairlead(["--backend", "127.0.0.1:\(web[0].port)"])
                fairlead.process.signal(number)
                #expect(try fairlead.process.waitForExit() == .signal(number))
                let said = fairlead.process.errors
                #expect(said.contains("fairlead 0.1.0 crashed: signal \(number) in thread "))
                let calls = try calls(in: said, of: Fairlead.program())
                // Control.ControlPlane: a mangled name says a word once.
                #expect(calls.contains { $0.contains("7Control0A5PlaneC") }, "\(said)\(calls)")
                #expect(calls.contains { $0.contains("10RunCommandV3run") }, "\(said)\(calls)")
            }
        }

        @Test func `a trap says all the calls that led there`() async throws {
            let result = try await #require(
                processExitsWith: .failure, observing: [\.standardErrorContent]
            ) {
                CrashTrace.install(title: "A test")
                print(outerCall([1, 2, 3]))
            }
            let said = String(decoding: result.standardErrorContent, as: UTF8.self)
            #expect(said.contains("A test crashed: signal "))
            let program = try #require(CommandLine.arguments.first)
            let calls = try calls(in: said, of: program)
            let inner = try #require(calls.firstIndex { $0.contains("innerCall") }, "\(said)")
            let outer = try #require(calls.firstIndex { $0.contains("outerCall") }, "\(said)")
            #expect(inner < outer)
        }
    }
}

@inline(never) private func innerCall(_ numbers: [Int]) -> Int { numbers[numbers.count] }
@inline(never) private func outerCall(_ numbers: [Int]) -> Int { innerCall(numbers) + 1 }

/// The functions of `program` in a trace, the innermost first.
private func calls(in trace: String, of program: String) throws -> [String] {
    let mark = "\(program)(+"
    let places = trace.split(separator: "\n").filter { $0.hasPrefix(mark) }.map {
        String($0.dropFirst(mark.count).prefix { $0 != ")" })
    }
    try #require(!places.isEmpty, "\(trace)")
    return try RunningProcess.run(["addr2line", "-fe", program] + places)
        .split(separator: "\n").map(String.init)
}
