// RandomOfTwo: the less loaded of two backends that are drawn at random (Mitzenmacher 1996). It
// keeps nothing in order, so it costs the same for three backends and for ten thousand, and workers
// that know nothing of each other do not choose the same.
//
// The two always differ: where one backend may be drawn twice, one of three that hangs is chosen
// whenever both draws are it, a ninth of the requests, for as long as it hangs. The first is drawn
// by weight and gets the request unless the second is less loaded; so shares are by weight, also of
// 1000 to 1, where nearly every pair is the same two.

/// The less loaded of two that are drawn by weight. Worker thread only.
package final class RandomOfTwo: TwoChoices {
    /// A policy without backends; its choices depend on `seed`.
    package override init(seed: UInt64) {
        super.init(seed: seed)
    }

    override func isBetter(_ place: Int, than other: Int, in tier: Int) -> Bool {
        loads.level(place) < loads.level(other)
    }
}
