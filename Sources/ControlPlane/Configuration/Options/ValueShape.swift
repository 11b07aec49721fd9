// What a value in the file may look like, as far as a schema can say it: what is beyond that, the
// kinds themselves tell when they read it.

/// The shape of a value.
indirect enum ValueShape: Sendable {
    /// Any single value.
    case text
    /// A whole number.
    case integer(ClosedRange<Int>)
    /// One of a few words.
    case words([String])
    /// A single value that a regular expression describes.
    case pattern(String)
    /// A list, or one value in its place.
    case list(of: ValueShape, countMin: Int, countMax: Int)
    /// One of these.
    case either([ValueShape])
}
