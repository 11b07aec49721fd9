// One option: its key, its names elsewhere, its kind of value, where the value goes and what it
// means. File, environment, flags, the check for unknown keys and the reference all read these.

internal import Documents

/// One option of a `Root`.
struct Option<Root>: Sendable {
    /// With its parents: `check.interval`.
    let key: String
    /// What it is for: one sentence.
    let sentence: String
    /// Its flag, if it has one.
    let flag: ConfigurationFlag?
    /// What a value looks like.
    let summary: String
    /// Whether it takes a list.
    let isList: Bool
    /// Whether a file may have a mapping for it.
    let takesMapping: Bool
    /// Whether such a mapping makes one text of the list.
    let joinsMapping: Bool
    /// The value it has in a root, in the form it is written.
    let text: @Sendable (Root) -> String
    /// The option's value as the texts of a list, or as one text; nil when it can only be left out.
    let texts: @Sendable (Root) -> [String]?
    /// What a file may have for it, as far as an editor can tell.
    let shape: ValueShape
    /// Whether nothing may show its value.
    let isSecret: Bool
    private let variable: String?
    private let read: @Sendable ([String], inout Root) throws(Unexpected) -> Void

    /// An option whose value is kept at `path`, which is made when the value is first read or
    /// written: a key path costs 32,000 instructions, and most options of a start are left alone.
    /// `variable` is its environment variable where that does not follow from the key.
    init<Value>(
        _ key: String,
        _ path: @autoclosure @escaping @Sendable () -> any WritableKeyPath<Root, Value> & Sendable,
        _ kind: ValueKind<Value>,
        variable: String? = nil, flag: ConfigurationFlag? = nil, _ sentence: String
    ) {
        self.key = key
        self.sentence = sentence
        self.flag = flag
        self.variable = variable
        summary = kind.summary
        isList = kind.isList
        takesMapping = kind.takesMapping
        joinsMapping = kind.joinsMapping
        isSecret = kind.isSecret
        shape = kind.shape
        text = { kind.write($0[keyPath: path()]) }
        texts = { kind.texts($0[keyPath: path()]) }
        read = { (texts, root) throws(Unexpected) in root[keyPath: path()] = try kind.parse(texts) }
    }

    private init<Inner>(
        _ inner: Option<Inner>, under group: String,
        at path: @escaping @Sendable () -> any WritableKeyPath<Root, Inner> & Sendable
    ) {
        key = group.isEmpty ? inner.key : "\(group).\(inner.key)"
        sentence = inner.sentence
        flag = inner.flag
        variable = inner.variable
        summary = inner.summary
        isList = inner.isList
        takesMapping = inner.takesMapping
        joinsMapping = inner.joinsMapping
        isSecret = inner.isSecret
        shape = inner.shape
        text = { inner.text($0[keyPath: path()]) }
        texts = { inner.texts($0[keyPath: path()]) }
        read = { (texts, root) throws(Unexpected) in try inner.read(texts, &root[keyPath: path()]) }
    }

    /// Options of a part, as options of the whole, their keys below `group`.
    static func group<Inner>(
        _ group: String,
        _ path: @autoclosure @escaping @Sendable () -> any WritableKeyPath<Root, Inner> & Sendable,
        _ options: [Option<Inner>]
    ) -> [Option<Root>] {
        options.map { Option($0, under: group, at: path) }
    }

    /// Its environment variable: the key in capitals, `defaults` left out.
    var environmentName: String {
        if let variable { return variable }
        let path = key.hasPrefix("defaults.") ? key.dropFirst("defaults.".count) : key[...]
        // By bytes: each start asks for every option's, and keys are in small ASCII letters.
        let capitals = path.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - 32
            case UInt8(ascii: "."), UInt8(ascii: "-"): UInt8(ascii: "_")
            default: byte
            }
        }
        return "FAIRLEAD_" + String(decoding: capitals, as: UTF8.self)
    }

    /// Reads `texts` into `root`, or adds to `problems` and leaves `root` as it is. `origin` tells
    /// where each of the texts is from.
    /// - Returns: whether the value was good.
    func apply(
        _ texts: [String], to root: inout Root, _ problems: inout ProblemList,
        origin: (Int) -> Origin
    ) -> Bool {
        do {
            try read(texts, &root)
            return true
        } catch {
            if let sentence = error.sentence {
                problems.add(sentence, at: origin(error.index))
            } else {
                let found =
                    !texts.indices.contains(error.index)
                    ? "nothing" : isSecret ? "something else" : quoted(texts[error.index])
                problems.add(found: found, expected: error.expected, at: origin(error.index))
            }
            return false
        }
    }
}

extension Array {
    /// The option that a plain value in the place of the mapping `group` is for, such as
    /// `admin: ":9090"`: a group of which one option often says everything. Nil for any other
    /// group.
    func shortForm<Root>(of group: String) -> Element? where Element == Option<Root> {
        first { option in
            ["listen", "routes", "file", "to", "max-age", "use", "when", "service"].contains {
                option.key == "\(group).\($0)"
            }
        }
    }
}
