// RetryOptions: when requests of a service are sent again, and how much of that there may be.

package import Routing

/// When a request is sent again. Value type, any thread.
package struct RetryOptions: Sendable, Equatable {
    /// After which failures, and how often; a route may have a rule of its own.
    package var rule = RetryRule()
    /// How long a single try waits for the head of a response if another may follow; nil: as long
    /// as `BackendTimeouts.responseHead` says.
    package var tryTimeout: Duration?
    /// The pause before the third try; each further one is twice as long, half of it by chance …
    package var backOff = Duration.milliseconds(25)
    /// … up to this.
    package var backOffMax = Duration.milliseconds(250)
    /// Whether a response has X-Fairlead-Attempts, the number of tries that it took.
    package var isReported = false
    /// Retries allowed per live request, in percent. A failed dial is not counted: it sent nothing.
    package var budgetPercent = 20
    /// Retries a second that are allowed however few requests there are: at a few requests per
    /// second a percentage alone would forbid the one retry that saves a request.
    package var budgetFloorPerSecond = 10

    /// The defaults.
    package init() {}
}
