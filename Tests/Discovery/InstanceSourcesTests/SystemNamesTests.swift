// Goal: what /etc/hosts and resolv.conf say is followed however they are replaced. Method: files in
// a folder of the test's own, written in place and replaced by renaming.

import DNSClient
import Endpoints
import Events
import Glibc
import InstanceSources
import Testing

@Suite struct SystemNamesTests {
    let loop = EventLoop()
    let folder: String
    var paths: SystemNames.Paths

    init() {
        folder = "/tmp/fairlead-names-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        unsafe mkdir(folder, 0o700)
        paths = SystemNames.Paths(resolvConf: "\(folder)/resolv.conf")
        paths.hosts = "\(folder)/hosts"
    }

    private func write(_ text: String, to path: String) {
        let file = unsafe fopen(path, "w")
        guard let file = unsafe file else {
            Issue.record("can't write \(path)")
            return
        }
        unsafe fputs(text, file)
        unsafe fclose(file)
    }

    private func replace(_ path: String, by text: String) {
        write(text, to: "\(path).new")
        unsafe rename("\(path).new", path)
    }

    private func cleanUp() {
        for path in [paths.hosts, paths.resolvConf] { unsafe unlink(path) }
        unsafe rmdir(folder)
    }

    @Test("a hosts file of megabytes is read, and one that is longer or no text is reported")
    func large() throws {
        defer { cleanUp() }
        write("nameserver 10.0.0.9\n", to: paths.resolvConf)
        let blocked = String(repeating: "0.0.0.0 ads.example # blocked\n", count: 50_000)
        write(blocked + "10.0.0.1 web\n", to: paths.hosts)
        let web = try HostName("web")
        let names = SystemNames(paths, on: loop)
        #expect(names.rules.hosts.addresses(of: web).map(\.description) == ["10.0.0.1"])
        #expect(names.hostsTrouble == nil)

        write(String(repeating: blocked, count: 12), to: paths.hosts)
        let longer = SystemNames(paths, on: loop)
        #expect(longer.rules.hosts.addresses(of: web).isEmpty)
        #expect(longer.hostsTrouble?.hasPrefix(paths.hosts) == true)

        let many = (0...HostsFile.namesMax).map { "10.0.0.2 host\($0)\n" }.joined()
        write("10.0.0.1 web\n" + many, to: paths.hosts)
        let cut = SystemNames(paths, on: loop)
        #expect(!cut.rules.hosts.addresses(of: web).isEmpty)
        #expect(cut.hostsTrouble?.contains("65536") == true)

        unsafe unlink(paths.hosts)
        let none = SystemNames(paths, on: loop)
        #expect(none.rules.hosts.addresses(of: web).isEmpty && none.hostsTrouble == nil)
    }

    @Test("both files are read again when they change, and stand while they are away")
    func changes() throws {
        defer { cleanUp() }
        write("10.0.0.1 web\n", to: paths.hosts)
        write("nameserver 10.0.0.9\nsearch a.test\n", to: paths.resolvConf)
        let names = SystemNames(paths, on: loop)
        let web = try HostName("web")
        #expect(names.rules.hosts.addresses(of: web).map(\.description) == ["10.0.0.1"])
        #expect(names.failure == nil && names.resolvConf.endpoints().count == 1)
        var changes = 0
        names.watch { changes += 1 }
        defer { names.stop() }
        func turn(until condition: () -> Bool) {
            for _ in 0..<100 where !condition() { loop.runOnce(waiting: true) }
            #expect(condition())
        }
        replace(paths.resolvConf, by: "nameserver 10.0.0.8\nsearch b.test\noptions ndots:2\n")
        turn { changes == 1 }
        #expect(names.resolvConf.endpoints() == [Endpoint(.v4(0x0a00_0008), 53)])
        #expect(names.rules.search.ndots == 2)
        write("10.0.0.1 web\n10.0.0.22 web\n", to: paths.hosts)
        turn { changes == 2 }
        #expect(names.rules.hosts.addresses(of: web).count == 2)
        unsafe unlink(paths.hosts)
        unsafe unlink(paths.resolvConf)
        // It is seen that they are gone, and nothing follows; then that one is back.
        replace(paths.resolvConf, by: "nameserver 10.0.0.7\n")
        turn { changes == 3 }
        #expect(names.rules.hosts.addresses(of: web).count == 2)
    }

    @Test("a resolv.conf that is missing is reported, and stands for this machine's own nameserver")
    func missing() {
        let names = SystemNames(paths, on: loop)
        #expect(names.failure?.hasPrefix(paths.resolvConf) == true)
        #expect(names.resolvConf.endpoints() == [Endpoint(.loopback, 53)])
        cleanUp()
    }
}
