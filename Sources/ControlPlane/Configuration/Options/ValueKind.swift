// The kinds of value an option can have: how each is read, written, and described when it is wrong.

internal import Endpoints
internal import Wording

/// A value that was refused.
struct Unexpected: Error {
    /// Which of several values it was.
    var index = 0
    /// What should have been there.
    var expected: String
    /// The whole sentence, where a reader of its own says better what it found; nil otherwise.
    var sentence: String?
}

/// How one kind of value is read from text and written back.
struct ValueKind<Value: Sendable>: Sendable {
    /// What it looks like, for the reference: `duration, 100ms to 1h`.
    let summary: String
    /// Whether several values make one: a list in the file, separated by commas elsewhere.
    let isList: Bool
    /// Whether no message may show a value.
    var isSecret = false
    /// Whether a file may have a mapping for a list of texts `KEY: VALUE`.
    var takesMapping = false
    /// Whether the lines of such a mapping make one text, with blanks between them, and not a text
    /// each.
    var joinsMapping = false
    /// What a file may have for it, as far as an editor can tell.
    var shape = ValueShape.text
    /// Reads; exactly one text unless `isList`.
    let parse: @Sendable ([String]) throws(Unexpected) -> Value
    /// Writes in the form that `parse` reads, a list with commas.
    let write: @Sendable (Value) -> String
    /// What `parse` makes a value of; nil for one that can only be left out.
    let texts: @Sendable (Value) -> [String]?

    private init(
        summary: String, isList: Bool, write: @escaping @Sendable (Value) -> String,
        texts: @escaping @Sendable (Value) -> [String]?,
        parse: @escaping @Sendable ([String]) throws(Unexpected) -> Value
    ) {
        self.summary = summary
        self.isList = isList
        self.write = write
        self.texts = texts
        self.parse = parse
    }

    /// A kind of single values; `parse` gets one text.
    init(
        _ summary: String, write: @escaping @Sendable (Value) -> String,
        parse: @escaping @Sendable (String) throws(Unexpected) -> Value
    ) {
        self.init(
            summary: summary, isList: false, write: write, texts: { [write($0)] },
            parse: { (texts) throws(Unexpected) in
                guard texts.count == 1 else { throw Unexpected(expected: "one value") }
                return try parse(texts[0])
            })
    }

    /// A `kind` where `word` stands for nil.
    static func optional<Wrapped>(_ kind: ValueKind<Wrapped>, _ word: String) -> Self
    where Value == Wrapped? {
        var optional = Self(
            summary: "\(kind.summary), or `\(word)`", isList: kind.isList,
            write: { $0.map(kind.write) ?? word },
            texts: { $0.map(kind.texts) ?? [word] },
            parse: { (texts) throws(Unexpected) in
                if texts == [word] { return nil }
                do throws(Unexpected) {
                    return try kind.parse(texts)
                } catch {
                    let comma = error.expected.contains(",") ? "," : ""
                    throw Unexpected(
                        index: error.index, expected: "\(error.expected)\(comma) or \(word)",
                        sentence: error.sentence)
                }
            })
        optional.isSecret = kind.isSecret
        optional.shape = .either([kind.shape, .words([word])])
        return optional
    }

    /// A `kind` where nil cannot be written, only left out.
    static func optional<Wrapped>(_ kind: ValueKind<Wrapped>) -> Self where Value == Wrapped? {
        var optional = Self(
            summary: kind.summary, isList: kind.isList, write: { $0.map(kind.write) ?? "" },
            texts: { $0.flatMap(kind.texts) },
            parse: { (texts) throws(Unexpected) in try kind.parse(texts) })
        optional.isSecret = kind.isSecret
        optional.shape = kind.shape
        return optional
    }

    /// Up to `countMax` values of a `kind`.
    static func list<Element>(
        of kind: ValueKind<Element>, mayBeEmpty: Bool = true, countMax: Int
    ) -> Self
    where Value == [Element] {
        var list = Self(
            summary: "list of \(kind.summary)", isList: true,
            write: { $0.map(kind.write).joined(separator: ",") },
            texts: { $0.map(kind.write) },
            parse: { (texts) throws(Unexpected) in
                if texts.count > countMax {
                    throw Unexpected(index: countMax, expected: "at most \(countMax) values")
                }
                if texts.isEmpty, !mayBeEmpty {
                    throw Unexpected(expected: "at least one value")
                }
                var values: [Element] = []
                for (index, text) in texts.enumerated() {
                    do throws(Unexpected) {
                        values.append(try kind.parse([text]))
                    } catch {
                        throw Unexpected(
                            index: index, expected: error.expected, sentence: error.sentence)
                    }
                }
                return values
            })
        list.shape = .list(of: kind.shape, countMin: mayBeEmpty ? 0 : 1, countMax: countMax)
        return list
    }

    /// Values that are made of those of this kind, read and written as they are.
    func mapped<Other>(
        to make: @escaping @Sendable (Value) -> Other,
        from value: @escaping @Sendable (Other) -> Value
    ) -> ValueKind<Other> {
        var kind = ValueKind<Other>(
            summary: summary, isList: isList, write: { write(value($0)) },
            texts: { texts(value($0)) },
            parse: { (texts) throws(Unexpected) in make(try parse(texts)) })
        kind.isSecret = isSecret
        kind.takesMapping = takesMapping
        kind.joinsMapping = joinsMapping
        kind.shape = shape
        return kind
    }

    /// This kind, where each of `pairs` is a word that stands for a value.
    func orWords(_ pairs: [(word: String, value: Value)]) -> Self where Value: Equatable {
        let words = pairs.map(\.word)
        @Sendable func word(for value: Value) -> String? {
            pairs.first { $0.value == value }?.word
        }
        var kind = Self(
            summary: words.map { "`\($0)`" }.joined(separator: ", ") + " or " + summary,
            isList: isList, write: { word(for: $0) ?? write($0) },
            texts: { value in word(for: value).map { [$0] } ?? texts(value) },
            parse: { (given) throws(Unexpected) in
                if given.count == 1, let pair = pairs.first(where: { $0.word == given[0] }) {
                    return pair.value
                }
                do throws(Unexpected) {
                    return try parse(given)
                } catch {
                    throw Unexpected(
                        index: error.index,
                        expected: "\(words.joined(separator: ", ")), \(error.expected)",
                        sentence: error.sentence)
                }
            })
        kind.isSecret = isSecret
        // In a list, as it is printed, a word stands alone.
        kind.shape = .either([
            isList ? .list(of: .words(words), countMin: 1, countMax: 1) : .words(words), shape,
        ])
        return kind
    }

    /// This kind of value with another shape.
    func shaped(_ shape: ValueShape) -> Self {
        var kind = self
        kind.shape = shape
        return kind
    }
}

extension ValueKind where Value == Duration {
    static func duration(_ range: ClosedRange<Duration>) -> Self {
        let bounds = "\(Units.write(range.lowerBound)) to \(Units.write(range.upperBound))"
        return Self("duration, \(bounds)", write: { Units.write($0) }) {
            (text) throws(Unexpected) in
            guard let duration = Units.duration(text) else {
                throw Unexpected(expected: "a duration with a unit, such as 500ms or 2s")
            }
            guard range.contains(duration) else { throw Unexpected(expected: bounds) }
            return duration
        }.shaped(.pattern("^[0-9]+(ms|s|m|h)$"))
    }
}

extension ValueKind where Value == Int {
    /// Bytes.
    static func size(_ range: ClosedRange<Int>) -> Self {
        let (low, high) = (Units.write(size: range.lowerBound), Units.write(size: range.upperBound))
        return Self("size, \(low) to \(high)", write: { Units.write(size: $0) }) {
            (text) throws(Unexpected) in
            guard let bytes = Units.size(text) else {
                throw Unexpected(expected: "a size with a unit, such as 64KiB or 1MiB")
            }
            guard range.contains(bytes) else { throw Unexpected(expected: "\(low) to \(high)") }
            return bytes
        }.shaped(.pattern("^[0-9]+(B|KiB|MiB|GiB)$"))
    }

    /// Written with a percent sign.
    static func percent(_ range: ClosedRange<Int>) -> Self {
        let bounds = "\(range.lowerBound)% to \(range.upperBound)%"
        return Self("percentage, \(bounds)", write: { "\($0)%" }) { (text) throws(Unexpected) in
            guard text.last == "%", let number = Units.digits(text.dropLast()) else {
                throw Unexpected(expected: "a percentage, such as 20%")
            }
            guard range.contains(number) else { throw Unexpected(expected: bounds) }
            return number
        }.shaped(.pattern("^[0-9]+%$"))
    }
}

extension ValueKind where Value: FixedWidthInteger {
    /// A plain number, for what is counted.
    static func count(_ range: ClosedRange<Value>) -> Self {
        let bounds = "\(range.lowerBound) to \(range.upperBound)"
        return Self(bounds, write: { "\($0)" }) { (text) throws(Unexpected) in
            guard let digits = Units.digits(text), let number = Value(exactly: digits),
                range.contains(number)
            else { throw Unexpected(expected: bounds) }
            return number
        }.shaped(.integer(Int(range.lowerBound)...Int(range.upperBound)))
    }
}

extension ValueKind
where Value: RawRepresentable<String> & CaseIterable & Equatable {
    /// One of the words of an enumeration.
    static var word: Self { words(Value.allCases.map { ($0.rawValue, $0) }) }
}

extension ValueKind where Value == Bool {
    /// Something that is done or not.
    static var onOff: Self { words([("on", true), ("off", false)]) }
}

extension ValueKind where Value: Equatable {
    /// One of a few words, at least one, each of which stands for a value of its own.
    static func words(_ pairs: [(word: String, value: Value)]) -> Self {
        let words = pairs.map(\.word)
        let expected =
            words.count > 1
            ? "\(words.dropLast().joined(separator: ", ")) or \(words.last ?? "")"
            : words.joined()
        return Self(
            words.map { "`\($0)`" }.joined(separator: ", "),
            write: { value in pairs.first { $0.value == value }?.word ?? "" },
            parse: { (text) throws(Unexpected) in
                guard let pair = pairs.first(where: { $0.word == text }) else {
                    throw Unexpected(expected: expected)
                }
                return pair.value
            }
        ).shaped(.words(words))
    }
}
