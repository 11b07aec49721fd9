// AmbiguousPath: paths that two hops may read differently. A route that keeps something from a path
// is only worth something when the backend behind it reads the same path: `/public/../admin` and
// `/admin%2Fx` are resolved by some servers and taken as they stand by others (RFC 3986, sections
// 5.2.4 and 6.2.2). A listener that routes by path refuses them. `//` and letter case it takes as
// they stand.

/// Whether `path` has dot segments, backslashes, or either slash encoded.
enum AmbiguousPath {
    static func isAmbiguous(_ bytes: Span<UInt8>, _ path: Range<Int>) -> Bool {
        var at = path.lowerBound
        while at < path.upperBound {
            switch bytes[at] {
            case 0x5C: return true
            case 0x25 where isEncodedSlash(bytes, at, path.upperBound): return true
            case 0x2F where isDotSegment(bytes, at + 1, path.upperBound): return true
            default: at += 1
            }
        }
        return false
    }

    /// `%2F` or `%5C`, in any letter case.
    private static func isEncodedSlash(_ bytes: Span<UInt8>, _ at: Int, _ end: Int) -> Bool {
        guard end - at >= 3 else { return false }
        let (high, low) = (bytes[at + 1], bytes[at + 2] | 0x20)
        return (high == 0x32 && low == 0x66) || (high == 0x35 && low == 0x63)
    }

    /// Whether the segment that begins at `start` is `.` or `..`, with dots encoded or not.
    private static func isDotSegment(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        var at = start
        var dots = 0
        while at < end, bytes[at] != 0x2F {
            if bytes[at] == 0x2E {
                at += 1
            } else if bytes[at] == 0x25, end - at >= 3, bytes[at + 1] == 0x32,
                bytes[at + 2] | 0x20 == 0x65
            {
                at += 3
            } else {
                return false
            }
            dots += 1
            if dots > 2 { return false }
        }
        return dots > 0
    }
}
