// BackendTable: the backends of one roster by number, read and changed in place. A dictionary of
// backends hands out copies, and such a copy, with its texts and instants, costs more than most
// questions about a backend.

/// Backends, each under its number, in no order. Value type, control thread.
struct BackendTable {
    private var slots: [Backend] = []
    private var indexes: [BackendID: Int] = [:]

    /// How many there are.
    var count: Int { slots.count }

    /// The numbers of all of them.
    var ids: Dictionary<BackendID, Int>.Keys { indexes.keys }

    /// A copy of the backend with this number; nil if there is none.
    subscript(id: BackendID) -> Backend? { indexes[id].map { slots[$0] } }

    /// Where the backend with this number is until the next `remove`; nil if there is none.
    func index(of id: BackendID) -> Int? { indexes[id] }

    /// The backend at an index, to be changed there.
    subscript(index index: Int) -> Backend {
        get { slots[index] }
        _modify { yield &slots[index] }
    }

    /// What `body` makes of the backend at this index, which it sees without a copy.
    func read<Result>(_ index: Int, _ body: (Backend) -> Result) -> Result {
        body(slots.span[index])
    }

    /// Adds a backend whose number is new.
    mutating func insert(_ backend: Backend) {
        precondition(indexes[backend.id] == nil)
        indexes[backend.id] = slots.count
        slots.append(backend)
    }

    /// Removes the backend with this number, if there is one.
    mutating func remove(_ id: BackendID) {
        guard let index = indexes.removeValue(forKey: id) else { return }
        let last = slots.removeLast()
        guard last.id != id else { return }
        slots[index] = last
        indexes[last.id] = index
    }

    /// Shows each backend to `body`, without a copy.
    func forEach(_ body: (Backend) -> Void) {
        let span = slots.span
        for index in span.indices { body(span[index]) }
    }

    /// How many are as `predicate` says.
    func count(where predicate: (Backend) -> Bool) -> Int {
        var count = 0
        forEach { if predicate($0) { count += 1 } }
        return count
    }

    /// Whether one is as `predicate` says.
    func contains(where predicate: (Backend) -> Bool) -> Bool {
        let span = slots.span
        for index in span.indices where predicate(span[index]) { return true }
        return false
    }

    /// Copies of those that are as `predicate` says.
    func filter(_ predicate: (Backend) -> Bool) -> [Backend] {
        let span = slots.span
        return span.indices.filter { predicate(span[$0]) }.map { slots[$0] }
    }
}
