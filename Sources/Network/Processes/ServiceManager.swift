// ServiceManager: what systemd, or whatever speaks as it does, is told of this process
// (sd_notify(3)): one datagram with lines of `NAME=value` each time.

internal import Events
internal import Glibc

/// The service manager that started this process. Control thread only.
package final class ServiceManager {
    private let socket: Descriptor
    /// How often it wants to hear that the process is well, and no seldomer; nil: it does not.
    package let watchdogLimit: Duration?

    /// The one that `environment` names; nil when there is none, or nobody is there. `process` is
    /// the number of this process.
    package init?(_ environment: [String: String], process: Int32) {
        guard let path = environment["NOTIFY_SOCKET"], !path.isEmpty else { return nil }
        do throws(Errno) {
            socket = try Socket.connectDatagram(toPath: path)
        } catch {
            return nil
        }
        let watched = environment["WATCHDOG_PID"].map { Int32($0) == process } ?? true
        watchdogLimit =
            watched
            ? environment["WATCHDOG_USEC"].flatMap(Int64.init).flatMap {
                $0 > 0 ? .microseconds($0) : nil
            } : nil
    }

    deinit {
        socket.close()
    }

    /// Something that the manager may know of this process.
    package enum State {
        /// The process serves; `process` is the main one from now on.
        case ready(process: Int32)
        /// The process reads its configuration again; `ready` follows.
        case reloading
        /// The process is ending.
        case stopping
        /// The process is well.
        case alive
        /// A line that the manager shows.
        case status(String)
    }

    /// Notifies the manager of `state`. A manager that does not listen is none.
    package func notify(_ state: State) {
        let text =
            switch state {
            case .ready(let process): "MAINPID=\(process)\nREADY=1"
            case .reloading: "RELOADING=1\nMONOTONIC_USEC=\(Self.monotonicMicroseconds())"
            case .stopping: "STOPPING=1"
            case .alive: "WATCHDOG=1"
            case .status(let line):
                "STATUS=" + String(line.map { $0.isNewline ? " " : $0 }.prefix(500))
            }
        _ = socket.send(Array(text.utf8).span)
    }

    private static func monotonicMicroseconds() -> UInt64 {
        var time = timespec()
        unsafe _ = clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000
    }
}
