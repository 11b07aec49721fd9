// Link: an uncounted reference between two objects of a worker. Counting is atomic, and a request
// crosses the links between client, exchange and backend connection two dozen times.
//
// The code that sets a link has to make sure that the other object lives until the link is cleared.
// A channel lives until it is closed, and to the end of the batch of events in which that happens;
// an exchange lives until its client releases it. No other file of the module reads such
// references.

/// A reference that does not keep its object alive; or none. Worker thread only.
@safe struct Link<Target: AnyObject> {
    private var target: Unmanaged<Target>?

    /// No reference.
    init() {
        unsafe target = nil
    }

    /// A reference to `object`, which has to live for as long as this value is used.
    init(_ object: Target) {
        unsafe target = .passUnretained(object)
    }

    var isSet: Bool { unsafe target != nil }

    /// Whether it refers to `object`.
    func refers(to object: Target) -> Bool {
        unsafe target?.toOpaque() == Unmanaged.passUnretained(object).toOpaque()
    }

    /// The object, as a counted reference: for what happens seldom.
    var object: Target? {
        // It is alive: the code that set the link made sure of that.
        unsafe target?.takeUnretainedValue()
    }

    /// Passes the object, which has to be there, to `body`, without counting.
    @inline(__always)
    func use<Result>(_ body: (Target) -> Result) -> Result {
        guard let target = unsafe target else { preconditionFailure("a link that is not set") }
        // It is alive, as in `with`.
        return unsafe target._withUnsafeGuaranteedRef(body)
    }

    /// Passes the object to `body`, without counting; nil when there is none.
    @inline(__always)
    func with<Result>(_ body: (Target) -> Result) -> Result? {
        guard let target = unsafe target else { return nil }
        // It is alive: the code that set the link made sure of that. It stays alive until `body`
        // returns, even if the link is cleared meanwhile (head of this file).
        return unsafe target._withUnsafeGuaranteedRef(body)
    }
}
