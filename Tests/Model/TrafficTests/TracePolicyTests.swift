// Goal: a trace goes on where its client is believed, and begins here where it is not; of those
// that begin, the share that was asked for is recorded. Method: ids that the test draws.

import HTTP1
import Random
import Testing
import Traffic

@Suite struct TracePolicyTests {
    private let parent = TraceContext(
        high: 1, low: 2, span: 3, isSampled: true, isRandom: true)

    private func policy(
        _ parents: TracePolicy.Parents = .trusted, sample: Int = 0
    ) -> TracePolicy {
        var policy = TracePolicy()
        policy.parents = parents
        policy.sample = sample
        return policy
    }

    @Test("a trace goes on as its client has decided, with the span of this hop")
    func continued() {
        var expected = parent
        expected.span = 9
        for (parents, isTrusted) in [(TracePolicy.Parents.trusted, true), (.all, false)] {
            for isSampled in [true, false] {
                var parent = parent
                parent.isSampled = isSampled
                expected.isSampled = isSampled
                let trace = policy(parents, sample: isSampled ? 0 : 1_000_000).trace(
                    after: parent, isTrusted: isTrusted, high: 7, low: 8, span: 9)
                #expect(trace == expected)
            }
        }
    }

    @Test("a trace goes on as it is recorded here, where clients' decisions are not followed")
    func ownDecision() {
        for (sample, isSampled) in [(0, true), (1_000_000, false)] {
            var parent = parent
            parent.isSampled = isSampled
            var policy = policy(.all, sample: sample)
            policy.followsParents = false
            let trace = policy.trace(after: parent, isTrusted: false, high: 7, low: 8, span: 9)
            #expect(trace.high == 1 && trace.low == 2 && trace.span == 9)
            #expect(trace.isSampled == (sample > 0))
        }
        #expect(TracePolicy().followsParents)
    }

    @Test("a trace of a client that is not believed begins here, and its decision is not taken")
    func begun() {
        for (parents, isTrusted) in [(TracePolicy.Parents.trusted, false), (.none, true)] {
            let trace = policy(parents).trace(
                after: parent, isTrusted: isTrusted, high: 7, low: 8, span: 9)
            #expect(
                trace
                    == TraceContext(high: 7, low: 8, span: 9, isSampled: false, isRandom: false))
        }
    }

    @Test("by default of trusted proxies, and one in a hundred")
    func standard() {
        #expect(TracePolicy().parents == .trusted && TracePolicy().sample == 10_000)
    }

    @Test(
        "the share that is asked for is recorded",
        arguments: [0, 1, 1_000, 10_000, 500_000, 999_999, 1_000_000])
    func share(sample: Int) {
        var random = SplitMix64(seed: 1)
        let policy = policy(sample: sample)
        let count = 200_000
        let recorded = (0..<count).count { _ in
            policy.trace(after: nil, isTrusted: false, high: 1, low: random.next(), span: 1)
                .isSampled
        }
        let expected = Double(count) * Double(sample) / 1_000_000
        // Four standard deviations, as good as never by chance; the seed makes it never.
        #expect(abs(Double(recorded) - expected) <= 4 * expected.squareRoot() + 1)
        if sample == 0 { #expect(recorded == 0) }
        if sample == 1_000_000 { #expect(recorded == count) }
    }

    @Test("a smaller share has nothing that a larger one leaves out")
    func nested() {
        var random = SplitMix64(seed: 2)
        for _ in 0..<10_000 {
            let low = random.next()
            func isRecorded(_ sample: Int) -> Bool {
                policy(sample: sample).trace(
                    after: nil, isTrusted: false, high: 1, low: low, span: 1
                ).isSampled
            }
            #expect(!isRecorded(20_000) || isRecorded(300_000))
        }
    }
}
