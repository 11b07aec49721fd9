// How flags and records are written, and times for programs.

internal import DNSWire
internal import Endpoints

extension Duration {
    /// Milliseconds with three decimals, for programs.
    var milliseconds: Double {
        let (seconds, attoseconds) = components
        let microseconds = Double(seconds) * 1e6 + Double(attoseconds) / 1e12
        return microseconds.rounded() / 1000
    }

    /// Seconds, for programs.
    var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}

/// `33.3`.
func percentText(_ percent: Double) -> String {
    "\((percent * 10).rounded() / 10)"
}

extension Message.Flags {
    /// The flags as `dig` writes them: `qr aa tc rd ra ad cd`.
    var names: [String] {
        let all: [(Message.Flags, String)] = [
            (.response, "qr"), (.authoritative, "aa"), (.truncated, "tc"),
            (.recursionDesired, "rd"), (.recursionAvailable, "ra"), (.authenticData, "ad"),
            (.checkingDisabled, "cd"),
        ]
        return all.filter { contains($0.0) }.map(\.1)
    }
}

extension RecordData {
    /// In the form of master files, safe for a terminal: octets that are not printable are escaped.
    var text: String {
        switch self {
        case .a, .aaaa: address.map { "\($0)" } ?? ""
        case .srv(let srv):
            "\(srv.priority) \(srv.weight) \(srv.port) \(srv.target.lowercased)"
        case .cname(let name), .ns(let name), .ptr(let name): "\(name.lowercased)"
        case .soa(let soa):
            "\(soa.primaryServer.lowercased) \(soa.mailbox.lowercased) \(soa.serial) "
                + "\(soa.refreshSeconds) \(soa.retrySeconds) \(soa.expireSeconds) "
                + "\(soa.minimumSeconds)"
        case .txt(let strings): strings.map(quoted).joined(separator: " ")
        case .unreadable(_, let octets, let error):
            "\\# \(octets.count), which can't be read: \(error)"
        case .other(_, let octets):
            // RFC 3597, section 5.
            "\\# \(octets.count) "
                + octets.map { $0 < 16 ? "0\(String($0, radix: 16))" : String($0, radix: 16) }
                .joined()
        }
    }
}

private func quoted(_ octets: [UInt8]) -> String {
    var text = "\""
    for octet in octets {
        switch octet {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            text += "\\"
            text.unicodeScalars.append(Unicode.Scalar(octet))
        case 0x20...0x7e: text.unicodeScalars.append(Unicode.Scalar(octet))
        default: text += "\\\(octet / 100)\(octet / 10 % 10)\(octet % 10)"
        }
    }
    return text + "\""
}

/// Lines whose columns are as wide as their widest cell, two spaces apart, after `margin` spaces.
func columns(_ rows: [[String]], margin: Int) -> [String] {
    var widths: [Int] = []
    for row in rows {
        for (index, cell) in row.enumerated() {
            if index == widths.count { widths.append(0) }
            widths[index] = max(widths[index], cell.count)
        }
    }
    return rows.map { row in
        var line = String(repeating: " ", count: margin)
        for (index, cell) in row.enumerated() {
            line += cell
            if index < row.count - 1 {
                line += String(repeating: " ", count: widths[index] - cell.count + 2)
            }
        }
        return line
    }
}
