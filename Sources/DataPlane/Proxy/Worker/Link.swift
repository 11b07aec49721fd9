// Link: a reference between two objects of a worker that is not counted. Counting is atomic, and a
// request crosses the links between client, exchange and backend connection two dozen times.
//
// Who sets a link answers for it: the other object has to live until the link is cleared. A channel
// lives until it is closed, and through the batch in which it is; an exchange until its client lets
// go of it. This is the one file of the module that reads such references.

/// A reference that does not keep its object alive; or none. Worker thread only.
@safe struct Link<Target: AnyObject> {
    private var target: Unmanaged<Target>?

    /// No reference.
    init() {
        unsafe target = nil
    }

    /// A reference to `object`, which lives for as long as this value is used.
    init(_ object: Target) {
        unsafe target = .passUnretained(object)
    }

    var isSet: Bool { unsafe target != nil }

    /// Whether it refers to `object`.
    func refers(to object: Target) -> Bool {
        unsafe target?.toOpaque() == Unmanaged.passUnretained(object).toOpaque()
    }

    /// The object, counted like any other reference: for what happens seldom.
    var object: Target? {
        // Alive, as the one who set the link promised.
        unsafe target?.takeUnretainedValue()
    }

    /// Passes the object, which is there, to `body`, without counting.
    @inline(__always)
    func use<Result>(_ body: (Target) -> Result) -> Result {
        guard let target = unsafe target else { preconditionFailure("a link that is not set") }
        // Alive, as in `with`.
        return unsafe target._withUnsafeGuaranteedRef(body)
    }

    /// Passes the object to `body`, without counting; nil when there is none.
    @inline(__always)
    func with<Result>(_ body: (Target) -> Result) -> Result? {
        guard let target = unsafe target else { return nil }
        // Alive, as the one who set the link promised: also until `body` returns, when it is
        // cleared meanwhile (head of this file).
        return unsafe target._withUnsafeGuaranteedRef(body)
    }
}
