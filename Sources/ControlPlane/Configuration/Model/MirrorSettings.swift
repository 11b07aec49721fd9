// Which requests of a route are copied to another service, as the operator wrote it.

internal import Routing

/// What a route has sent a second time. Value type, any thread.
package struct MirrorSettings: Equatable, Sendable {
    /// The name of the service that gets the copies; nil for none.
    package internal(set) var service: String?
    /// How many of a million requests are copied.
    package internal(set) var share = MirrorRule.all
    /// The most bytes of the body of a request that is copied.
    package internal(set) var bodyMax = MirrorRule.bodyDefault
}

extension ValueKind where Value == Int {
    /// A share in millionths: `10%`, `0.01%`, or `10` for the same as `10%`.
    static var percentOfRequests: Self {
        Self("percentage, 0% to 100%", write: ValueKind.share.write) { (text) throws(Unexpected) in
            try ValueKind.share.parse([text.hasSuffix("%") ? text : "\(text)%"])
        }
    }
}
