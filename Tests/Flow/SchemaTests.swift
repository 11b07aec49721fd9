// The JSON Schema of the configuration file, as an editor uses it.

internal import FoundationEssentials
import TestSupport
import Testing

extension Flow {
    // Goal: an editor accepts what Fairlead accepts, and shows what it would refuse. Method:
    // Python's jsonschema, with the examples, the whole of a configuration, and broken files.
    @Suite struct Schema {
        private static let broken = [
            "workers: many", "stop-timeout: 30", "stop-timeot: 30s", "dns: {servers: {a: b}}",
            "dns: {timeout: 2s, port: 53}", "log-level: loud", "defaults: {check: {fall: 0}}",
            "defaults: {check: {jitter: 20}}", "services: [a]", "services: {a: {}}",
            "services: {a: {srv: b.test, chek: off}}", "services: {a b: {srv: b.test}}",
            "services: {a: {backends: []}}", "services: {a: {backends: [{weight: 1}]}}",
            "listeners: {}", "listeners: [{service: a}]", "listeners: [{listen: ':1', mode: udp}]",
            "listeners: [{listen: ':1', routes: [{path: /}]}]",
            "listeners: [{listen: ':1', routes: [{service: a, redirect: {to: /}}]}]",
            "listeners: [{listen: ':1', routes: [{split: {a: 5}}]}]",
            "listeners: [{listen: ':1', routes: [{service: a, request-headers: {sett: {}}}]}]",
            "docker: maybe", "docker: {route: on}", "admin: [':1', ':2']", "consul: on",
        ]

        @Test func `the examples and a whole configuration are good, and mistakes are not`() throws
        {
            let folder = try TemporaryFolder()
            func output(_ arguments: String...) throws -> String {
                try RunningProcess.run([try Fairlead.program()] + arguments)
            }
            let schema = try folder.write(output("config", "schema"), to: "schema.json")
            let examples = try Self.examples()
            var good = examples
            for (number, path) in examples.enumerated() {
                let whole = try output("check", "--print", "--config", path)
                good.append(try folder.write(whole, to: "whole-\(number).yaml"))
            }
            let bad = try Self.broken.enumerated().map { number, text in
                try folder.write(text + "\n", to: "bad-\(number).yaml")
            }
            let script = try folder.write(SchemaScript.text, to: "validate.py")
            let lines = try RunningProcess.run(["python3", script, schema] + good + bad)
                .split(separator: "\n")
            #expect(lines.count == good.count + bad.count)
            for (line, path) in zip(lines, good) {
                #expect(line.hasSuffix(" good"), "\(readFile(path) ?? path)")
            }
            for (line, text) in zip(lines.dropFirst(good.count), Self.broken) {
                #expect(line.hasSuffix(" bad"), "\(text)")
            }
        }

        /// The files that an operator copies.
        private static func examples() throws -> [String] {
            let folder = PackageFolder.path + "/conf"
            return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
                .filter { $0.hasSuffix(".yaml") }.map { "\(folder)/\($0)" }
        }
    }
}
