// CrowdWatch: notices that a crowd of clients is gone.

/// Compares how many client connections there are with how many there were. Value type.
struct CrowdWatch {
    /// How many have to be gone: what fewer leave is not worth a stop.
    static let crowdMin = 1_000
    /// Looks in a row at which they have to be gone, so that those who come and go by turns are
    /// not noticed each time.
    static let looks = 10

    private var most = 0
    private var calm = 0

    /// Looks once a second; `open` connections there are. Returns whether a crowd is gone: half of
    /// the most that there were, or more.
    mutating func look(open: Int) -> Bool {
        most = max(most, open)
        guard most - open >= max(Self.crowdMin, open) else {
            calm = 0
            return false
        }
        calm += 1
        guard calm == Self.looks else { return false }
        most = open
        calm = 0
        return true
    }
}
