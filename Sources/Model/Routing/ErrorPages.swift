// ErrorPages: what clients see in the place of an answer's own line of text. The pages are read
// with the configuration and kept as they go out, so that an answer costs no more than it did.

/// A page for an answer of an error: the bytes of a file. Value type, any thread.
package struct Page: Sendable, Equatable {
    /// What kind of document it is.
    package let format: PageFormat
    /// The media type that clients are told.
    package let mediaType: String
    /// The document.
    package let bytes: [UInt8]

    /// The document `bytes`, of which clients are told the character encoding where it is UTF-8;
    /// else the document says so itself, or the browser guesses.
    package init(_ format: PageFormat, _ bytes: [UInt8]) {
        self.format = format
        self.bytes = bytes
        let isUTF8 = String(validating: bytes, as: UTF8.self) != nil
        mediaType =
            switch format {
            case .html: isUTF8 ? "text/html; charset=utf-8" : "text/html"
            case .text: isUTF8 ? "text/plain; charset=utf-8" : "text/plain"
            // RFC 8259, section 8.1: JSON has no such parameter.
            case .json: "application/json"
            case .xml: "application/xml"
            }
    }
}

/// A kind of document that a page can be. The raw value numbers them.
package enum PageFormat: Int, CaseIterable, Sendable {
    case html, text, json, xml

    /// The format of the file at `path`, by its extension in any letter case; nil for one that no
    /// page has.
    package init?(path: String) {
        guard let dot = path.lastIndex(of: "."), !path[dot...].contains("/") else { return nil }
        switch path[path.index(after: dot)...].lowercased() {
        case "html", "htm": self = .html
        case "txt": self = .text
        case "json": self = .json
        case "xml": self = .xml
        default: return nil
        }
    }

    /// The type and the subtype, in small letters.
    fileprivate var words: (type: StaticString, subtype: StaticString) {
        switch self {
        case .html: ("text", "html")
        case .text: ("text", "plain")
        case .json: ("application", "json")
        case .xml: ("application", "xml")
        }
    }
}

/// Statuses that share a page.
package enum PageStatuses: Hashable, Sendable {
    /// One status, 400 to 599.
    case one(Int)
    /// All of a hundred, such as 5 for 500 to 599.
    case hundred(Int)

    fileprivate var range: ClosedRange<Int> {
        switch self {
        case .one(let status): status...status
        case .hundred(let hundred): hundred * 100...hundred * 100 + 99
        }
    }
}

/// A page for some statuses, as an operator writes it. Value type, any thread.
package struct PageRule: Sendable, Equatable {
    /// The statuses of the answers that get the page.
    package var statuses: PageStatuses
    /// Where the file is.
    package var path: String
    /// What is in the file; nil until it is read.
    package var page: Page?

    /// A page that is still to be read.
    package init(_ statuses: PageStatuses, _ path: String, _ page: Page? = nil) {
        self.statuses = statuses
        self.path = path
        self.page = page
    }
}

/// The pages of a listener or a route, by status. Immutable, any thread.
package final class ErrorPages: Sendable {
    private let pages: [Page]
    /// For each status from 400 to 599 the place of its page, from 1 on; 0 for none.
    private let places: [UInt16]
    /// Whether they stand for answers of backends as well.
    package let areOfBackends: Bool

    /// The statuses that can have a page.
    package static let statuses = 400...599

    /// The pages of `rules`, over those of `others`: one for a single status goes before one for a
    /// hundred, and `rules` before `others`. Nil where there are none.
    package init?(_ rules: [PageRule], over others: [PageRule] = [], ofBackends: Bool) {
        var pages: [Page] = []
        var places = [UInt16](repeating: 0, count: Self.statuses.count)
        for rules in [others, rules] {
            let sorted = rules.filter(\.isOfHundred) + rules.filter { !$0.isOfHundred }
            for rule in sorted {
                guard let page = rule.page else { continue }
                pages.append(page)
                for status in rule.statuses.range where Self.statuses.contains(status) {
                    places[status - Self.statuses.lowerBound] = UInt16(pages.count)
                }
            }
        }
        guard !pages.isEmpty else { return nil }
        self.pages = pages
        self.places = places
        areOfBackends = ofBackends
    }

    /// The page of an answer with this status; nil for none.
    package func page(for status: Int) -> Page? {
        guard Self.statuses.contains(status) else { return nil }
        let place = Int(places[status - Self.statuses.lowerBound])
        return place == 0 ? nil : pages[place - 1]
    }
}

extension PageRule {
    fileprivate var isOfHundred: Bool {
        if case .hundred = statuses { true } else { false }
    }
}

/// The formats that a client takes, as its Accept says (RFC 9110, section 12.5.1). Value type.
package struct AcceptedFormats: Sendable, Equatable {
    /// How closely the range that decided on each format names it: 0 for none so far, 1 for `*/*`,
    /// 2 for `text/*`, 3 for the format itself.
    private var closeness = [0, 0, 0, 0]
    private var areTaken = [false, false, false, false]
    private var isSaid = false
    /// Whether the request is a call of gRPC, whose clients look at other fields.
    private var isCall = false

    /// A client that says nothing, which takes all.
    package init() {}

    /// What the client says whose request's head, a whole one of HTTP/1.1, is in `head`.
    package init(_ head: Span<UInt8>) {
        var start = 0
        while start < head.count {
            var end = start
            while end < head.count, head[end] != 0x0A { end += 1 }
            let line = head.extracting(start..<end)
            if line.count > Self.name.count,
                Self.name.isEqual(toLowercasedOf: line.extracting(0..<Self.name.count))
            {
                isSaid = true
                readList(line.extracting(Self.name.count..<line.count))
            }
            if !isCall, Self.isCall(line) { isCall = true }
            start = end + 1
        }
    }

    private static let name = Array("accept:".utf8)

    /// Whether the line says that the request is a call of gRPC, of whatever kind.
    private static func isCall(_ line: Span<UInt8>) -> Bool {
        guard line.count > typeName.count,
            typeName.isEqual(toLowercasedOf: line.extracting(0..<typeName.count))
        else { return false }
        var start = typeName.count
        while start < line.count, isBlank(line[start]) { start += 1 }
        guard line.count - start >= callType.count else { return false }
        return callType.isEqual(toLowercasedOf: line.extracting(start..<start + callType.count))
    }

    private static let typeName = Array("content-type:".utf8)
    private static let callType = Array("application/grpc".utf8)

    /// Whether the client takes documents of this format.
    package func contain(_ format: PageFormat) -> Bool {
        isCall ? false : !isSaid || areTaken[format.rawValue]
    }

    private mutating func readList(_ list: Span<UInt8>) {
        var start = 0
        while start < list.count {
            var end = start
            while end < list.count, list[end] != 0x2C { end += 1 }
            readRange(list.extracting(start..<end))
            start = end + 1
        }
    }

    /// Reads one range with its parameters, of which only `q` counts.
    private mutating func readRange(_ text: Span<UInt8>) {
        var start = 0
        while start < text.count, Self.isBlank(text[start]) { start += 1 }
        var end = start
        while end < text.count, text[end] != 0x3B, !Self.isBlank(text[end]) { end += 1 }
        let range = text.extracting(start..<end)
        var slash = 0
        while slash < range.count, range[slash] != 0x2F { slash += 1 }
        guard slash < range.count else { return }
        let type = range.extracting(0..<slash)
        let subtype = range.extracting(slash + 1..<range.count)
        let isTaken = !Self.hasNoWeight(text.extracting(end..<text.count))
        for format in PageFormat.allCases {
            let words = format.words
            let isOfType = Self.isWord(type, words.type)
            let close =
                if isOfType, Self.isWord(subtype, words.subtype) {
                    3
                } else if isOfType, Self.isWord(subtype, "*") {
                    2
                } else {
                    Self.isWord(type, "*") && Self.isWord(subtype, "*") ? 1 : 0
                }
            guard close > 0, close >= closeness[format.rawValue] else { continue }
            closeness[format.rawValue] = close
            areTaken[format.rawValue] = isTaken
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0D
    }

    private static func isWord(_ bytes: Span<UInt8>, _ word: StaticString) -> Bool {
        guard bytes.count == word.utf8CodeUnitCount else { return false }
        for index in bytes.indices {
            // The bytes of a static string live as long as the program, and there are as many.
            let letter = unsafe word.utf8Start[index]
            if bytes[index] | 0x20 != letter | 0x20 { return false }
        }
        return true
    }

    /// Whether the parameters say `q=0`, with zeros behind it or without: not at all.
    private static func hasNoWeight(_ parameters: Span<UInt8>) -> Bool {
        var at = 0
        while at < parameters.count {
            let isBegun = at == 0 || parameters[at - 1] == 0x3B || isBlank(parameters[at - 1])
            if isBegun, at + 2 < parameters.count, parameters[at] | 0x20 == 0x71,
                parameters[at + 1] == 0x3D
            {
                var place = at + 2
                while place < parameters.count, parameters[place] != 0x3B {
                    let byte = parameters[place]
                    if byte >= 0x31, byte <= 0x39 { return false }
                    place += 1
                }
                return true
            }
            at += 1
        }
        return false
    }
}
