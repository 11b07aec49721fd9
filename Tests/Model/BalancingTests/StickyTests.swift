// Goal: a token finds its backend in every rotation and process, and only there; a sticky client
// gets in where others are passed over, but not everywhere. Method: tokens made and looked up; a
// key computed elsewhere.

import Backends
import Balancing
import Endpoints
import Testing

@Suite struct StickyTests {
    private func sticky(secret: String) -> Balancer {
        .make(BalancerOptions(stickyWith: secret), worker: 1)
    }

    @Test("a token finds the backend of its endpoint, whatever its place and number")
    func token() {
        let balancer = sticky(secret: "7")
        let token = cookieToken(of: Endpoint(.loopback, 3), secret: "7")
        #expect(balancer.place(of: token) == nil)
        balancer.update(to: rotation([[1, 1, 1], [1]]))
        #expect(balancer.place(of: token) == 2)
        balancer.update(to: rotation([[1, 1]], firstID: 2))
        #expect(balancer.place(of: token) == 0)
        balancer.update(to: rotation([[1, 1]], firstID: 5))
        #expect(balancer.place(of: token) == nil)
    }

    @Test("with another secret it is another token, which means nothing")
    func secret() {
        let endpoint = Endpoint(.v6(1, 2), 80)
        #expect(cookieToken(of: endpoint, secret: "1") != cookieToken(of: endpoint, secret: "2"))
        let balancer = sticky(secret: "8")
        balancer.update(to: rotation([[1]]))
        #expect(balancer.place(of: cookieToken(of: Endpoint(.loopback, 1), secret: "7")) == nil)
    }

    @Test("without sticky clients no token is known")
    func off() {
        let balancer = Balancer.make(BalancerOptions(), worker: 0)
        balancer.update(to: rotation([[1]]))
        #expect(
            balancer.place(
                of: Balancer.token(
                    of: Endpoint(.loopback, 1), secret: BalancerOptions.Sticky().seed)) == nil)
    }

    @Test("more than its share is fine for a sticky client; full, tried and unproven are not")
    func admits() {
        let balancer = sticky(secret: "7")
        balancer.update(to: rotation([[1, 1, 1]], onProbation: [2]), inFlightMax: 10)
        for _ in 0..<9 { balancer.began(0) }
        var request = PickRequest()
        #expect(balancer.admits(0, request))
        balancer.began(0)
        #expect(!balancer.admits(0, request))
        #expect(balancer.admits(2, request))
        request.isRepeatable = false
        #expect(!balancer.admits(2, request))
        #expect(balancer.admits(1, request))
        request.tried = TriedBackends(1)
        #expect(!balancer.admits(1, request))
    }

    @Test("keys are the same in every process: SipHash with a key that is ours")
    func keys() {
        let text = Array("198.51.100.7".utf8)
        // By another implementation, which was checked against its authors' vectors.
        #expect(HashKey.of(text.span) == 11_107_573_370_222_210_349)
        #expect(HashKey.of(IPAddress.v4(0xC633_6407)) == 17_927_062_381_677_022_170)
        #expect(HashKey.of(IPAddress.v6(0, 1)) != HashKey.of(IPAddress.v4(1)))
        let distinct = Set(
            (0..<64).map { count in
                let bytes = [UInt8](repeating: 0, count: count)
                return HashKey.of(bytes.span)
            })
        #expect(distinct.count == 64)
    }
}
