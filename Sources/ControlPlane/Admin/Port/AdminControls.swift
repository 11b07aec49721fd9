// AdminControls: what the admin port can see and do, as closures that the program passes in, so
// that nothing here depends on rosters, sources or threads.

package import Endpoints

/// A change of one backend that an operator asks for. Any thread.
package enum AdminChange: Sendable, Equatable {
    /// No new requests; what is under way finishes within the drain limit.
    case drain
    /// No new requests, and what is under way is ended.
    case disable
    /// Ends `drain` and `disable`, and overrides a drain that another source asks for.
    case enable
    /// A weight in place of the one from discovery; nil restores that.
    case weight(UInt16?)
    /// A check as soon as possible.
    case check
    /// Ejection, as if live requests had failed.
    case eject
}

/// The outcome of a change. Any thread.
package enum AdminOutcome: Sendable, Equatable {
    /// The change was made; a sentence that says so.
    case done(String)
    /// The change makes no sense now: what is wrong, and what to do about it.
    case refused(String, expected: String)
    /// The change needs `isForced`, see `change`: what it would do.
    case unforced(String)
    /// There is no such backend.
    case unknown
}

/// The outcome of a reload. Any thread.
package enum AdminReload: Sendable, Equatable {
    /// The new configuration is in force; a sentence that says what differs.
    case applied(String)
    /// The new configuration is not valid, or needs a restart; a line for each reason. Nothing has
    /// changed.
    case refused([String])
    /// A reload can't be done here; a sentence that says what to do.
    case unavailable(String)
}

/// What the admin port can see and do. Control thread only.
package struct AdminControls {
    /// A snapshot of everything, at this moment.
    package var snapshot: () -> AdminSnapshot
    /// A snapshot without what metrics do not show: journal, causes and other phrases.
    package var figures: () -> AdminSnapshot
    /// A snapshot with what a verdict needs, and no more.
    package var verdict: () -> AdminSnapshot
    /// A snapshot without the phrases and counters of backends, which `backends` has.
    package var outline: () -> AdminSnapshot
    /// How many backends there are, of all services.
    package var backendCount: () -> Int = { 0 }
    /// The backends of the service of that name, the oldest first, some with each call; nil after
    /// the last. Each is as it is at the moment of the call.
    package var backends: (String) -> () -> [AdminSnapshot.Backend]? = { _ in { nil } }
    /// What `/metrics` shows.
    package var metrics = MetricsText.Options()
    /// The configuration that is in force, as YAML, with secrets masked.
    package var configuration: () -> String
    /// Entries of the journal from this number on, the oldest first.
    package var entries: (UInt64) -> [AdminSnapshot.JournalEntry] = { _ in [] }
    /// The number that the journal's next entry will have.
    package var journalEnd: () -> UInt64 = { 0 }
    /// Changes a backend on behalf of the client at that address; with `isForced` even if that
    /// leaves a service without a backend.
    package var change: (BackendKey, AdminChange, _ isForced: Bool, IPAddress) -> AdminOutcome
    /// Begins a deploy of the service of that name on behalf of the client at that address.
    package var deploy: (String, AdminDeployRequest, IPAddress) -> AdminDeployOutcome
    /// Calls off the deploy of the service of that name, or takes back the last one.
    package var undoDeploy: (String, IPAddress) -> AdminDeployOutcome
    /// The deploy of the service of that name that is under way, or was last.
    package var deployed: (String) -> AdminDeployOutcome = { _ in .none }
    /// Reads the configuration again.
    package var reload: (IPAddress) -> AdminReload
    /// Sets the least severe message that is logged: `error`, `warning`, `info` or `debug`.
    package var setLogLevel: (String, IPAddress) -> Void

    /// Controls that only show snapshots.
    package init(snapshot: @escaping () -> AdminSnapshot) {
        self.snapshot = snapshot
        figures = snapshot
        verdict = snapshot
        outline = snapshot
        configuration = { "" }
        change = { _, _, _, _ in .refused("Nothing can be changed here.", expected: "GET") }
        deploy = { _, _, _ in .refused("Nothing can be deployed here.", expected: "GET") }
        undoDeploy = { _, _ in .refused("Nothing can be deployed here.", expected: "GET") }
        reload = { _ in .unavailable("There is nothing to read again.") }
        setLogLevel = { _, _ in }
    }
}
