// Figures: how the benches reckon with numbers and write them.

/// The middle of `values`, which are not empty.
package func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/// `value` with so many decimals.
package func decimals(_ value: Double, _ count: Int) -> String {
    let scale = (0..<count).reduce(1) { power, _ in power * 10 }
    let rounded = Int((abs(value) * Double(scale)).rounded())
    let sign = value < 0 && rounded > 0 ? "-" : ""
    guard count > 0 else { return "\(sign)\(rounded)" }
    let fraction = String(rounded % scale)
    let zeros = String(repeating: "0", count: count - fraction.count)
    return "\(sign)\(rounded / scale).\(zeros)\(fraction)"
}

/// The names in a comma-separated list of a command line.
package func names(_ list: String) -> [String] {
    list.split(separator: ",").map(String.init)
}
