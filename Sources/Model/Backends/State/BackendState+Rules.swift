// BackendState+Rules: the numbers that the transitions depend on, apart from `RosterOptions`, which
// has many more: a test of the state machine names only those that matter to it.

extension BackendState {
    /// The numbers that the transitions depend on.
    package struct Rules: Sendable, Equatable {
        /// Passed checks in a row that readmit a backend; at least 1.
        package let rise: Int
        /// Failed checks in a row that put it down; at least 1.
        package let fall: Int
        /// Whether anything checks it. If not, every ejection ends by time.
        package let isChecked: Bool
        /// Whether checks connect to the port that requests go to.
        package let checksWhatIsServed: Bool
        /// How long a first ejection lasts that ends by time; each further one lasts twice as long
        /// …
        package let ejectTime: Duration
        /// … up to this; a backend that was up for so long starts over. A quarter may come on top.
        package let ejectTimeMax: Duration
        /// How long a drain may take.
        package let drainLimit: Duration
        /// How long after its loss a backend is kept though its drain is over.
        package let lossWindow: Duration

        /// Rise and fall at least 1; durations not negative.
        package init(
            rise: Int, fall: Int, isChecked: Bool = true, checksWhatIsServed: Bool = true,
            ejectTime: Duration = .seconds(5),
            ejectTimeMax: Duration = .seconds(60), drainLimit: Duration = .seconds(60),
            lossWindow: Duration = .seconds(10)
        ) {
            self.rise = rise
            self.fall = fall
            self.isChecked = isChecked
            self.checksWhatIsServed = checksWhatIsServed
            self.ejectTime = ejectTime
            self.ejectTimeMax = ejectTimeMax
            self.drainLimit = drainLimit
            self.lossWindow = lossWindow
        }
    }
}
