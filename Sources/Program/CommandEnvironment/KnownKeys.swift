// KnownKeys: what each prefix said last. Consul restarted empty, and a token that lost its rights
// (before Consul 1.11), look just like a prefix whose keys were all deleted; a command that ran
// with them is not restarted without.

internal import Consul

/// The keys of several places. Value type.
struct KnownKeys {
    private let places: [KeyPlace]
    private var entries: [[ConsulKV.Entry]?]

    /// Nothing is known of `places` yet.
    init(_ places: [KeyPlace]) {
        self.places = places
        entries = places.map { _ in nil }
    }

    /// The place at `index` has these keys. Returns false when they are not taken up: it has none,
    /// and had some before.
    mutating func answered(_ index: Int, _ new: [ConsulKV.Entry]) -> Bool {
        if new.isEmpty, entries[index]?.isEmpty == false { return false }
        entries[index] = new
        return true
    }

    /// What every place has, in order; nil while one of them has not been read.
    var all: [(place: KeyPlace, entries: [ConsulKV.Entry])]? {
        let known = zip(places, entries).compactMap { place, entries in
            entries.map { (place: place, entries: $0) }
        }
        return known.count == places.count ? known : nil
    }
}
