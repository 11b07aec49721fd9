// Goal: the last try of a request goes where none of its backends was. Method: rotations of several
// tiers, one pick.

import Backends
import Balancing
import Testing

@Suite struct LastTryTests {
    private func pick(
        _ tiers: [[UInt32]], tried: [Int], isLast: Bool = true
    ) -> Pick {
        let policy = RoundRobin()
        let rotation = rotation(tiers)
        policy.update(to: rotation)
        var request = PickRequest()
        request.isLast = isLast
        for place in tried { request.tried.insert(Array(rotation.members)[place].id) }
        return policy.pick(request)
    }

    @Test("it goes to a tier that was not tried, in their order")
    func other() {
        #expect(pick([[1, 1], [1]], tried: [0]) == .backend(2))
        #expect(pick([[1, 1], [1]], tried: [0], isLast: false) == .backend(1))
        #expect(pick([[1], [1], [1]], tried: [0]) == .backend(1))
        #expect(pick([[1], [1], [1]], tried: [1]) == .backend(0))
    }

    @Test("without another tier it goes to another backend, and the first try is no last one")
    func none() {
        #expect(pick([[1, 1]], tried: [0]) == .backend(1))
        #expect(pick([[1, 1], [1]], tried: [0, 2]) == .backend(1))
        #expect(pick([[1], [1]], tried: []) == .backend(0))
        #expect(pick([[1]], tried: [0]) == .none)
    }
}
