// DemoOptions: what a demo world is made of, what can be done to it, and why it may not start.

package import Endpoints
package import Events

/// The size and the ports of a demo world. Any thread.
package struct DemoOptions: Sendable {
    /// Where everything listens.
    package var address = IPAddress.loopback
    /// The port of the discovery server, UDP and TCP; 0 for a free one.
    package var dnsPort: UInt16 = 8053
    /// The port on which commands are taken over HTTP; 0 for a free one.
    package var stagePort: UInt16 = 8070
    /// Instances at the start, 1 to `ChurnPlan.membersMax`; each has a port that was free.
    package var instanceCount = 3
    /// How long an instance that leaves keeps serving after its record is gone: longer than the
    /// record may be kept elsewhere.
    package var leaveGrace: Duration = .seconds(5)
    /// How long an instance has to be well before churn takes a proxy to rely on it.
    package var steadyTime: Duration = .seconds(6)

    /// The defaults above.
    package init() {}
}

/// What can be done to a demo world. Any thread.
package enum DemoCommand: Hashable, Sendable {
    /// A new instance starts and is announced.
    case add
    /// The record goes first, the instance after `leaveGrace`.
    case remove(String)
    /// The instance is gone at once, and its record stays.
    case crash(String)
    /// `/health` says 503.
    case fail(String)
    /// `/health` says 200 again.
    case recover(String)
    /// A crashed or removed instance is back, well and announced.
    case start(String)
    /// One thing happens by itself every `interval`, drawn from `seed`; again each time it is
    /// given.
    case churn(every: Duration, seed: UInt64)
    /// Stops what happens by itself.
    case calm
}

/// Why a demo world can't start.
package enum DemoError: Error, Hashable, Sendable {
    /// The discovery server can't listen.
    case discovery(Endpoint, Errno)
    /// The port for commands can't be had.
    case stage(Endpoint, Errno)
    /// An instance can't.
    case instance(String, Errno)
    /// The system has no thread or descriptor left.
    case system(Errno)
}

extension DemoError: CustomStringConvertible {
    /// A sentence part that says what failed and what to do.
    package var description: String {
        switch self {
        case .discovery(let endpoint, .addressInUse):
            "the discovery server's port \(endpoint) is in use; choose another one"
        case .discovery(let endpoint, let error):
            "the discovery server can't listen on \(endpoint): \(error)"
        case .stage(let endpoint, let error):
            "the stage can't listen on \(endpoint): \(error); choose another port"
        case .instance(let name, let error): "instance \(name) can't listen: \(error)"
        case .system(let error): "the demo can't start: \(error)"
        }
    }
}
