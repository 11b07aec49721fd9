// SnapshotDetail: how much a snapshot shows.

/// How much a snapshot shows. Value type.
enum SnapshotDetail {
    /// All of it.
    case everything
    /// Without the journal and the phrases of backends, which take most of the time when there are
    /// thousands.
    case figures
    /// What a verdict needs: no journal, and of the backends only counts and the few that it names.
    case verdict
    /// Everything, but of the backends only what a verdict needs.
    case outline

    /// Whether all backends are wanted.
    var hasBackends: Bool { self == .everything || self == .figures }
    /// Whether the journal is wanted.
    var hasJournal: Bool { self == .everything || self == .outline }
}
