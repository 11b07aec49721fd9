// Goal: a name is reached by whichever of its addresses answers, and given up when none does.
// Method: the addresses alone, with answers and failures as they may come.

import Endpoints
import Events
import HTTPClient
import Testing

@testable import fairlead

@Suite struct AddressesInTurnTests {
    private let first = Endpoint(.v4(1), 80), second = Endpoint(.v4(2), 80)

    @Test("each is tried once, in order, before a round is over")
    func round() {
        var addresses = AddressesInTurn([first, second])
        var tried: [Endpoint] = []
        var isOneLeft: [Bool] = []
        for _ in 0..<4 {
            tried.append(addresses.current)
            isOneLeft.append(addresses.failed(.connect(.connectionRefused)))
        }
        #expect(tried == [first, second, first, second])
        #expect(isOneLeft == [true, false, true, false])
    }

    @Test("the one that answered is tried first, and the others when it fails")
    func answered() {
        var addresses = AddressesInTurn([first, second])
        _ = addresses.failed(.connect(.connectionRefused))
        addresses.answered()
        #expect(addresses.current == second)
        let isOneLeft = addresses.failed(.connect(.connectionRefused))
        #expect(isOneLeft && addresses.current == first)
        let isAnotherLeft = addresses.failed(.connect(.connectionRefused))
        #expect(!isAnotherLeft)
    }

    @Test("a single address has no other one")
    func single() {
        var addresses = AddressesInTurn([first])
        let isOneLeft = addresses.failed(.connect(.connectionRefused))
        #expect(!isOneLeft && addresses.current == first)
    }
}
