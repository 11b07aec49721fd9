// AwaitedSockets: opens the addresses of new listeners before anything else changes, so that an
// address that is not available refuses the whole change. Connections wait there until the listener
// is published.

internal import Configuration
internal import Endpoints
internal import Events
internal import Proxy
internal import Traffic

/// Addresses that are open and not yet accepted from, by the names of their listeners. Value type,
/// control thread.
struct AwaitedSockets {
    private struct Opened {
        /// The address as the configuration has it, which may leave the port to the kernel.
        let asked: Endpoint
        let sockets: ListenerSockets
    }

    private var opened: [String: Opened] = [:]

    /// The names of the listeners, sorted.
    var names: [String] { opened.keys.sorted() }

    /// Opens the addresses that `wanted` need and this process does not have yet. Closes those that
    /// an earlier change opened and that are no longer needed.
    ///
    /// - Throws: why one can't be had; nothing has changed then.
    mutating func open(
        for wanted: [Listener], beside published: PublishedListeners, by workers: ProxyWorkers
    ) throws(ChangeRefusal) {
        var spare = opened.values.map(\.self)
        var next: [String: Opened] = [:]
        var fresh: [ListenerSockets] = []
        for listener in published.unopened(of: wanted) {
            if let place = spare.firstIndex(where: { $0.asked == listener.listen }) {
                next[listener.name] = spare.remove(at: place)
                continue
            }
            let isOwn =
                published.overlaps(listener.listen)
                || spare.contains { $0.sockets.endpoint.overlaps(listener.listen) }
            do throws(ListenFailure) {
                let sockets = try workers.open(
                    listener.listen, limits: listener.policy.timeouts.peerLimits(listener.mode),
                    besideOwn: isOwn)
                fresh.append(sockets)
                next[listener.name] = Opened(asked: listener.listen, sockets: sockets)
            } catch {
                for sockets in fresh { sockets.close() }
                let failure = StartFailure(listeningOn: error.endpoint, error.error)
                throw ChangeRefusal(
                    reasons: [
                        .init(
                            key: "listeners.\(listener.name).listen", why: "\(failure)",
                            needsStart: false)
                    ])
            }
        }
        for leftOver in spare { leftOver.sockets.close() }
        opened = next
    }

    /// Removes all sockets and returns them by listener, for the workers to accept on.
    mutating func removeAll() -> [String: ListenerSockets] {
        defer { opened = [:] }
        return opened.mapValues(\.sockets)
    }

    /// Closes all sockets: their listeners will not be published.
    mutating func close() {
        for opened in opened.values { opened.sockets.close() }
        opened = [:]
    }
}
