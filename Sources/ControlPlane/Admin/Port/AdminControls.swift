// AdminControls: what the admin port can see and do, as closures that the program gives it, so that
// nothing here knows rosters, sources or threads.

package import Endpoints

/// What an operator wants of one backend. Any thread.
package enum AdminChange: Sendable, Equatable {
    /// No new requests; what is under way finishes within the drain limit.
    case drain
    /// No new requests, and what is under way is ended.
    case disable
    /// Takes back `drain` and `disable`, and goes before a drain that is written down elsewhere.
    case enable
    /// In place of the weight that discovery gives; nil takes that back.
    case weight(UInt16?)
    /// A check as soon as may be.
    case check
    /// Out of the rotation as if live requests had failed.
    case eject
}

/// What became of it. Any thread.
package enum AdminOutcome: Sendable, Equatable {
    /// The change is made; a sentence.
    case done(String)
    /// The change makes no sense now: what is wrong, and what to do.
    case refused(String, expected: String)
    /// The change is not made without being asked for twice: what it would do. See `change`.
    case unforced(String)
    /// There is no such backend.
    case unknown
}

/// What became of the wish to read the configuration again. Any thread.
package enum AdminReload: Sendable, Equatable {
    /// What was read is in force; a sentence that says what differs.
    case applied(String)
    /// What was read is not valid, or needs a start; a line for each reason. Nothing has changed.
    case refused([String])
    /// A reload can't be done here; a sentence that says what to do.
    case unavailable(String)
}

/// What the admin port works with. Control thread only.
package struct AdminControls {
    /// All there is to show, at this moment.
    package var snapshot: () -> AdminSnapshot
    /// A snapshot without what metrics do not have: journal, causes and other phrases.
    package var figures: () -> AdminSnapshot
    /// What a verdict is made of, and no more.
    package var verdict: () -> AdminSnapshot
    /// All there is to show but for the phrases and counters of backends, which `backends` has.
    package var outline: () -> AdminSnapshot
    /// How many backends there are, of all services.
    package var backendCount: () -> Int = { 0 }
    /// The backends of the service of that name, the oldest first, some at a time: nil after the
    /// last. Each is as it is when it is asked for.
    package var backends: (String) -> () -> [AdminSnapshot.Backend]? = { _ in { nil } }
    /// What `/metrics` has.
    package var metrics = MetricsText.Options()
    /// The configuration that is in force, as YAML, with secrets masked.
    package var configuration: () -> String
    /// Entries of the journal from this number on, the oldest first.
    package var entries: (UInt64) -> [AdminSnapshot.JournalEntry] = { _ in [] }
    /// The number that the journal's next entry will have.
    package var journalEnd: () -> UInt64 = { 0 }
    /// Does something to a backend, in the name of who asked from that address; with `isForced`
    /// also what leaves a service without a backend.
    package var change: (BackendKey, AdminChange, _ isForced: Bool, IPAddress) -> AdminOutcome
    /// Reads the configuration again.
    package var reload: (IPAddress) -> AdminReload
    /// Sets the least severe message that is logged: `error`, `warning`, `info` or `debug`.
    package var setLogLevel: (String, IPAddress) -> Void

    /// Controls that show snapshots, and change nothing.
    package init(snapshot: @escaping () -> AdminSnapshot) {
        self.snapshot = snapshot
        figures = snapshot
        verdict = snapshot
        outline = snapshot
        configuration = { "" }
        change = { _, _, _, _ in .refused("Nothing can be changed here.", expected: "GET") }
        reload = { _ in .unavailable("There is nothing to read again.") }
        setLogLevel = { _, _ in }
    }
}
