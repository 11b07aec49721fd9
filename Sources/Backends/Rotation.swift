// placeholder until the roster lands
package import Endpoints

/// x
package struct BackendID: Hashable, Sendable, Comparable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }
    package static func < (l: Self, r: Self) -> Bool { l.rawValue < r.rawValue }
}
/// x
package struct ServiceID: Hashable, Sendable {
    package let index: Int
    package init(index: Int) { self.index = index }
}
/// x
package final class Rotation: Sendable {
    package struct Member: Sendable, Equatable {
        package let id: BackendID
        package let endpoint: Endpoint
        package let weight: UInt32
        package let priority: UInt16
        package init(id: BackendID, endpoint: Endpoint, weight: UInt32, priority: UInt16) {
            self.id = id
            self.endpoint = endpoint
            self.weight = weight
            self.priority = priority
        }
    }
    package let service: ServiceID
    package let generation: UInt64
    package let tiers: [[Member]]
    package init(service: ServiceID, generation: UInt64, tiers: [[Member]]) {
        self.service = service
        self.generation = generation
        self.tiers = tiers
    }
}
