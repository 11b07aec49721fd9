// CounterSet: a counter for each case of an enumeration, in one block of memory, and the totals of
// several such blocks. Whatever shows counters goes over the cases, so that a new case is shown
// everywhere.

/// The names of the counters of one thing: an enumeration whose raw values count from 0.
///
/// `public` for the reason that `Counter` gives.
public protocol CounterName: CaseIterable, RawRepresentable<Int>, Sendable, Equatable {}

/// The part of a counter's name that operators see.
package protocol ShownCounter: CounterName {
    /// How operators see the counter; nil for one that only Fairlead itself reads.
    var form: CounterForm? { get }
}

/// One worker's counters of one thing. One writing thread, as `Counter`.
///
/// `public` for the reason that `Counter` gives. A name that is a constant becomes the place of its
/// counter when the program is compiled: counting is a load, an addition and a store.
public struct CounterSet<Name: CounterName, let capacity: Int>: ~Copyable, Sendable {
    @usableFromInline let slots = InlineArray<capacity, Counter> { _ in Counter() }

    /// All zero. A block has room for `capacity` counters, some of it spare.
    package init() {
        precondition(Name.allCases.count <= capacity, "more counters than a block has room for")
    }

    /// Adds `amount`; negative for a gauge that falls. The one writing thread only.
    @inlinable package func add(_ name: Name, _ amount: Int) {
        slots[name.rawValue].add(amount)
    }

    /// The counter's value now. Any thread.
    package subscript(_ name: Name) -> Int { slots[name.rawValue].current }
}

/// Counters over all workers. Value type, any thread.
package struct CounterTotals<Name: CounterName>: Sendable, Equatable {
    private var values = InlineArray<64, Int>(repeating: 0)

    /// All zero.
    package init() {
        precondition(Name.allCases.count <= values.count, "more counters than totals have room for")
    }

    /// The total of one counter.
    package subscript(_ name: Name) -> Int {
        get { values[name.rawValue] }
        set { values[name.rawValue] = newValue }
    }

    mutating func add<let capacity: Int>(_ counters: borrowing CounterSet<Name, capacity>) {
        for name in Name.allCases { values[name.rawValue] += counters[name] }
    }

    /// Whether all counters are the same.
    package static func == (left: CounterTotals, right: CounterTotals) -> Bool {
        Name.allCases.allSatisfy { left[$0] == right[$0] }
    }
}
