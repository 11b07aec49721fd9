// TicketKeyFollower: gives the ring of ticket keys what the configuration's file has, at the start,
// at each reload, and when the file changes: keys are rotated by writing the file, on each machine,
// without a signal.

internal import Configuration
internal import Documents
internal import Events
internal import InstanceSources
internal import Processes
internal import TLS

/// Follows the file with ticket keys. Control thread only.
final class TicketKeyFollower {
    private let ring: TicketKeys
    private let loop: EventLoop
    private let log: () -> Log
    /// What `follow` was given last; nil before that.
    private var settings: TicketKeySettings?
    private var watch: FileWatch?

    /// Gives `ring` what `predecessor` has passed on, if this process takes over from one; the rest
    /// follows by `follow`.
    init(
        after predecessor: Predecessor?, on loop: EventLoop, log: @escaping () -> Log,
        ring: TicketKeys = .ofProcess
    ) {
        if let predecessor { ring.takeOn(predecessor.secrets) }
        self.ring = ring
        self.loop = loop
        self.log = log
    }

    /// Gives the ring the keys of `new`, and watches its file from now on.
    func follow(_ new: TicketKeySettings) {
        if new.keys != settings?.keys ?? [] { ring.give(new.keys) }
        let isSameFile = new.file == settings?.file
        settings = new
        guard !isSameFile else { return }
        watch?.stop()
        watch = new.file.map { path in
            FileWatch(path: path, settles: true, on: loop) { [unowned self] in read(path) }
        }
    }

    /// Looks at the file no more.
    func stop() {
        watch?.stop()
        watch = nil
    }

    private func read(_ path: String) {
        do throws(FileTextError) {
            let keys = try TicketKeySettings.read(path: path)
            ring.give(keys)
            log().write(.info, "tickets.keys", ["file": path, "keys": "\(keys.count)"])
        } catch {
            log().write(
                .error, "tickets.failed",
                ["file": path, "cause": error.text, "effect": "the keys of before stay"])
        }
    }
}
