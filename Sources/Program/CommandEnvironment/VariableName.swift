// VariableName: which variable a key is. Nested keys are one name: `db/pass-word` is DB_PASS_WORD.
//
// | in a key            | in the name           |
// |---------------------|-----------------------|
// | a small letter      | its capital           |
// | `/`, `-`, `.`       | `_`                   |
// | a digit, `_`        | itself                |
// | a digit at the start| no variable           |
// | anything else       | no variable           |

/// Names of variables for keys.
package enum VariableName {
    /// The name of the variable that `key`, relative to its prefix, is; nil when a shell could not
    /// name it. With `keepsCase` letters stay as they are.
    package static func of(_ key: String, keepsCase: Bool) -> String? {
        var name: [UInt8] = []
        for byte in key.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): name.append(keepsCase ? byte : byte - 32)
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"): name.append(byte)
            case UInt8(ascii: "0")...UInt8(ascii: "9") where !name.isEmpty: name.append(byte)
            case UInt8(ascii: "/"), UInt8(ascii: "-"), UInt8(ascii: "."):
                name.append(UInt8(ascii: "_"))
            default: return nil
            }
        }
        return name.isEmpty ? nil : String(decoding: name, as: UTF8.self)
    }
}
