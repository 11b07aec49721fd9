// Numbers of things.

/// `1 backend`, `2 backends`: how many there are of what `noun` names in the singular. `plural` is
/// for a noun that takes more than an s. Any thread.
package func counted(_ count: some BinaryInteger, _ noun: String, plural: String? = nil) -> String {
    count == 1 ? "1 \(noun)" : "\(count) \(plural ?? noun + "s")"
}
