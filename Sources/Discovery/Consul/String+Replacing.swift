// The standard library's own search for a text within a text comes with a whole engine for regular
// expressions, of a megabyte; this is enough for what a registry writes.

extension StringProtocol {
    /// This text with every `part`, from left to right, replaced by `other`.
    /// - Precondition: `part` is not empty.
    /// - Complexity: O(n) times the length of `part`.
    func replacing(_ part: String, by other: String) -> String {
        precondition(!part.isEmpty)
        var result = ""
        var rest = self[...]
        while let first = rest.first {
            if rest.hasPrefix(part) {
                result += other
                rest = rest.dropFirst(part.count)
            } else {
                result.append(first)
                rest = rest.dropFirst()
            }
        }
        return result
    }
}
