// A collector of traces: Telemetry/collector.py, which reads spans by the definitions of
// OpenTelemetry's protocol and says of each what it has read.

internal import FoundationEssentials
internal import TestSupport

/// A collector on 127.0.0.1. One thread.
final class Collector {
    /// A span as the collector has read it.
    struct Span: Decodable {
        var service: String
        /// What is said of the process.
        var resource: [String: String]
        var trace: String
        var span: String
        /// Empty for the first of a trace.
        var parent: String
        /// 2 for a request, 3 for a try.
        var kind: Int
        var name: String
        var attributes: [String: String]
    }

    let port: UInt16
    private let process: RunningProcess

    /// Returns when it serves: on `port`, or a free one, with these further options of the script.
    init(_ options: String..., on port: UInt16? = nil) throws {
        let port = try port ?? FreePort.take()
        self.port = port
        process = try RunningProcess(
            [
                try PyPITools.openTelemetry.path(of: "python"),
                PackageFolder.path + "/Tests/Flow/Telemetry/collector.py", "\(port)",
            ] + options)
        try process.waitForOutput(containing: "ready\n")
    }

    /// Waits for so many spans, and returns all that have come.
    func spans(_ count: Int) throws -> [Span] {
        try waitFor("\(count) spans; the collector said:\n\(process.transcript)") {
            guard !process.output.contains("\"problem\"") else {
                throw FlowError(process.transcript)
            }
            let spans = read()
            return spans.count >= count ? spans : nil
        }
    }

    private func read() -> [Span] {
        process.output.split(separator: "\n").compactMap {
            try? JSONDecoder().decode(Span.self, from: Data($0.utf8))
        }
    }

    /// How many requests it has answered with `status`, which is not 200.
    func refusals(_ status: Int) -> Int {
        process.output.split(separator: "\n").count { $0 == "{\"answered\": \(status)}" }
    }
}
