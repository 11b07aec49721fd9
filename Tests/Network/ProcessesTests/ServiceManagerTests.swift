// Goal: a service manager hears what sd_notify(3) says it should, on paths and abstract names.
// Method: a socket of the test in the manager's place, made by the system calls themselves.

import Glibc
import Processes
import TestSupport
import Testing

/// A datagram socket with a name.
private final class Listener {
    let number: Int32

    init(_ name: [UInt8]) throws {
        number = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // A sockaddr_un has room for 108 bytes, and begins with the fields of sockaddr.
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: name) }
        let length = socklen_t(2 + name.count)
        let result = unsafe withUnsafePointer(to: address) {
            unsafe bind(
                number, UnsafeRawPointer($0).assumingMemoryBound(to: sockaddr.self), length)
        }
        try #require(result == 0, "bind: \(errno)")
    }

    deinit { close(number) }

    func next() -> String {
        var bytes = [UInt8](repeating: 0, count: 1000)
        let count = unsafe recv(number, &bytes, bytes.count, 0)
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }
}

@Suite struct ServiceManagerTests {
    @Test("states by name and number, in one datagram each")
    func states() throws {
        let name = "fairlead-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let listener = try Listener([0] + Array(name.utf8))
        let manager = try #require(
            ServiceManager(["NOTIFY_SOCKET": "@\(name)"], process: 42))
        manager.notify(.ready(process: 42))
        #expect(listener.next() == "MAINPID=42\nREADY=1")
        manager.notify(.status("two\nlines"))
        #expect(listener.next() == "STATUS=two lines")
        manager.notify(.reloading)
        #expect(listener.next().hasPrefix("RELOADING=1\nMONOTONIC_USEC="))
        manager.notify(.alive)
        #expect(listener.next() == "WATCHDOG=1")
        manager.notify(.stopping)
        #expect(listener.next() == "STOPPING=1")
        #expect(manager.watchdogLimit == nil)
    }

    @Test("a path in the file system, and a watchdog for this process alone")
    func watchdog() throws {
        let path = "/tmp/fairlead-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let listener = try Listener(Array(path.utf8))
        defer { unsafe _ = unlink(path) }
        var environment = ["NOTIFY_SOCKET": path, "WATCHDOG_USEC": "3000000"]
        #expect(ServiceManager(environment, process: 1)?.watchdogLimit == .seconds(3))
        environment["WATCHDOG_PID"] = "1"
        #expect(ServiceManager(environment, process: 1)?.watchdogLimit == .seconds(3))
        #expect(ServiceManager(environment, process: 2)?.watchdogLimit == nil)
        environment["WATCHDOG_USEC"] = "0"
        #expect(ServiceManager(environment, process: 1)?.watchdogLimit == nil)
        withExtendedLifetime(listener) {}
    }

    @Test("without a manager, or one that is there, there is none")
    func none() {
        #expect(ServiceManager([:], process: 1) == nil)
        #expect(ServiceManager(["NOTIFY_SOCKET": "/nowhere/notify"], process: 1) == nil)
    }
}
