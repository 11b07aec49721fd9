// WaitingLine: questions that wait for their turn, first come first served. Taking the first,
// adding one and leaving from the middle cost the same however long it is: ten thousand names may
// wait.

/// A queue whose elements can leave it. Value type.
struct WaitingLine<Element> {
    /// The ticket by which an element leaves.
    typealias Ticket = UInt64

    /// In the order of their coming; nil where one has left. Those before `head` have gone.
    private var places: [Element?] = []
    private var head = 0
    /// The ticket of `places[0]`.
    private var firstTicket: Ticket = 0
    /// How many wait.
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    /// Adds `element` at the end.
    mutating func append(_ element: Element) -> Ticket {
        places.append(element)
        count += 1
        return firstTicket + Ticket(places.count - 1)
    }

    /// Removes the one that has waited longest; nil when none waits.
    /// - Complexity: O(1) amortised, including those that left from the middle.
    mutating func takeFirst() -> Element? {
        while head < places.count {
            let element = places[head]
            places[head] = nil
            head += 1
            guard let element else { continue }
            count -= 1
            trim()
            return element
        }
        trim()
        return nil
    }

    /// Lets the one with `ticket` leave; nothing when it has gone already.
    mutating func leave(_ ticket: Ticket) {
        guard ticket >= firstTicket, ticket - firstTicket < UInt64(places.count) else { return }
        let index = Int(ticket - firstTicket)
        guard places[index] != nil else { return }
        places[index] = nil
        count -= 1
        if count == 0 { trim() }
    }

    /// Everyone, in order.
    var all: [Element] { places.compactMap(\.self) }

    /// Frees the places of those that left when they are the majority: each element is moved at
    /// most once.
    private mutating func trim() {
        if count == 0 {
            firstTicket += Ticket(places.count)
            places.removeAll(keepingCapacity: places.count <= 1024)
            head = 0
        } else if head > 64, head * 2 > places.count {
            firstTicket += Ticket(head)
            places.removeFirst(head)
            head = 0
        }
    }
}
