// Goal: the bench prints no figure of a run in which anything failed, and reckons medians and
// ratios as it says. Method: reports of the load generators as they print them, and made-up
// samples.

import BenchSupport
import FoundationEssentials
import Testing

@testable import fairlead_bench

@Suite struct BenchTests {
    private let wrkReport = """
        Running 3s test @ http://127.0.0.1:19081/
          1 threads and 64 connections
          Thread Stats   Avg      Stdev     Max   +/- Stdev
            Latency     1.12ms  210.09us   7.85ms   91.57%
            Req/Sec    57.01k     2.51k   60.76k    83.33%
          170345 requests in 3.01s, 11.05MB read
        Requests/sec:  56652.11
        Transfer/sec:      3.67MB

        """

    private let h2loadReport = """
        starting benchmark...
        finished in 512.50ms, 585.36 req/s, 108.33KB/s
        requests: 300 total, 300 started, 300 done, 300 succeeded, 0 failed, 0 errored, 0 timeout
        status codes: 300 2xx, 0 3xx, 0 4xx, 0 5xx
        traffic: 55.52KB (56850) total, 21.97KB (22500) headers (space savings 0.00%)

        """

    @Test func `reports of load generators are read`() throws {
        let wrk = try parseWrk(wrkReport)
        #expect(wrk == Load(requests: 170_345, seconds: 3.01))
        let h2load = try parseH2load(h2loadReport, expected: 300)
        #expect(h2load == Load(requests: 300, seconds: 0.5125))
        let slow = h2loadReport.replacing("512.50ms", with: "1.25s")
        #expect(try parseH2load(slow, expected: 300).seconds == 1.25)
    }

    @Test func `a run with any failure gives no figure`() {
        for line in ["  Non-2xx or 3xx responses: 1", "  Socket errors: connect 0, read 1"] {
            #expect(throws: BenchError.self) {
                _ = try parseWrk(wrkReport.replacing("Requests/sec", with: line + "\nRequests/sec"))
            }
        }
        #expect(throws: BenchError.self) { _ = try parseWrk("wrk: command not found") }
        let failed = h2loadReport.replacing("codes: 300 2xx", with: "codes: 299 2xx")
        #expect(throws: BenchError.self) { _ = try parseH2load(failed, expected: 300) }
        #expect(throws: BenchError.self) { _ = try parseH2load("", expected: 300) }
    }

    private func outcome(_ peer: String, _ values: [Double]) -> Outcome {
        Outcome(peer: peer, samples: values.map { Sample(value: $0, details: ["x": $0 * 2]) })
    }

    @Test func `ratios are medians of rounds, not ratios of medians`() {
        let section = Report.Section(
            name: "s", title: "S", unit: "µs",
            outcomes: [outcome("fairlead", [1, 4, 9]), outcome("haproxy", [2, 5, 6])])
        #expect(section.median(of: "fairlead") == 4)
        #expect(section.ratio(of: "fairlead", to: "haproxy") == 0.8)
        #expect(section.ratio(of: "fairlead", to: "nginx") == nil)
        #expect(section.median(of: "haproxy", "x") == 10)
        #expect(section.table.contains("| **fairlead** | 4.0 | 1.0 to 9.0 | 0.80 | 8.0 |"))
    }

    @Test func `who has no figure is named with the reason`() {
        var refused = outcome("traefik", [])
        refused.refusal = "requests failed\nall of them"
        let section = Report.Section(
            name: "s", title: "S", unit: "µs", outcomes: [outcome("fairlead", [1]), refused])
        #expect(section.table.contains("No figure for traefik: requests failed; all of them"))
        #expect(!section.table.contains("| traefik"))
    }

    @Test func `numbers are rounded as people do`() {
        #expect(decimals(1.25, 1) == "1.3")
        #expect(decimals(0.05, 2) == "0.05")
        #expect(decimals(-1.04, 1) == "-1.0")
        #expect(decimals(-0.04, 1) == "0.0")
        #expect(decimals(1234.5, 0) == "1235")
        #expect(median([3, 1, 2]) == 2)
        #expect(median([4, 1, 2, 3]) == 2.5)
    }

    @Test func `a script names every host, and each address is of the loopback`() {
        #expect(Setup.address(0) == "127.0.1.1")
        #expect(Setup.address(9_999) == "127.0.40.250")
        #expect(Set((0..<10_000).map(Setup.address)).count == 10_000)
    }
}
