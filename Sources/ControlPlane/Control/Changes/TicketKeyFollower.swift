// TicketKeyFollower: gives the ring of ticket keys what the configuration's file has, at the start,
// at each reload, and when the file changes: keys are rotated by writing the file, on each machine,
// without a signal. Keys in Consul are SharedTicketKeyFollower's.

internal import Admin
internal import Configuration
internal import Consul
internal import Documents
internal import Events
internal import InstanceSources
internal import Processes
internal import TLS

/// Follows the place where ticket keys are shared. Control thread only.
final class TicketKeyFollower {
    private let ring: TicketKeys
    private let agents: ConsulAgents
    private let loop: EventLoop
    private let log: () -> Log
    /// What `follow` was given last; nil before that.
    private var settings: TicketKeySettings?
    private var watch: FileWatch?
    /// How many keys the file had last, and why it has none now; nil for nothing.
    private var fileCount = 0
    private var fileProblem: String?
    private var shared: SharedTicketKeyFollower?

    /// Gives `ring` what the process before has passed on, if this one takes over from one; the
    /// rest follows by `follow`.
    init(
        _ process: ProcessStart, _ agents: ConsulAgents, on loop: EventLoop,
        log: @escaping () -> Log, ring: TicketKeys = .ofProcess
    ) {
        if let predecessor = process.predecessor { ring.takeOn(predecessor.secrets) }
        self.ring = ring
        self.agents = agents
        self.loop = loop
        self.log = log
    }

    /// Gives the ring the keys of `new`, and watches where they are from now on.
    func follow(_ new: TicketKeySettings) {
        let old = settings
        settings = new
        if new.keys != old?.keys ?? [] || new.consul != old?.consul { ring.give(new.keys) }
        if new.file != nil { (fileCount, fileProblem) = (new.keys.count, nil) }
        if new.file != old?.file {
            watch?.stop()
            watch = new.file.map { path in
                FileWatch(path: path, settles: true, on: loop) { [unowned self] in read(path) }
            }
        }
        if new.consul != old?.consul {
            shared?.stop()
            shared = new.consul.map {
                SharedTicketKeyFollower(ConsulKey($0, agents: agents), ring, on: loop, log: log)
            }
            shared?.start()
        }
    }

    /// Looks at the file no more, and asks Consul no more.
    func stop() {
        watch?.stop()
        watch = nil
        shared?.stop()
    }

    /// Where keys are shared, and whether that works; nil where they are not.
    var shown: ShownTicketKeys? {
        if let shared { return shared.shown }
        return settings?.file.map {
            ShownTicketKeys(
                place: $0, count: fileCount,
                problem: fileProblem.map { "\($0); the keys of before stay" })
        }
    }

    private func read(_ path: String) {
        do throws(FileTextError) {
            let keys = try TicketKeySettings.read(path: path)
            ring.give(keys)
            (fileCount, fileProblem) = (keys.count, nil)
            log().write(.info, "tickets.keys", ["file": path, "keys": "\(keys.count)"])
        } catch {
            fileProblem = error.text
            log().write(
                .error, "tickets.failed",
                ["file": path, "cause": error.text, "effect": "the keys of before stay"])
        }
    }
}
