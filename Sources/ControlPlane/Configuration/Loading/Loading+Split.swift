// Reading of a route's split: which services share its requests, and how.

internal import Documents
internal import Wording

extension Loading {
    /// A mapping of services' names to percentages that make 100 together; empty when it is bad.
    mutating func readSplit(
        _ node: YAMLNode, _ path: String, _ file: String
    ) -> [RouteSettings.Share] {
        let origin = Origin.file(name: file, mark: node.mark, path: path)
        guard case .mapping(let entries) = node.content, entries.count >= 2 else {
            errors.add(
                found: node.found,
                expected: "two services or more with their shares, such as {web: 95%, canary: 5%}",
                at: origin)
            return []
        }
        var shares: [RouteSettings.Share] = []
        for entry in entries {
            let shown = isName(entry.key) ? entry.key : quoted(entry.key)
            guard case .scalar(let text, _) = entry.value.content, text.last == "%",
                let percent = Units.digits(text.dropLast()), (0...100).contains(percent)
            else {
                errors.add(
                    found: entry.value.found, expected: "a percentage, such as 5%",
                    at: .file(name: file, mark: entry.value.mark, path: "\(path).\(shown)"))
                return []
            }
            shares.append(RouteSettings.Share(service: entry.key, percent: percent))
        }
        let sum = shares.reduce(0) { $0 + $1.percent }
        guard sum == 100 else {
            errors.add(found: "shares of \(sum)% together", expected: "100%", at: origin)
            return []
        }
        return shares
    }
}
