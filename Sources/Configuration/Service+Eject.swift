// Service.Eject: when live traffic takes a backend out of the rotation, as the operator wrote it.

extension Service {
    /// When live traffic ejects a backend.
    package struct Eject: Equatable, Sendable {
        /// The share of failed answers within 10 s that makes a backend stand out, in percent, if it
        /// is also three times that of the others; nil for no limit. Much less, and chance reaches
        /// it at 20 answers.
        package internal(set) var errorPercent: Int? = 30
        /// How many times as long as the others' its answers take, on average over 10 s, for it to
        /// stand out; nil for no limit. Off, since backends may differ in what they are asked.
        package internal(set) var slowFactor: Int?
        /// Answers within 10 s without which nothing is said of a backend: a share of a few is
        /// chance.
        package internal(set) var requestsMin = 20
    }
}
