// WatchListeners: whom DockerWatch tells of a change. An engine has hundreds of services, and what
// happens to one container concerns one of them: the others are not even asked.

internal import Containers

/// The listeners of one engine. Value type, loop thread.
struct WatchListeners {
    private struct Listener {
        let onChange: (DockerWatch.Changes) -> Void
        /// The ids of the containers that concern it; nil for all.
        var concerns: Set<String>?
    }

    private var all: [ObjectIdentifier: Listener] = [:]
    /// Listeners that every change concerns.
    private var general: Set<ObjectIdentifier> = []
    /// The others, by the ids of the containers that concern them.
    private var byContainer: [String: Set<ObjectIdentifier>] = [:]

    /// Whether nobody follows.
    var isEmpty: Bool { all.isEmpty }

    /// Adds a listener that every change concerns.
    mutating func add(
        _ listener: AnyObject, onChange: @escaping (DockerWatch.Changes) -> Void
    ) {
        all[ObjectIdentifier(listener)] = Listener(onChange: onChange)
        general.insert(ObjectIdentifier(listener))
    }

    /// Removes a listener; nothing happens when it is not there.
    mutating func remove(_ listener: AnyObject) {
        forgetConcerns(of: ObjectIdentifier(listener))
        all[ObjectIdentifier(listener)] = nil
    }

    /// Has a listener concerned by the containers `ids` alone; nothing happens when it is not
    /// there.
    mutating func narrow(_ listener: AnyObject, to ids: Set<String>) {
        let listener = ObjectIdentifier(listener)
        guard all[listener] != nil else { return }
        forgetConcerns(of: listener)
        all[listener]?.concerns = ids
        for id in ids { byContainer[id, default: []].insert(listener) }
    }

    private mutating func forgetConcerns(of listener: ObjectIdentifier) {
        general.remove(listener)
        for id in all[listener]?.concerns ?? [] {
            byContainer[id]?.remove(listener)
            if byContainer[id]?.isEmpty == true { byContainer[id] = nil }
        }
    }

    /// The listeners that `changes` concern. A container that may be of another service than before
    /// concerns all.
    func concerned(by changes: DockerWatch.Changes) -> Set<ObjectIdentifier> {
        switch changes {
        case .containers(let changes) where changes.renewed.isEmpty:
            changes.ids.reduce(into: general) { $0.formUnion(byContainer[$1] ?? []) }
        case .containers, .all: Set(all.keys)
        }
    }

    /// What to call for a listener; nil for one that is there no more.
    subscript(_ listener: ObjectIdentifier) -> ((DockerWatch.Changes) -> Void)? {
        all[listener]?.onChange
    }
}
