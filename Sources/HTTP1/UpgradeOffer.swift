// Protocols that a client offers to switch to, and whether a backend took one of them
// (RFC 9110 section 7.8).

/// Lists of protocols as an Upgrade field has them: `name` or `name/version`, separated by commas.
package enum UpgradeOffer {
    /// Whether a list offers HTTP/2 in the clear. Such an offer is never passed on: behind the
    /// switch a backend would take requests that no rule of the proxy has seen. (RFC 9113 section
    /// 3.1 has given the mechanism up.)
    package static func offersHTTP2(_ list: Span<UInt8>) -> Bool {
        var at = 0
        while let member = nextMember(list, &at) {
            if list.extracting(member).isEqualIgnoringCase(to: "h2c") { return true }
        }
        return false
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
