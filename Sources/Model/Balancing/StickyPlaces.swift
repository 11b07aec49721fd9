// StickyPlaces: which backend a sticky client's token means. Cookies outlive rotations, restarts
// and Fairlead's own replacements, so a token is made from the endpoint, the one thing that stays.

internal import Backends

/// The places of a rotation's backends by their tokens. Value type.
struct StickyPlaces {
    /// Nil when no client sticks: then nothing is built.
    private let secret: UInt64?
    private var places: [UInt64: Int] = [:]

    /// No backends; tokens are made with `secret`, and nil is for no tokens at all.
    init(secret: UInt64? = nil) {
        self.secret = secret
    }

    /// Knows the backends of `rotation` from now on.
    mutating func update(to rotation: Rotation) {
        guard let secret else { return }
        places.removeAll(keepingCapacity: true)
        places.reserveCapacity(rotation.count)
        for (place, member) in rotation.members.enumerated() {
            // Two of 10,000 are alike once in 2^37 rotations; the first one has it then.
            let token = Balancer.token(of: member.endpoint, secret: secret)
            if places[token] == nil { places[token] = place }
        }
    }

    /// The place of the backend with this token; nil when there is none.
    subscript(token: UInt64) -> Int? {
        secret == nil ? nil : places[token]
    }
}
