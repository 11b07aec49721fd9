// The only file that touches libyaml, and all that is unsafe about it: a C parser with manual
// memory on one side, `YAMLNode` or `YAMLError` on the other. Only the plain part of YAML is taken:
// no anchors and aliases (a few bytes of them can grow into gigabytes), no tags, one document,
// bounded depth, no key twice. Depth and size being bounded, so are time and memory.

internal import CLibyaml

/// A parser of one document. Any thread; holds C memory until it goes.
@safe package struct YAMLParser: ~Copyable {
    // libyaml keeps pointers into the parser and into the input, so both stay where they are: the
    // parser in memory of its own, the input in a buffer that `parse` holds for as long.
    private let parser: UnsafeMutablePointer<yaml_parser_t>

    /// What libyaml reports, without its pointers.
    private enum Event {
        case scalar(String, isPlain: Bool)
        case sequenceStart, sequenceEnd, mappingStart, mappingEnd
        case documentStart, documentEnd, streamEnd, other
    }

    /// Mappings and lists inside each other. The configuration's schema needs six levels.
    private static let depthMax = 16

    /// libyaml's version, of the library that is loaded: `0.2.5`.
    package static var libraryVersion: String {
        // A constant of the library, which ends in zero.
        unsafe String(cString: yaml_get_version_string())
    }

    /// The document in `text`; an empty one is an empty mapping. JSON as programs write it is YAML.
    package static func parse(_ text: String) throws(YAMLError) -> YAMLNode {
        // libyaml takes a byte order mark only when it may choose the encoding by it.
        let text =
            text.unicodeScalars.first == "\u{feff}"
            ? text.unicodeScalars.dropFirst()[...] : text.unicodeScalars[...]
        // An empty array may have a null pointer, which libyaml asserts against.
        let bytes = Array(String(text).utf8) + [UInt8(ascii: "\n")]
        return try unsafe bytes.withUnsafeBufferPointer { (input) throws(YAMLError) in
            // The buffer outlives the parser, which goes at the end of this closure.
            let parser = unsafe try YAMLParser(input)
            do throws(YAMLError) {
                return try parser.document()
            } catch {
                throw parser.placed(error, in: bytes)
            }
        }
    }

    private init(_ input: UnsafeBufferPointer<UInt8>) throws(YAMLError) {
        unsafe parser = .allocate(capacity: 1)
        guard unsafe yaml_parser_initialize(parser) == 1 else {
            unsafe parser.deallocate()
            throw YAMLError(text: "no memory left to read it", mark: YAMLMark(line: 1, column: 1))
        }
        // Else a byte order mark could make it UTF-16, which nothing here has checked.
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        unsafe yaml_parser_set_input_string(parser, input.baseAddress, input.count)
    }

    deinit {
        // Both were made in `init`, which throws before this can run otherwise.
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
    }

    // MARK: The tree

    private borrowing func document() throws(YAMLError) -> YAMLNode {
        var root = YAMLNode(content: .mapping([]), mark: YAMLMark(line: 1, column: 1))
        var documentCount = 0
        while true {
            let (event, mark) = try next()
            switch event {
            case .streamEnd: return root
            case .documentStart:
                documentCount += 1
                guard documentCount == 1 else {
                    throw YAMLError(text: "found a second document, expected only one", mark: mark)
                }
            case .documentEnd, .other: continue
            case .scalar, .sequenceStart, .mappingStart, .sequenceEnd, .mappingEnd:
                root = try node(event, mark, depth: 1)
            }
        }
    }

    /// The node that begins with `event`.
    private borrowing func node(_ event: Event, _ mark: YAMLMark, depth: Int) throws(YAMLError)
        -> YAMLNode
    {
        guard depth <= Self.depthMax else {
            throw YAMLError(
                text: "found more than \(Self.depthMax) lists and mappings inside "
                    + "each other, expected at most six", mark: mark)
        }
        switch event {
        case .scalar(let text, let isPlain):
            return YAMLNode(content: .scalar(text, isPlain: isPlain), mark: mark)
        case .sequenceStart:
            return YAMLNode(content: .sequence(try items(depth)), mark: mark)
        case .mappingStart:
            return YAMLNode(content: .mapping(try entries(depth)), mark: mark)
        case .sequenceEnd, .mappingEnd, .documentStart, .documentEnd, .streamEnd, .other:
            // libyaml's own grammar rules this out; should it not, it is an error like any other.
            throw YAMLError(text: "found the end of something, expected a value", mark: mark)
        }
    }

    private borrowing func items(_ depth: Int) throws(YAMLError) -> [YAMLNode] {
        var items: [YAMLNode] = []
        while true {
            let (event, mark) = try next()
            if case .sequenceEnd = event { return items }
            items.append(try node(event, mark, depth: depth + 1))
        }
    }

    private borrowing func entries(_ depth: Int) throws(YAMLError) -> [YAMLNode.Entry] {
        var entries: [YAMLNode.Entry] = []
        var lines: [String: Int] = [:]
        while true {
            let (event, mark) = try next()
            if case .mappingEnd = event { return entries }
            guard case .scalar(let key, _) = event else {
                throw YAMLError(text: "found a list or mapping, expected a key", mark: mark)
            }
            if let line = lines.updateValue(mark.line, forKey: key) {
                throw YAMLError(
                    text: "found the key \(quoted(key)) again, expected it once (the first is on "
                        + "line \(line))", mark: mark)
            }
            let (valueEvent, valueMark) = try next()
            let value = try node(valueEvent, valueMark, depth: depth + 1)
            entries.append(YAMLNode.Entry(key: key, keyMark: mark, value: value))
        }
    }

    // MARK: libyaml

    /// The next event, copied out of libyaml's memory.
    private borrowing func next() throws(YAMLError) -> (Event, YAMLMark) {
        var event = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw failure() }
        // A parsed event owns memory, whatever becomes of it here.
        defer { unsafe yaml_event_delete(&event) }
        let mark = unsafe YAMLMark(event.start_mark)
        // Of the union `data` only the member that `type` names is read.
        switch unsafe event.type {
        case YAML_SCALAR_EVENT:
            let scalar = unsafe event.data.scalar
            unsafe try refuse(anchor: scalar.anchor, tag: scalar.tag, mark)
            // `value` points at `length` bytes, of UTF-8 since the input was.
            let text = unsafe String(
                decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length),
                as: UTF8.self)
            let isPlain = unsafe scalar.style == YAML_PLAIN_SCALAR_STYLE
            return (.scalar(text, isPlain: isPlain), mark)
        case YAML_SEQUENCE_START_EVENT:
            let start = unsafe event.data.sequence_start
            unsafe try refuse(anchor: start.anchor, tag: start.tag, mark)
            return (.sequenceStart, mark)
        case YAML_MAPPING_START_EVENT:
            let start = unsafe event.data.mapping_start
            unsafe try refuse(anchor: start.anchor, tag: start.tag, mark)
            return (.mappingStart, mark)
        case YAML_ALIAS_EVENT:
            throw YAMLError(text: "found an alias (*), expected the value itself", mark: mark)
        case YAML_SEQUENCE_END_EVENT: return (.sequenceEnd, mark)
        case YAML_MAPPING_END_EVENT: return (.mappingEnd, mark)
        case YAML_DOCUMENT_START_EVENT: return (.documentStart, mark)
        case YAML_DOCUMENT_END_EVENT: return (.documentEnd, mark)
        case YAML_STREAM_END_EVENT: return (.streamEnd, mark)
        default: return (.other, mark)
        }
    }

    private borrowing func refuse(
        anchor: UnsafeMutablePointer<yaml_char_t>?, tag: UnsafeMutablePointer<yaml_char_t>?,
        _ mark: YAMLMark
    ) throws(YAMLError) {
        if unsafe anchor != nil {
            throw YAMLError(text: "found an anchor (&), expected a plain value", mark: mark)
        }
        if unsafe tag != nil {
            throw YAMLError(text: "found a tag (!), expected a plain value", mark: mark)
        }
    }

    /// What libyaml says went wrong. Its texts are constants of the library.
    private borrowing func failure() -> YAMLError {
        let problem = unsafe parser.pointee.problem.map { unsafe String(cString: $0) }
        let context = unsafe parser.pointee.context.map { unsafe " \(String(cString: $0))" }
        return unsafe YAMLError(
            text: "not YAML: \(problem ?? "unknown problem")\(context ?? "")"
                + Self.advice(problem ?? ""),
            mark: YAMLMark(parser.pointee.problem_mark))
    }

    /// What is most likely behind a problem: libyaml speaks of its grammar.
    private static func advice(_ problem: String) -> String {
        if problem.contains("mapping values are not allowed") {
            return
                ": is it indented further than the line above, or does a value with a colon in it "
                + "need quotes?"
        }
        if problem.contains("cannot start any token") {
            return
                ": is that a tab? Indent with spaces, and put a value that begins with @, ` or % "
                + "in quotes"
        }
        if problem.contains("expected ',' or") {
            return ": is a bracket before this not closed, or a comma missing?"
        }
        if problem.contains("unexpected end of stream") { return ": is a quote not closed?" }
        if problem.contains("did not find expected") {
            return ": is this, or a line above, indented as its neighbours are?"
        }
        return ""
    }

    /// `error` with its place. Where libyaml could not read a character it tells the byte's offset
    /// and no mark.
    private borrowing func placed(_ error: YAMLError, in bytes: [UInt8]) -> YAMLError {
        guard unsafe parser.pointee.error == YAML_READER_ERROR else {
            // What is missing at the end is missed behind the last line, where nobody can look.
            let newline = UInt8(ascii: "\n")
            let text = bytes.reversed().drop { $0 == newline }
            let lines = text.count { $0 == newline } + 1
            guard error.mark.line > lines else { return error }
            let lastLine = text.prefix { $0 != newline }
            return YAMLError(
                text: error.text, mark: YAMLMark(line: lines, column: lastLine.count + 1))
        }
        let before = unsafe bytes.prefix(Int(clamping: parser.pointee.problem_offset))
        let lineStart = (before.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
        let column = String(decoding: before[lineStart...], as: UTF8.self).unicodeScalars.count + 1
        let line = before.count { $0 == UInt8(ascii: "\n") } + 1
        return YAMLError(text: error.text, mark: YAMLMark(line: line, column: column))
    }
}

extension YAMLMark {
    fileprivate init(_ mark: yaml_mark_t) {
        self.init(line: Int(clamping: mark.line) + 1, column: Int(clamping: mark.column) + 1)
    }
}
