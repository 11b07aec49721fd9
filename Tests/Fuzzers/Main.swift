// The fuzzers, one program: FUZZER names which one runs, the arguments are libFuzzer's. A variable
// and not an argument, since libFuzzer starts itself again with its arguments (-merge,
// -minimize_crash). `Tests/Fuzzers/run` builds and starts it.

internal import CLibFuzzer
internal import Glibc

@main enum Fuzzers {
    /// Each takes one input, and traps when a property does not hold for it.
    static let all: [String: @Sendable (Span<UInt8>) -> Void] = [
        "request": fuzzRequest, "response": fuzzResponse, "chunked": fuzzChunked, "dns": fuzzDNS,
        "docker": fuzzDocker, "labels": fuzzLabels, "proxy": fuzzProxyHeader,
        "hello": fuzzClientHello, "certificate": fuzzCertificate, "http2": fuzzHTTP2,
        "hpack": fuzzHPACK, "heads": fuzzHeads,
    ]
    static let chosen = unsafe getenv("FUZZER").flatMap { unsafe all[String(cString: $0)] }

    static func main() {
        guard chosen != nil else {
            fatalError("set FUZZER to one of \(all.keys.sorted().joined(separator: ", "))")
        }
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? =
            unsafe CommandLine.unsafeArgv
        // The arguments live as long as the program; the callback captures nothing.
        let status = unsafe LLVMFuzzerRunDriver(&count, &arguments) { start, count in
            // libFuzzer's own buffer of `count` bytes, valid until the callback returns.
            let bytes = unsafe UnsafeBufferPointer(start: start, count: count)
            Fuzzers.chosen?(unsafe Span(_unsafeElements: bytes))
            return 0
        }
        exit(status)
    }
}

/// Traps with `message`, which is what libFuzzer takes for a finding.
func require(
    _ holds: Bool, _ message: @autoclosure () -> String, line: UInt = #line,
    file: StaticString = #fileID
) {
    if !holds { fatalError(message(), file: file, line: line) }
}

extension Span<UInt8> {
    /// A copy in memory of its own, where reading one byte too far is seen.
    func copy(_ range: Range<Int>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        for index in range { bytes.append(self[index]) }
        return bytes
    }

    /// A number that depends on all of the input (FNV-1a): where to cut it, and which options to
    /// take, so that a corpus file is nothing but the bytes that a peer would send.
    var digest: UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in indices { hash = (hash ^ UInt64(self[index])) &* 0x0000_0100_0000_01B3 }
        return hash ^ hash >> 29
    }
}
