// Which known name a misspelt one was probably meant to be.

/// The candidate closest to `name`; nil when none is close enough to be worth suggesting. A name of
/// more than 64 bytes has none.
package func nearest(to name: String, among candidates: some Sequence<String>) -> String? {
    // Nobody misspells a name by this much; and the search below is quadratic.
    guard name.utf8.count <= 64 else { return nil }
    let best = candidates.map { (distance: distance(name, $0), name: $0) }
        .min { $0 < $1 }
    guard let best, best.distance <= max(1, min(name.count, best.name.count) / 3) else {
        return nil
    }
    return best.name
}

/// Insertions, deletions, replacements and swaps of neighbours that turn `first` into `second`.
private func distance(_ first: String, _ second: String) -> Int {
    let (a, b) = (Array(first.utf8), Array(second.utf8))
    var before: [Int] = []
    var above = Array(0...b.count)
    for i in a.indices {
        var row = [i + 1]
        for j in b.indices {
            var cost = min(above[j + 1] + 1, row[j] + 1, above[j] + (a[i] == b[j] ? 0 : 1))
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                cost = min(cost, before[j - 1] + 1)
            }
            row.append(cost)
        }
        (before, above) = (above, row)
    }
    return above[b.count]
}
