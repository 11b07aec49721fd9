// The name of this machine.

internal import Glibc

/// The name of this machine or container, which tells registrations of several apart; `unknown`
/// when the kernel does not say it.
func hostName() -> String {
    var bytes = [CChar](repeating: 0, count: 256)
    // The kernel writes at most `count` bytes; a name of that length may lack its NUL.
    guard unsafe gethostname(&bytes, bytes.count - 1) == 0 else { return "unknown" }
    let name = bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
    return String(decoding: name, as: UTF8.self)
}
