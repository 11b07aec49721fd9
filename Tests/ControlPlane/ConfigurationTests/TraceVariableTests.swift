// Goal: the variables of OpenTelemetry's programs mean what its specification says, our own options
// come first, and what can't be used is warned of and hinders nothing. Method: environments against
// what is loaded, and lists against their pairs.

import Testing
import Traffic

@testable import Configuration

@Suite struct TraceVariableTests {
    private func traces(
        _ environment: [String: String], _ text: String = ""
    ) throws -> (settings: TraceSettings, warnings: [String], yaml: [Substring]) {
        let variables = Dictionary(
            uniqueKeysWithValues: environment.map { name, value in
                (name.hasPrefix("FAIRLEAD_") ? name : "OTEL_\(name)", value)
            })
        let loaded = try load(text + web, environment: variables)
        // Secrets are masked.
        if loaded.configuration.traces.headers.isEmpty {
            let again = try load(loaded.effective.yaml)
            #expect(again.configuration == loaded.configuration, "\(loaded.effective.yaml)")
        }
        return (
            loaded.configuration.traces, loaded.warnings.map(\.description),
            loaded.effective.yaml.split(separator: "\n")
        )
    }

    // MARK: - What switches tracing on

    @Test(
        "an endpoint alone switches tracing on, and says where spans go",
        arguments: [
            (["EXPORTER_OTLP_ENDPOINT": "http://c:4318"], "http://c:4318/v1/traces"),
            (["EXPORTER_OTLP_ENDPOINT": "http://c:4318/"], "http://c:4318/v1/traces"),
            (["EXPORTER_OTLP_ENDPOINT": "http://c/otlp"], "http://c/otlp/v1/traces"),
            (["EXPORTER_OTLP_ENDPOINT": "http://c/otlp/"], "http://c/otlp/v1/traces"),
            (["EXPORTER_OTLP_TRACES_ENDPOINT": "http://c/x?y"], "http://c/x?y"),
            (["EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318"], "http://c:4318/v1/traces"),
            (
                [
                    "EXPORTER_OTLP_ENDPOINT": "http://a",
                    "EXPORTER_OTLP_TRACES_ENDPOINT": "http://b",
                ], "http://b/v1/traces"
            ),
            (["TRACES_EXPORTER": "otlp"], "http://localhost:4318/v1/traces"),
            (
                ["TRACES_EXPORTER": "otlp", "EXPORTER_OTLP_ENDPOINT": "http://c"],
                "http://c/v1/traces"
            ),
            (
                ["SDK_DISABLED": "False", "EXPORTER_OTLP_ENDPOINT": "http://c"],
                "http://c/v1/traces"
            ),
        ])
    func on(environment: [String: String], target: String) throws {
        let (settings, warnings, yaml) = try traces(environment)
        #expect("\(settings.to)" == target && warnings.isEmpty, "\(warnings)")
        #expect(settings.policy.sample == 1_000_000 && settings.policy.followsParents)
        #expect(settings.policy.parents == .trusted)
        let name = environment.keys.sorted().last { $0.hasSuffix("ENDPOINT") }
        let origin = "# OTEL_\(name ?? "TRACES_EXPORTER")"
        #expect(yaml.contains { $0.hasPrefix("  to: ") && $0.hasSuffix(origin) }, "\(yaml)")
        #expect(yaml.contains { $0.contains("  sample: ") && $0.hasSuffix(origin) }, "\(yaml)")
    }

    @Test(
        "nothing else does",
        arguments: [
            [:], ["SERVICE_NAME": "x", "TRACES_SAMPLER": "bad", "BSP_MAX_QUEUE_SIZE": "9"],
            ["SDK_DISABLED": "TRUE", "EXPORTER_OTLP_ENDPOINT": "http://c"],
            ["TRACES_EXPORTER": "none", "EXPORTER_OTLP_ENDPOINT": "http://c"],
            ["EXPORTER_OTLP_ENDPOINT": ""],
            ["FAIRLEAD_TRACES_TO": "off", "EXPORTER_OTLP_ENDPOINT": "http://c"],
        ])
    func off(environment: [String: String]) throws {
        let (settings, warnings, _) = try traces(environment)
        #expect(settings == TraceSettings() && warnings.isEmpty, "\(warnings)")
    }

    @Test("our own options come first, wherever they stand")
    func precedence() throws {
        let (settings, warnings, yaml) = try traces(
            [
                "EXPORTER_OTLP_ENDPOINT": "http://theirs", "SERVICE_NAME": "theirs",
                "RESOURCE_ATTRIBUTES": "a=theirs,service.name=worse",
                "TRACES_SAMPLER": "always_off",
                "FAIRLEAD_TRACES_SAMPLE": "3%", "EXPORTER_OTLP_TIMEOUT": "5000",
            ],
            "traces: {to: \"http://ours\", resource: {b: ours}}")
        #expect("\(settings.to)" == "http://ours/v1/traces" && warnings.isEmpty, "\(warnings)")
        #expect(settings.policy.sample == 30_000 && settings.policy.followsParents)
        #expect(settings.serviceName == "theirs")
        #expect(settings.resource.map(\.key) == ["b"] && settings.timeout == .seconds(10))
        #expect(
            yaml.contains {
                $0.hasPrefix("  service-name: theirs ") && $0.hasSuffix("# OTEL_SERVICE_NAME")
            }, "\(yaml)")
    }

    @Test("a key for another collector goes nowhere, and a switch that is overruled says so")
    func overruled() throws {
        let ours = "traces: {to: \"http://ours\"}"
        let (settings, warnings, _) = try traces(["EXPORTER_OTLP_HEADERS": "k=secret-1"], ours)
        #expect(settings.headers.isEmpty && warnings.count == 1)
        #expect(warnings[0].hasPrefix("OTEL_EXPORTER_OTLP_HEADERS: no effect"))
        #expect(!warnings[0].contains("secret-1"))
        let disabled = try traces(["SDK_DISABLED": "true", "SERVICE_NAME": "x"], ours)
        #expect(disabled.settings.serviceName == "fairlead")
        #expect(
            disabled.warnings == [
                "OTEL_SDK_DISABLED: no effect: traces.to switches tracing on; say off there"
            ])
    }

    // MARK: - What they say

    @Test("samplers are shares, and whether parents are followed")
    func samplers() throws {
        let rows: [(String, String?, share: Int, follows: Bool)] = [
            ("always_on", nil, 1_000_000, false), ("always_off", nil, 0, false),
            ("traceidratio", "0.25", 250_000, false), ("traceidratio", nil, 1_000_000, false),
            ("parentbased_always_on", nil, 1_000_000, true),
            ("parentbased_always_off", nil, 0, true),
            ("parentbased_traceidratio", "1e-9", 1, true),
            ("parentbased_traceidratio", "0", 0, true),
        ]
        for (name, argument, share, follows) in rows {
            var variables = ["EXPORTER_OTLP_ENDPOINT": "http://c", "TRACES_SAMPLER": name]
            variables["TRACES_SAMPLER_ARG"] = argument
            let (settings, warnings, _) = try traces(variables)
            #expect(settings.policy.sample == share, "\(name)")
            #expect(settings.policy.followsParents == follows && warnings.isEmpty, "\(name)")
        }
    }

    @Test("names, fields, times and files are taken as they are meant")
    func values() throws {
        let (settings, warnings, _) = try traces([
            "EXPORTER_OTLP_ENDPOINT": "https://c", "SERVICE_NAME": "edge",
            "RESOURCE_ATTRIBUTES":
                "service.name=other,deployment.environment.name=a%2Cb, k8s.pod.name = p ,"
                + "k=1,k=%C3%A4,",
            "EXPORTER_OTLP_HEADERS": "x-all=1",
            "EXPORTER_OTLP_TRACES_HEADERS": "authorization=Basic%20Zm9v,x-key = 2",
            "EXPORTER_OTLP_TIMEOUT": "500", "EXPORTER_OTLP_CERTIFICATE": "/etc/ca.pem",
            "EXPORTER_OTLP_PROTOCOL": "http/json", "PROPAGATORS": "tracecontext,baggage",
        ])
        #expect(warnings.isEmpty, "\(warnings)")
        #expect(settings.serviceName == "edge")
        #expect(
            settings.resource.map { "\($0.key)|\($0.value)" } == [
                "deployment.environment.name|a,b", "k8s.pod.name|p", "k|ä",
            ])
        #expect(
            settings.headers.map { "\($0.name)|\($0.value)" } == [
                "authorization|Basic Zm9v", "x-key|2",
            ])
        #expect(settings.timeout == .milliseconds(500) && settings.caFile == "/etc/ca.pem")
        let named = try traces([
            "EXPORTER_OTLP_ENDPOINT": "http://c", "RESOURCE_ATTRIBUTES": "service.name=edge",
        ])
        #expect(named.settings.serviceName == "edge" && named.settings.resource.isEmpty)
    }

    @Test(
        "what can't be used is warned of and ignored, without its value where that may be a secret",
        arguments: [
            ("TRACES_SAMPLER", "jaeger_remote", "found \"jaeger_remote\", expected always_on"),
            ("EXPORTER_OTLP_TIMEOUT", "10s", "found \"10s\", expected milliseconds"),
            ("EXPORTER_OTLP_TIMEOUT", "1", "expected 100ms to 1m: ignored"),
            ("EXPORTER_OTLP_HEADERS", "secret-1", "found no = in pair 1"),
            ("EXPORTER_OTLP_HEADERS", "a=secret-1,b=%2", "without two hexadecimal digits"),
            ("EXPORTER_OTLP_HEADERS", "a b=secret-1", "found something else"),
            ("RESOURCE_ATTRIBUTES", "a=1,=2", "found no key in pair 2"),
            ("RESOURCE_ATTRIBUTES", "a=%FF", "bytes that are no UTF-8"),
            ("EXPORTER_OTLP_PROTOCOL", "http/protobuf", "spans go as http/json"),
            ("EXPORTER_OTLP_PROTOCOL", "udp", "found \"udp\", expected http/json: ignored"),
            ("PROPAGATORS", "b3", "expected tracecontext among them"),
            ("TRACES_EXPORTER", "zipkin", "expected otlp or none: ignored"),
            ("SDK_DISABLED", "1", "expected true or false: ignored"),
            ("BSP_SCHEDULE_DELAY", "100", "spans are sent once a second"),
            ("EXPORTER_OTLP_COMPRESSION", "gzip", "no effect"),
            ("EXPORTER_OTLP_CLIENT_KEY", "/k", "no effect"),
        ])
    func ignored(name: String, value: String, said: String) throws {
        let (settings, warnings, _) = try traces([
            "EXPORTER_OTLP_ENDPOINT": "http://c", name: value,
        ])
        try #require(warnings.count == 1, "\(warnings)")
        #expect(warnings[0].hasPrefix("OTEL_\(name): "), "\(warnings)")
        #expect(warnings[0].contains(said), "\(warnings)")
        #expect(!warnings[0].contains("secret-1"))
        #expect("\(settings.to)" == "http://c/v1/traces")
        #expect(settings.headers.isEmpty && settings.resource.isEmpty)
        #expect(settings.timeout == .seconds(10) && settings.policy.sample == 1_000_000)
    }

    @Test("an endpoint that can't be used sends nothing anywhere; that of traces may be left out")
    func endpoints() throws {
        for text in ["c:4318", "ftp://c", "http://c?x", "http://"] {
            let (settings, warnings, _) = try traces([
                "TRACES_EXPORTER": "otlp", "EXPORTER_OTLP_ENDPOINT": text,
            ])
            #expect(settings.to == .off && warnings.count == 1, "\(text): \(warnings)")
        }
        let (settings, warnings, _) = try traces([
            "EXPORTER_OTLP_TRACES_ENDPOINT": "c", "EXPORTER_OTLP_ENDPOINT": "http://c:4317",
        ])
        #expect("\(settings.to)" == "http://c:4317/v1/traces" && warnings.count == 2)
        let byGRPC = try traces([
            "EXPORTER_OTLP_PROTOCOL": "grpc", "EXPORTER_OTLP_ENDPOINT": "http://c:4317",
        ])
        #expect(byGRPC.settings.to == .off && byGRPC.warnings.count == 1)
        #expect(byGRPC.warnings[0].contains("found grpc, expected http/json"))
        let both = try traces([
            "EXPORTER_OTLP_PROTOCOL": "grpc", "EXPORTER_OTLP_ENDPOINT": "http://c:4317",
            "EXPORTER_OTLP_TRACES_PROTOCOL": "http/json",
            "EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces",
        ])
        #expect("\(both.settings.to)" == "http://c:4318/v1/traces" && both.warnings.isEmpty)
    }

    // MARK: - Lists

    @Test("lists are bounded, and one bad pair spoils all")
    func lists() throws {
        func read(_ text: String) throws(BaggageError) -> [String] {
            try BaggageList.read(text).map { "\($0.key)=\($0.value)" }
        }
        #expect(try read("") == [] && read(" , ,") == [])
        #expect(try read("a=b=c") == ["a=b=c"] && read("a=") == ["a="])
        #expect(try read("a%3D=%00") == ["a==\0"])
        #expect(try read((0..<64).map { "\($0)=x" }.joined(separator: ",")).count == 64)
        for bad in [
            "a", "=", "a=%", "a=%1", "a=%zz", "a=1,b", "a=%C3",
            (0..<65).map { "\($0)=x" }.joined(separator: ","),
            "a=" + String(repeating: "x", count: 8191),
        ] {
            #expect(throws: BaggageError.self, "\(bad.prefix(20))") { try read(bad) }
        }
    }
}
