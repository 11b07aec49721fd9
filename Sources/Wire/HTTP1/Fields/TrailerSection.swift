// TrailerSection: what of a response's trailers is passed on.

/// Rewrites trailer sections.
package enum TrailerSection {
    /// Appends `section`, a whole one with its empty line that was read by `TrailerRule.leaveOut`,
    /// without the fields that may not stand there. A name with blanks behind it is left out as
    /// well: hops differ in what they take it for.
    package static func append(allowedOf section: Span<UInt8>, to out: inout [UInt8]) {
        var start = 0
        while let lineFeed = ByteScan.lineFeed(section, from: start, to: section.count) {
            if isAllowed(section, start) { out.append(section.extracting(start..<lineFeed + 1)) }
            start = lineFeed + 1
        }
    }

    /// Whether a field of this name, in any letter case, may stand in a trailer section.
    package static func allows(_ name: Span<UInt8>) -> Bool {
        var hashed = TrailerName()
        for index in name.indices { hashed.add(name[index]) }
        return !hashed.isForbidden
    }

    /// Whether the line at `start` is the empty one, or a field that may stand there.
    private static func isAllowed(_ section: Span<UInt8>, _ start: Int) -> Bool {
        let end = ByteScan.endOfToken(section, from: start, to: section.count)
        guard end > start else { return true }
        return section[end] == Characters.colon && allows(section.extracting(start..<end))
    }
}
