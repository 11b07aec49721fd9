// FieldStorage: the fields of one head after another in the same memory. An array would ask for
// each field whether it is shared: as much work as all that is asked of the field itself.

/// Fields in the order in which they came.
@safe struct FieldStorage: ~Copyable {
    // `count` fields are initialised; freed in deinit, and replaced when there are more. A field is
    // a plain value, so that there is nothing to deinitialise.
    private var base: UnsafeMutablePointer<Field>
    private var capacity: Int
    private(set) var count = 0

    /// Room for `capacity` fields (at least 1) at first.
    init(capacity: Int) {
        precondition(capacity > 0, "no room for a field")
        unsafe base = .allocate(capacity: capacity)
        self.capacity = capacity
    }

    deinit {
        unsafe base.deallocate()
    }

    mutating func removeAll() { count = 0 }

    mutating func append(_ field: Field) {
        if count == capacity { grow() }
        // There is room, as was just made sure.
        unsafe (base + count).initialize(to: field)
        count &+= 1  // below the capacity
    }

    /// The field at `index`, which is less than `count`.
    subscript(index: Int) -> Field {
        get {
            precondition((0..<count).contains(index), "no such field")
            return unsafe base[index]
        }
        set {
            precondition((0..<count).contains(index), "no such field")
            unsafe base[index] = newValue
        }
    }

    @inline(never)
    private mutating func grow() {
        let larger = UnsafeMutablePointer<Field>.allocate(capacity: 2 * capacity)
        unsafe larger.moveInitialize(from: base, count: count)
        unsafe base.deallocate()
        unsafe base = larger
        capacity *= 2
    }
}
