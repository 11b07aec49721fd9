// OpenSSL as this module sees it: loaded when TLS is first configured, its errors as values. No
// other module calls it, and none sees a pointer of its.

internal import COpenSSL

/// Why there is no TLS on this machine: the loader's words.
package struct TLSUnavailable: Error, CustomStringConvertible, Sendable {
    /// What the loader said.
    package let description: String
}

/// The library.
package enum OpenSSL {
    /// What went wrong when the library was loaded; nil: nothing. Loads it at the first look, once
    /// in a process.
    private static let problem: String? = {
        // A constant text or the loader's, valid until its next call.
        guard let text = unsafe openssl_load() else { return nil }
        return unsafe String(cString: text)
    }()

    /// Loads the library, at the first call: what needs TLS calls it before anything else here.
    /// Takes 2 ms. Any thread.
    package static func load() throws(TLSUnavailable) {
        if let problem { throw TLSUnavailable(description: problem) }
    }

    /// The version of the library that is loaded: `OpenSSL 3.0.19 27 Jan 2026`. Any thread.
    package static var libraryVersion: String {
        // A constant of the library, which ends in zero.
        unsafe text(openssl().pointee.OpenSSL_version(OPENSSL_VERSION)) ?? ""
    }

    /// The reasons on the thread's error queue, the oldest first, which is emptied: one of a
    /// connection must not be read as another's.
    static func takeErrors() -> [Int32] {
        var reasons: [Int32] = []
        while case let code = unsafe openssl().pointee.ERR_get_error(), code != 0 {
            reasons.append(reason(of: code))
        }
        return reasons
    }

    /// The text of the newest error on the thread's queue, which stays there; nil for none.
    static func errorText() -> String? {
        let code = unsafe openssl().pointee.ERR_peek_last_error()
        return unsafe code == 0 ? nil : text(openssl().pointee.ERR_reason_error_string(code))
    }

    /// The text of the newest error on the thread's queue, which is emptied; nil for none.
    static func takeErrorText() -> String? {
        defer { unsafe openssl().pointee.ERR_clear_error() }
        return errorText()
    }

    /// A copy of a text of OpenSSL's, which ends in zero; nil for none.
    static func text(_ pointer: UnsafePointer<CChar>?) -> String? {
        unsafe pointer.map { unsafe String(cString: $0) }
    }

    /// What OpenSSL has written to `room`, up to the zero that ends it.
    static func text(in room: [CChar]) -> String {
        String(decoding: room.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// The reason in an error's code (ERR_GET_REASON, which is a macro): its lower 23 bits, but of
    /// errors of the system.
    static func reason(of code: UInt) -> Int32 {
        code & 0x8000_0000 != 0 ? 0 : Int32(code & 0x7F_FFFF)
    }
}
