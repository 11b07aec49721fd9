// Goal: certificates are renewed in time, not all at once, and not more often than an authority
// likes. Method: the plan with times that a test says.

import Testing

@testable import ACME

@Suite struct RenewalPlanTests {
    private let day = 86400

    @Test func `a certificate is renewed when a third of its life is left, or half of a short one`()
    {
        for fraction in [0.0, 0.3, 1] {
            let plan = RenewalPlan(fraction: fraction)
            let long = plan.due(begins: 0, ends: 90 * day, window: nil)
            #expect((59 * day...61 * day).contains(long))
            let short = plan.due(begins: 0, ends: 6 * day, window: nil)
            #expect((69 * day / 24...75 * day / 24).contains(short))
        }
        #expect(
            RenewalPlan(fraction: 0).due(begins: 0, ends: 90 * day, window: nil)
                != RenewalPlan(fraction: 1).due(begins: 0, ends: 90 * day, window: nil))
    }

    @Test func `the authority's window comes first, and the renewal is somewhere in it`() throws {
        let window = try #require(
            RenewalPlan.Window(
                Array(
                    """
                    {"suggestedWindow":{"start":"2026-11-28T00:00:00Z",
                    "end":"2026-11-29T00:00:00Z"},"explanationURL":"u"}
                    """.utf8)))
        #expect(window.end - window.start == day)
        let dues = [0.0, 0.5, 1].map {
            RenewalPlan(fraction: $0).due(begins: 0, ends: 4_000_000_000, window: window)
        }
        #expect(dues == [window.start, window.start + day / 2, window.end])
        for text in [
            "", "{}", #"{"suggestedWindow":{"start":"x","end":"y"}}"#,
            #"{"suggestedWindow":{"start":"2026-11-29T00:00:00Z","end":"2026-11-28T00:00:00Z"}}"#,
        ] {
            #expect(RenewalPlan.Window(Array(text.utf8)) == nil)
        }
    }

    @Test func `failures are further and further apart, within bounds`() {
        var plan = RenewalPlan(fraction: 0.5)
        var pauses: [Int] = []
        for _ in 0..<12 {
            plan.failed(at: 1000, retryAfter: nil, needsOperator: false)
            pauses.append(plan.orderTime(due: 0, now: 1000) - 1000)
        }
        #expect(pauses.prefix(3) == [120, 240, 480])
        #expect(pauses.last == 4 * 3600)
        // No authority can stop renewals for more than a day.
        plan.failed(at: 1000, retryAfter: .seconds(10_000_000), needsOperator: false)
        #expect(plan.orderTime(due: 0, now: 1000) - 1000 == day)
        // Another process, or this one after a start, goes on there.
        var other = RenewalPlan(fraction: 0.5, after: plan.earlier)
        #expect(other.orderTime(due: 0, now: 1000) == plan.orderTime(due: 0, now: 1000))
        other.failed(at: 1000, retryAfter: nil, needsOperator: false)
        #expect(other.failures == plan.failures + 1)
        plan.succeeded()
        #expect(plan.earlier == nil)
        #expect(plan.orderTime(due: 5, now: 1000) == 5)
        plan.failed(at: 0, retryAfter: nil, needsOperator: true)
        #expect(plan.orderTime(due: nil, now: 1) == 3600)
    }

    @Test func `bytes are written for URLs, and read with padding or without`() {
        #expect(Base64URL.encode([0xFB, 0xFF, 0xFE]) == "-__-")
        #expect(Base64URL.encode([1]) == "AQ")
        #expect(Base64URL.decode("AQ==") == [1])
        #expect(Base64URL.decode("AQ") == [1])
        #expect(Base64URL.decode("-__-") == [0xFB, 0xFF, 0xFE])
        #expect(Base64URL.decode("a+b") == nil)
    }
}
