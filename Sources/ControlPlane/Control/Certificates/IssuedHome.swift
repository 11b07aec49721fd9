// IssuedHome: where the store of certificates from an authority is at home: names with bytes, which
// several Fairleads read and one at a time writes. IssuedStore says what the names mean.

/// A change of one name. Value type, any thread.
struct IssuedChange: Equatable, Sendable {
    /// `example.com/privkey.pem`.
    let name: String
    /// What it gets; nil: it is removed.
    let bytes: [UInt8]?
}

/// What holds the bytes. Control thread only.
protocol IssuedHome: AnyObject {
    /// The option that says where it is: `acme.store`.
    var option: String { get }
    /// What to do where it can't be written, as a clause.
    var advice: String { get }
    /// Called when others have changed something; a home may leave that to `stamp`.
    var onChange: () -> Void { get set }
    /// Differs when others have changed something.
    var stamp: [Int] { get }
    /// Makes it ready to be used. Nil when it is, else why not.
    func prepare() -> String?
    /// What people call the place of a name.
    func place(of name: String) -> String
    /// The bytes of a name; nil for none.
    func read(_ name: String) -> [UInt8]?
    /// The names directly below a folder, without its own, sorted; at most a thousand.
    func names(in folder: String) -> [String]
    /// Makes the changes, in their order, and calls `completion` once, with nil or with why not;
    /// perhaps before this returns.
    func write(
        _ changes: [IssuedChange], under lock: any IssuedLock,
        completion: @escaping (String?) -> Void)
    /// Tries to become the one that writes, and calls `completion` once, perhaps before this
    /// returns. With the lock, what the last one has left is what is read.
    func lock(completion: @escaping (IssuedLocking) -> Void)
    /// Looks at it no more.
    func stop()
}

/// What came of asking for the right to write.
enum IssuedLocking {
    case got(any IssuedLock)
    /// Another one has it, or had it a moment ago.
    case taken
    /// Nobody can have it, for this reason.
    case failed(String)
}

/// The right to write, until it is released or lost. Control thread only.
protocol IssuedLock: AnyObject {
    /// Called once when it is lost, with the reason.
    var onLost: (String) -> Void { get set }
    /// Leaves it to others. Harmless when repeated.
    func release()
}
