// LeastTime: of two backends that are drawn at random, the one where a request is likely to be
// answered sooner: its time to the first byte times the requests that it would have then (peak
// EWMA, as in Finagle and linkerd).
//
// The time is a mean that decays with age, not with number: it forgets by half in 7 s, however many
// answers there are. A longer time than the mean replaces it at once, so that a backend which
// begins to be slow is left at its first slow answer; and it wears off while none comes, so that
// the backend is tried again. A new one has the mean of its tier.
//
// Times differ by chance, and who is a little quicker is no better: the first of the two, drawn by
// weight, gets the request unless the second is better by a quarter. So shares are by weight among
// those that are equally quick.

internal import Backends
internal import Glibc

/// The sooner of two that are drawn by weight. Worker thread only.
package final class LeastTime: TwoChoices {
    /// What is known of a backend's time to the first byte.
    private struct Figure {
        /// Nanoseconds; 0 until its first answer.
        var mean = 0.0
        /// When that was, by the worker's clock, in nanoseconds.
        var at: UInt64 = 0
    }

    /// The means of a tier, as they were when noted.
    private struct TierSum {
        var means = 0.0
        var count = 0.0
    }

    /// In so many nanoseconds a mean wears off to 1/e.
    private static let decayTime = 10e9
    /// The second of two has to be better than the first by this factor.
    private static let margin = 0.8

    private var rotation: Rotation?
    private var figures: [Figure] = []
    private var sums: [TierSum] = []
    /// When the last answer came; as good as the time of a pick, which nobody tells.
    private var clock: UInt64 = 0

    /// A policy without backends; its choices depend on `seed`.
    package override init(seed: UInt64) {
        super.init(seed: seed)
    }

    /// What is known of backends that stay is kept.
    override func rebuild(_ next: Rotation) {
        var known: [BackendID: Figure] = [:]
        if let rotation {
            for (place, member) in rotation.members.enumerated() {
                known[member.id] = figures[place]
            }
        }
        figures = next.members.map { known[$0.id] ?? Figure() }
        sums = tiers.map { tier in
            let means = figures[tier].map(\.mean).filter { $0 > 0 }
            return TierSum(means: means.reduce(0, +), count: Double(means.count))
        }
        super.rebuild(next)
        rotation = next
    }

    /// Takes the time into the backend's mean. Worker thread only.
    package override func answered(_ place: Int, after nanoseconds: UInt64, now: UInt64) {
        clock = max(clock, now)
        let tier = loads.tier(place)
        let figure = figures[place]
        let time = max(Double(nanoseconds), 1)
        var next = time
        if figure.mean == 0 {
            sums[tier].count += 1
        } else if time < figure.mean {
            let kept = kept(since: figure.at)
            next = figure.mean * kept + time * (1 - kept)
        }
        figures[place] = Figure(mean: next, at: clock)
        sums[tier].means += next - figure.mean
    }

    override func isBetter(_ place: Int, than other: Int, in tier: Int) -> Bool {
        wait(place, in: tier) < wait(other, in: tier) * Self.margin
    }

    /// How long one more request is likely to wait at `place`, in nanoseconds.
    private func wait(_ place: Int, in tier: Int) -> Double {
        let figure = figures[place]
        let time =
            figure.mean > 0
            ? figure.mean * kept(since: figure.at)
            : sums[tier].means / max(sums[tier].count, 1)
        // Above 0, so that requests in flight count when nothing has been answered yet.
        return max(time, 1) * Double(loads.level(place) + 1)
    }

    private func kept(since time: UInt64) -> Double {
        exp(-Double(clock - time) / Self.decayTime)
    }
}
