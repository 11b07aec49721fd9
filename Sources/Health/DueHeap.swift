// DueHeap: which of many checks is due first, in O(log n). Entries are never changed in place: the
// schedule adds a new one and recognises the old one as stale when it comes up.

/// A binary min-heap by time.
struct DueHeap {
    struct Element {
        let due: ContinuousClock.Instant
        let id: CheckID
    }

    private var elements: [Element] = []

    init() {}

    /// A heap of these, in O(n log n).
    init(_ elements: [Element]) {
        // A sorted array is a heap.
        self.elements = elements.sorted { $0.due < $1.due }
    }

    var count: Int { elements.count }

    /// The one that is due first.
    var first: Element? { elements.first }

    mutating func insert(_ element: Element) {
        elements.append(element)
        var child = elements.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard elements[child].due < elements[parent].due else { return }
            elements.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes out the one that is due first; nothing when there is none.
    mutating func removeFirst() {
        guard let last = elements.popLast(), !elements.isEmpty else { return }
        elements[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < elements.count && elements[child].due < elements[least].due {
                least = child
            }
            guard least != parent else { return }
            elements.swapAt(parent, least)
            parent = least
        }
    }
}
