// SnapshotDetail: how much of a snapshot is wanted.

/// How much a snapshot shows. Value type.
enum SnapshotDetail {
    /// All of it.
    case everything
    /// No journal, and no phrases of backends: with thousands of them those take most of the time.
    case figures
    /// What a verdict is made of: no journal, and of the backends only counts and those few that it
    /// names.
    case verdict
    /// Everything but the backends; of these what a verdict is made of.
    case outline

    /// Whether all backends are wanted.
    var hasBackends: Bool { self == .everything || self == .figures }
    /// Whether the journal is wanted.
    var hasJournal: Bool { self == .everything || self == .outline }
}
