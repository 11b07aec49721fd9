// Protocols that a client offers to switch to, and whether a backend took one of them
// (RFC 9110 section 7.8).

/// Lists of protocols as an Upgrade field has them: `name` or `name/version`, separated by commas.
package enum UpgradeOffer {
    /// Appends what may be passed on of a list, behind what is there of other lists. HTTP itself,
    /// in the clear (`h2c`, RFC 9113 section 3.1 has given it up) or behind TLS (RFC 2817), is left
    /// out: behind such a switch a backend would take requests that no rule of the proxy has seen.
    ///
    /// Never appends more bytes than `list` has, and two.
    static func append(_ list: Span<UInt8>, to out: inout [UInt8]) {
        var at = 0
        var isFirst = true
        while let member = nextMember(list, &at) {
            let protocolName = list.extracting(member)
            guard !carriesHTTP(protocolName) else { continue }
            if !out.isEmpty { out.append(isFirst ? ", " : ",") }
            isFirst = false
            out.append(protocolName)
        }
    }

    /// Whether what is spoken behind a switch to `name` or `name/version` is HTTP for the proxy to
    /// read.
    private static func carriesHTTP(_ member: Span<UInt8>) -> Bool {
        var end = 0
        while end < member.count, member[end] != 0x2F { end += 1 }
        while end > 0, Characters.isBlank(member[end - 1]) { end -= 1 }
        let name = member.extracting(0..<end)
        return name.isEqualIgnoringCase(to: "h2c") || name.isEqualIgnoringCase(to: "h2")
            || name.isEqualIgnoringCase(to: "http") || name.isEqualIgnoringCase(to: "tls")
    }

    /// Whether every protocol of `chosen`, at least one, is in `offered`, letter case aside.
    package static func contains(_ offered: Span<UInt8>, _ chosen: Span<UInt8>) -> Bool {
        var at = 0
        var count = 0
        while let member = nextMember(chosen, &at) {
            count += 1
            guard isIn(offered, chosen.extracting(member)) else { return false }
        }
        return count > 0
    }

    private static func isIn(_ list: Span<UInt8>, _ wanted: Span<UInt8>) -> Bool {
        var at = 0
        while let member = nextMember(list, &at) {
            if isSame(list.extracting(member), wanted) { return true }
        }
        return false
    }

    private static func isSame(_ a: Span<UInt8>, _ b: Span<UInt8>) -> Bool {
        func folded(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }
        guard a.count == b.count else { return false }
        for index in a.indices where folded(a[index]) != folded(b[index]) { return false }
        return true
    }

    /// The next member of a list from `at` on, without the blanks around it; nil at its end.
    private static func nextMember(_ list: Span<UInt8>, _ at: inout Int) -> Range<Int>? {
        while at < list.count, Characters.isBlank(list[at]) || list[at] == Characters.comma {
            at += 1
        }
        guard at < list.count else { return nil }
        let start = at
        while at < list.count, list[at] != Characters.comma { at += 1 }
        var end = at
        while end > start, Characters.isBlank(list[end - 1]) { end -= 1 }
        return start..<end
    }
}
