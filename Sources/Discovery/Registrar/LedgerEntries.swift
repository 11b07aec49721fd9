// LedgerEntries: the services of a ledger, and which of them are to be looked at: those that have
// changed, and those whose time has come. With thousands of services an answer about one of them
// has nobody look at the others.

internal import Backends

/// What a ledger knows of each service, by its id. Value type, loop thread.
struct LedgerEntries {
    typealias Entry = RegistrarLedger.Entry

    /// All of them.
    private(set) var all: [String: Entry] = [:]
    /// The ids of those for which there may be something to do now.
    private(set) var due: Set<String> = []
    /// When the others are to be looked at, by an arbitrary number.
    private var heap = DueHeap()
    /// The service that each number stands for; a number that is not there is stale.
    private var waiting: [UInt64: String] = [:]
    private var numbers: [String: UInt64] = [:]
    private var lastNumber: UInt64 = 0

    /// What is known of a service. One that is set is due.
    subscript(id: String) -> Entry? {
        get { all[id] }
        set {
            all[id] = newValue
            wake(id)
            if newValue == nil { due.remove(id) }
        }
    }

    private mutating func wake(_ id: String) {
        if let number = numbers.removeValue(forKey: id) { waiting[number] = nil }
        due.insert(id)
    }

    /// There is nothing to do for a service before `time`, if it does not change; nil: at no time.
    mutating func putOff(_ id: String, until time: ContinuousClock.Instant?) {
        wake(id)
        due.remove(id)
        guard let time else { return }
        lastNumber += 1
        waiting[lastNumber] = id
        numbers[id] = lastNumber
        heap.insert(.init(due: time, number: lastNumber))
    }

    /// Lets time pass.
    mutating func advance(to now: ContinuousClock.Instant) {
        while let first = heap.first, first.due <= now || waiting[first.number] == nil {
            heap.removeFirst()
            if let id = waiting[first.number] { wake(id) }
        }
    }

    /// When the next one is due, or a little before.
    var nextDeadline: ContinuousClock.Instant? { heap.first?.due }
}
