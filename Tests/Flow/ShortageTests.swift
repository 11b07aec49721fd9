// What this machine runs out of: local ports, descriptors.

import Glibc
import TestSupport
import Testing

extension Flow {
    // Goal: a shortage of this machine is held against no backend, costs as few requests as can be,
    // and is what the page says. Method: a network namespace with eight local ports, and a process
    // that may have few descriptors.
    @Suite struct Shortage {
        /// Three backends, Fairlead before them, and 60 requests at a time from curl, which chooses
        /// its own ports. Each takes 100 ms; eight ports to each of three backends carry 24 at a
        /// time.
        private static let script = """
            ip link set lo up || exit 77
            for port in 9001 9002 9003; do
                "$0" backend --listen 127.0.0.1:$port >backend.$port 2>&1 &
            done
            for port in 9001 9002 9003; do
                until grep -q backend.started backend.$port; do sleep 0.05; done
            done
            echo "40000 40007" >/proc/sys/net/ipv4/ip_local_port_range
            "$0" run --workers 1 --listen 127.0.0.1:8080 --admin 127.0.0.1:7070 \\
                --backend 127.0.0.1:9001 --backend 127.0.0.1:9002 --backend 127.0.0.1:9003 \\
                2>fairlead.log &
            until grep -q admin.open fairlead.log; do sleep 0.05; done
            until [ "$(curl -s --local-port 25000-25999 http://127.0.0.1:7070/stats |
                grep -o "to up: a check passed" | wc -l)" = 3 ]; do sleep 0.05; done
            curl -s --no-keepalive -o /dev/null -w '%{http_code}\\n' --local-port 20000-24999 \\
                -Z --parallel-immediate --parallel-max 60 \\
                'http://127.0.0.1:8080/delay/100?[1-240]' | sort | uniq -c | tr -s ' '
            until grep -q machine.short fairlead.log; do sleep 0.1; done
            curl -s --local-port 25000-25999 http://127.0.0.1:7070/stats
            grep -e to=ejected -e to=down fairlead.log
            kill $(jobs -p)
            """

        @Test func `without local ports no backend is blamed, and requests wait for one`() throws {
            try withStage { stage in
                let process = stage.hold(
                    try RunningProcess([
                        "unshare", "--net", "bash", "-c",
                        "cd $(mktemp -d) && " + Self.script, try Fairlead.program(),
                    ]))
                try process.waitForExit(limit: .seconds(60))
                // Where no namespace may be made there is nothing to try.
                if process.errors.contains("Operation not permitted") { return }
                let said = process.output
                #expect(said.contains(" 240 200\n"), "\(process.transcript)")
                #expect(said.contains("This machine has no local ports left for connections"))
                #expect(said.contains("net.ipv4.ip_local_port_range"))
                for word in ["ejected: ", "to down", "to=ejected", "to=down"] {
                    #expect(!said.contains(word), "\(said)")
                }
            }
        }

        @Test func `without descriptors those connected are served, and the admin port answers`()
            throws
        {
            try withStage { stage in
                let backend = stage.hold(try ScriptedBackend.echoingBodies())
                let process = stage.hold(
                    try RunningProcess([
                        "prlimit", "--nofile=96", try Fairlead.program(), "run", "--workers", "1",
                        "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
                        "--backend", "127.0.0.1:\(backend.port)",
                    ]))
                func port(_ event: String) throws -> UInt16 {
                    try waitFor("\(event); it said: \(process.transcript)") {
                        let lines = process.errors.split(separator: "\n")
                        let line = lines.first { $0.contains(" \(event) ") }
                        guard let line, let place = line.firstRange(of: "listen=127.0.0.1:")
                        else { return nil }
                        return UInt16(line[place.upperBound...].prefix { $0.isNumber })
                    }
                }
                let (listener, admin) = (try port("listener.open"), try port("admin.open"))
                try process.waitForErrors(containing: " machine.few_descriptors limit=96 ")
                // More than are accepted; the rest waits in the kernel.
                let idle = try (0..<120).map { _ in try RawSocket(port: listener) }
                try waitFor("the shortage to be told; it said: \(process.transcript)") {
                    process.errors.contains(" machine.short of=descriptors ") ? () : nil
                }
                try idle[0].send(
                    "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc")
                #expect(try idle[0].receive(through: "\r\n\r\n")?.contains(" 200 ") == true)
                let stats = try getAdmin("/stats", port: admin).body
                #expect(stats.contains("This process has no descriptors left"))
                #expect(stats.contains("\"state\":\"up\""))
                #expect(!process.errors.contains("ejected"))
            }
        }
    }
}
