// Agenda: what is going to happen in a simulation, the earliest first. Nothing waits: time jumps
// from one entry to the next.

/// A queue by time. Value type.
struct Agenda<Event> {
    private struct Entry {
        let time: Int
        /// Of one time, what was added first happens first: a run repeats exactly.
        let number: Int
        let event: Event

        func precedes(_ other: Entry) -> Bool {
            time != other.time ? time < other.time : number < other.number
        }
    }

    private var heap: [Entry] = []
    private var added = 0

    /// Lets `event` happen at `time`, in microseconds.
    mutating func add(_ event: Event, at time: Int) {
        heap.append(Entry(time: time, number: added, event: event))
        added += 1
        var slot = heap.count - 1
        while slot > 0, heap[slot].precedes(heap[(slot - 1) / 2]) {
            heap.swapAt(slot, (slot - 1) / 2)
            slot = (slot - 1) / 2
        }
    }

    /// The next event and its time; nil when nothing is going to happen.
    mutating func removeFirst() -> (time: Int, event: Event)? {
        guard let first = heap.first else { return nil }
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var slot = 0
        while 2 * slot + 1 < heap.count {
            var child = 2 * slot + 1
            if child + 1 < heap.count, heap[child + 1].precedes(heap[child]) { child += 1 }
            guard heap[child].precedes(heap[slot]) else { break }
            heap.swapAt(child, slot)
            slot = child
        }
        return (first.time, first.event)
    }
}
