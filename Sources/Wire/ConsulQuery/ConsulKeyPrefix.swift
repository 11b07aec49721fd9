// ConsulKeyPrefix: below which key an operator keeps things in Consul's key/value store. Beside the
// query, so that the configuration can refuse at once what would be watched for nothing.

/// The beginning of keys. Value type, any thread.
package struct ConsulKeyPrefix: Hashable, Sendable {
    /// The prefix as it was written: `fairlead/`. One that does not end in `/` begins the names of
    /// neighbours too.
    package let text: String

    /// Bytes that a prefix may have.
    static let bytesMax = 512

    /// Reads `text`, in which nothing is encoded.
    ///
    /// - Throws: `ConsulQueryError`: keys don't begin with `/`, and one that does is asked for
    ///   under another name (Consul redirects); an empty prefix would be every key there is.
    package init(_ text: String) throws(ConsulQueryError) {
        guard !text.isEmpty else {
            throw ConsulQueryError("found an empty prefix, expected one such as fairlead/")
        }
        guard text.utf8.count <= Self.bytesMax else {
            throw ConsulQueryError(
                "found \(text.utf8.count) bytes, expected at most \(Self.bytesMax)")
        }
        guard !text.hasPrefix("/") else {
            throw ConsulQueryError(
                "found \"\(text)\", expected a prefix without a / at its beginning: Consul's keys "
                    + "have none")
        }
        let segments = text.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        guard !segments.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }) else {
            throw ConsulQueryError(
                "found \"\(text)\", expected no //, . or .. in it: such a path is asked for under "
                    + "another name")
        }
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw ConsulQueryError("found a control character in a prefix of keys")
        }
        self.text = text
    }
}
