// Goal: a StatsD collector gets what /metrics shows, and counters as what was added. Method: two
// snapshots of one process, and every line is checked by StatsD's grammar.

import Admin
import Stats
import Testing

@Suite struct StatsDTests {
    private func lines(_ datagrams: [[UInt8]]) -> [String] {
        datagrams.flatMap { String(decoding: $0, as: UTF8.self).split(separator: "\n") }
            .map(String.init)
    }

    /// The healthy sample with `more` requests more for its first service.
    private func sample(more: Int) -> AdminSnapshot {
        var snapshot = Sample.healthy
        snapshot.services[0].totals[.requests] += more
        return snapshot
    }

    @Test("counters are sent as what was added since the first time, gauges as they are")
    func counters() {
        var text = StatsDText(.dogstatsd)
        let first = lines(text.datagrams(of: sample(more: 0)))
        let name = Sample.healthy.services[0].name
        #expect(!first.contains { $0.hasPrefix("fairlead_requests_total:") })
        #expect(first.contains("fairlead_ready:1|g"))
        #expect(first.contains { $0.hasPrefix("fairlead_backend_requests_in_flight:") })
        let second = lines(text.datagrams(of: sample(more: 7)))
        #expect(second.contains("fairlead_requests_total:7|c|#service:\(name)"))
        #expect(second.filter { $0.hasPrefix("fairlead_requests_total:") }.count == 1)
        // A counter that started over counts from zero.
        var restarted = sample(more: 0)
        restarted.services[0].totals[.requests] = 3
        let third = lines(text.datagrams(of: restarted))
        #expect(third.contains("fairlead_requests_total:3|c|#service:\(name)"))
    }

    @Test("labels are in the name where the collector knows no tags")
    func names() {
        var text = StatsDText(.inNames)
        _ = text.datagrams(of: sample(more: 0))
        let name = Sample.healthy.services[0].name
        let second = lines(text.datagrams(of: sample(more: 2)))
        #expect(second.contains("fairlead_requests_total.\(name):2|c"))
        #expect(second.allSatisfy { !$0.contains("#") })
    }

    @Test("every line is valid StatsD, and no datagram is too large")
    func grammar() {
        for tags in [StatsDText.Tags.dogstatsd, .inNames] {
            var text = StatsDText(tags)
            var snapshot = Sample.troubled
            snapshot.services[0].name = "web\"|:#,\n@é"
            let datagrams = text.datagrams(of: snapshot)
            #expect(datagrams.allSatisfy { $0.count <= StatsDText.datagramBytesMax })
            #expect(datagrams.count < lines(datagrams).count / 2, "lines travel together")
            for line in lines(datagrams) {
                let parts = line.split(separator: "|", omittingEmptySubsequences: false)
                let pair = parts[0].split(separator: ":", omittingEmptySubsequences: false)
                #expect(pair.count == 2 && Double(pair[1]) != nil, "\(line)")
                #expect(["c", "g"].contains(parts[1]), "\(line)")
                #expect(parts.count == 2 || parts[2].hasPrefix("#") && parts.count == 3, "\(line)")
            }
        }
    }
}
