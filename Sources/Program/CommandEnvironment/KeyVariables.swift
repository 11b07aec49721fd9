// KeyVariables: the variables that keys below one prefix or several make, and what is odd about
// the keys. Values are secrets more often than not: nothing here shows one, and messages name keys
// and variables alone.
//
// | what is odd                              | what becomes of it                                |
// |------------------------------------------|---------------------------------------------------|
// | a key that is no name of a variable      | left out, told                                    |
// | two keys of one prefix make one name     | the first by its bytes counts, told               |
// | a later prefix has the name as well      | it wins: that is what later ones are for          |
// | a value with a NUL                       | left out, told: a variable ends at a NUL          |
// | a variable of more than 128 KiB          | left out, told: the kernel takes none (execve(2)) |
// | more than 1 MiB of them                  | the whole is refused: the kernel may take none    |
// | a key that ends in a slash, or is empty  | left out: a folder of Consul's own page           |

internal import Consul

/// Variables with their values. Value type, any thread.
package struct KeyVariables: Sendable, Equatable {
    /// Bytes that a variable may have with its name, `=` and the end (MAX_ARG_STRLEN).
    static let bytesMax = 128 * 1024
    /// Bytes that all variables may have together; the kernel allows a quarter of the stack's limit
    /// for them, the inherited ones and the arguments, which is 2 MiB as a rule.
    static let totalBytesMax = 1024 * 1024

    private var values: [String: [UInt8]] = [:]

    /// No variable.
    init() {}

    /// What came of keys: variables, and a line for each thing that is odd.
    struct Reading {
        var variables = KeyVariables()
        var problems: [String] = []
        /// Why the whole can't be used; nil when it can.
        var refusal: String?
    }

    /// The variables of `places`, later ones over earlier ones.
    static func read(
        _ places: [(place: KeyPlace, entries: [ConsulKV.Entry])], keepsCase: Bool
    ) -> Reading {
        var reading = Reading()
        for (place, entries) in places {
            var keys: [String: String] = [:]
            for entry in entries where !entry.key.isEmpty && !entry.key.hasSuffix("/") {
                let key = "\(place.prefix)\(entry.key)"
                guard let name = VariableName.of(entry.key, keepsCase: keepsCase) else {
                    reading.problems.append(
                        "\(key): found a key that names no variable, expected letters, digits, _, "
                            + "-, . and /, the first no digit")
                    continue
                }
                if let first = keys[name] {
                    reading.problems.append(
                        "\(key): found a second key for \(name), which \(first) is; expected one")
                    continue
                }
                keys[name] = key
                if let problem = problem(of: entry.value, name) {
                    reading.problems.append("\(key): \(problem)")
                    continue
                }
                reading.variables.values[name] = entry.value
            }
        }
        let total = reading.variables.values.reduce(0) {
            $0 + $1.key.utf8.count + $1.value.count + 2
        }
        if total > totalBytesMax {
            reading.refusal =
                "the variables have \(total) bytes together, expected at most \(totalBytesMax)"
        }
        return reading
    }

    private static func problem(of value: [UInt8], _ name: String) -> String? {
        if value.contains(0) { return "found a NUL in the value, which no variable can have" }
        let count = name.utf8.count + value.count + 2
        guard count > bytesMax else { return nil }
        return "found a variable of \(count) bytes, expected at most \(bytesMax)"
    }

    /// How many there are.
    package var count: Int { values.count }

    /// Which of `names` are not there.
    func missing(of names: [String]) -> [String] {
        names.filter { values[$0] == nil }
    }

    /// The names whose values differ from `others`, or are on one side alone, sorted.
    func names(differingFrom others: KeyVariables) -> [String] {
        Set(values.keys).union(others.values.keys).filter { values[$0] != others.values[$0] }
            .sorted()
    }

    /// Calls `body` with each name, sorted, and its value.
    func forEach(_ body: (String, [UInt8]) -> Void) {
        for (name, value) in values.sorted(by: { $0.key < $1.key }) { body(name, value) }
    }
}

extension KeyVariables: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// How many there are, and no value.
    package var description: String { "[\(count) variables]" }
    /// How many there are, and no value.
    package var debugDescription: String { description }
    /// Nothing: `dump` shows what a mirror has.
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
