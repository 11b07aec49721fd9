// Service.Eject: when live traffic takes a backend out of the rotation, as the operator wrote it.

extension Service {
    /// When live traffic ejects a backend.
    package struct Eject: Equatable, Sendable {
        /// Failed answers in a row that eject a backend when the others hardly ever fail, 1 to
        /// 1000; the more often these fail, the more it takes. Nil for no number.
        package internal(set) var failures: Int? = 3
        /// How long requests wait on a backend that sends nothing, while others answer, until it is
        /// ejected and they go elsewhere; nil: forever. A pause of a garbage collector is shorter
        /// in most cases, and 1 s is what people notice.
        package internal(set) var silence: Duration? = .milliseconds(750)
        /// How long a first ejection lasts; each further one lasts twice as long …
        package internal(set) var time = Duration.seconds(5)
        /// … up to this; a backend that was up for so long starts over.
        package internal(set) var timeMax = Duration.seconds(60)
        /// The most backends that may be ejected at a time, in percent, 0 to 100; 0 ejects nobody.
        package internal(set) var shareMax = 50
        /// The share of failed answers within 10 s that makes a backend stand out, in percent, if
        /// it is also three times that of the others; nil for no limit. Much less, and chance
        /// reaches it at 20 answers.
        package internal(set) var errorPercent: Int? = 30
        /// How many times as long as the others' its answers take, on average over 10 s, for it to
        /// stand out; nil for no limit. Off, since backends may differ in what they are asked.
        package internal(set) var slowFactor: Int?
        /// Answers within 10 s without which nothing is said of a backend: a share of a few is
        /// chance.
        package internal(set) var requestsMin = 20
    }
}
