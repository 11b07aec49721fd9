// Texts of registries and engines within documents of our own.

extension String {
    /// In double quotes, as YAML reads it: whatever it has, it is one scalar.
    var asYAML: String {
        var quoted = "\""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            default:
                if scalar.value < 0x20 || scalar.value == 0x7F {
                    let digits = String(scalar.value, radix: 16)
                    quoted += "\\x" + (digits.count < 2 ? "0" : "") + digits
                } else {
                    quoted.unicodeScalars.append(scalar)
                }
            }
        }
        return quoted + "\""
    }
}
