// DueHeap: which of many things is due first, in O(log n). Entries are never changed in place: a
// caller that has another time for something adds a new one, and recognises the old one as stale
// when it comes up.

/// A binary min-heap by time. Value type.
package struct DueHeap {
    /// Something that is due.
    package struct Element {
        /// When.
        package let due: ContinuousClock.Instant
        /// What, by a number that means something to the owner of the heap.
        package let number: UInt64

        /// The thing with this number is due at this time.
        package init(due: ContinuousClock.Instant, number: UInt64) {
            self.due = due
            self.number = number
        }
    }

    private var elements: [Element] = []

    /// Nothing is due.
    package init() {}

    /// A heap of these, in O(n log n).
    package init(_ elements: [Element]) {
        // A sorted array is a heap.
        self.elements = elements.sorted { $0.due < $1.due }
    }

    /// How many entries it has, stale ones included.
    package var count: Int { elements.count }

    /// The one that is due first.
    package var first: Element? { elements.first }

    /// Adds an entry.
    package mutating func insert(_ element: Element) {
        elements.append(element)
        var child = elements.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard elements[child].due < elements[parent].due else { return }
            elements.swapAt(child, parent)
            child = parent
        }
    }

    /// Removes the one that is due first; does nothing when there is none.
    package mutating func removeFirst() {
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
