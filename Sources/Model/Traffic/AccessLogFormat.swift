// AccessLogFormat: what a line of the access log looks like. How it is written is AccessLog's
// business.

/// What a line of the access log looks like. The raw value is the word that operators write.
package enum AccessLogFormat: String, CaseIterable, Sendable {
    /// A JSON object a line.
    case json
    /// NCSA's combined format, as nginx and Apache write it, and behind it what only a proxy knows.
    case combined
}
