// Schedule: which request is due when. Constant rates, whatever becomes of the requests: a proxy
// that stalls finds as many clients waiting as there would be.

/// A load of GETs and POSTs at constant rates, the POSTs spread evenly among the GETs.
struct Schedule: Codable, Equatable, Sendable {
    /// GETs a second.
    var gets: Int
    /// POSTs a second.
    var posts: Int

    /// Requests a second; at least 1.
    var rate: Int { gets + posts }

    /// Nanoseconds from the start to when request `index` is due.
    func due(_ index: Int) -> UInt64 {
        UInt64(index) * 1_000_000_000 / UInt64(rate)
    }

    /// What request `index` is: POSTs have their share of any stretch, to within one.
    func kind(_ index: Int) -> Exchange.Kind {
        (index + 1) * posts / rate > index * posts / rate ? .post : .get
    }
}
