// Goal: the metrics follow the naming rule and the text format, whatever names occur. Method: the
// rule is applied to every family; lines of a fixed snapshot; promtool where Debian's prometheus
// package is installed.

import Admin
import FoundationEssentials
import Stats
import Subprocess
import TestSupport
import Testing

@Suite struct MetricsTests {
    @Test("every metric is named by the rule and has help")
    func names() {
        let units = ["seconds", "bytes"]
        let unlike = ["milliseconds", "ms", "kilobytes", "kb", "mb", "percent", "count", "minutes"]
        for metric in Metric.all {
            let words = metric.name.split(separator: "_").map(String.init)
            #expect(["fairlead", "process"].contains(words[0]), "\(metric.name)")
            #expect(
                metric.name.utf8.allSatisfy {
                    $0 == 0x5F || (0x61...0x7A).contains($0) || (0x30...0x39).contains($0)
                }, "\(metric.name) is not snake case")
            #expect(
                (words.last == "total") == (metric.kind == .counter),
                "\(metric.name): _total is for counters, for all of them and nothing else")
            #expect(!words.contains { unlike.contains($0) }, "\(metric.name): base units only")
            if metric.kind == .histogram { #expect(units.contains(words.last ?? "")) }
            #expect(metric.help.hasSuffix("."), "\(metric.name) has no sentence of help")
            #expect(!metric.help.contains("\n") && !metric.help.contains("\\"))
        }
        #expect(Set(Metric.all.map(\.name)).count == Metric.all.count)
    }

    @Test("a healthy process without troubles shows every family but the empty ones")
    func families() {
        var options = MetricsText.Options()
        options.hasBackendHistograms = true
        let text = MetricsText(Sample.healthy, options: options).text
        for metric in Metric.all {
            #expect(text.contains("# TYPE \(metric.name) \(metric.kind.rawValue)\n"))
        }
    }

    @Test(
        "a snapshot's figures are in the right series",
        arguments: [
            "fairlead_build_info{version=\"0.1.0\"} 1",
            "fairlead_uptime_seconds 3723.5",
            "fairlead_ready 1",
            "process_resident_memory_bytes 11010048",
            "process_cpu_seconds_total 1.25",
            "fairlead_docker_containers{state=\"exited\"} 1",
            "fairlead_acme_orders_total{outcome=\"issued\"} 3",
            "fairlead_acme_orders_total{outcome=\"not_proven\"} 1",
            "fairlead_docker_containers{state=\"running\"} 12",
            "fairlead_ticket_keys_failing 0",
            "fairlead_rate_shares 3",
            "fairlead_listener_connections_total{listener=\"public\"} 57",
            "fairlead_requests_total{service=\"web\"} 1239",
            "fairlead_responses_total{service=\"web\",class=\"2xx\"} 1227",
            "fairlead_request_errors_total{service=\"web\",reason=\"backend_error\"} 1",
            "fairlead_sent_bytes_total{service=\"web\"} 5000000000",
            "fairlead_request_duration_seconds_bucket{service=\"web\",le=\"0.0005\"} 0",
            "fairlead_request_duration_seconds_bucket{service=\"web\",le=\"0.001\"} 1000",
            "fairlead_request_duration_seconds_bucket{service=\"web\",le=\"0.01\"} 1227",
            "fairlead_request_duration_seconds_bucket{service=\"web\",le=\"+Inf\"} 1227",
            "fairlead_request_duration_seconds_sum{service=\"web\"} 2.4005",
            "fairlead_request_duration_seconds_count{service=\"web\"} 1227",
            "fairlead_grpc_statuses_total{service=\"web\",status=\"OK\"} 900",
            "fairlead_grpc_statuses_total{service=\"web\",status=\"DEADLINE_EXCEEDED\"} 38",
            "fairlead_grpc_statuses_total{service=\"web\",status=\"OTHER\"} 2",
            "fairlead_grpc_late_calls_total{service=\"web\"} 30",
            "fairlead_backends{service=\"web\",state=\"up\"} 2",
            "fairlead_rotation_backends{service=\"orders\"} 0",
            "fairlead_deploys_total{service=\"web\",outcome=\"done\"} 2",
            "fairlead_deploys_total{service=\"web\",outcome=\"undone\"} 0",
            "fairlead_deploy_seconds_total{service=\"web\",outcome=\"done\"} 42.5",
            "fairlead_deploy_running{service=\"web\"} 1",
            "fairlead_discovery_last_good_answer_age_seconds{service=\"web\",source=\"SRV "
                + "_web._tcp.service.consul\"} 34",
            "fairlead_discovery_answers_total{service=\"web\",source=\"SRV "
                + "_web._tcp.service.consul\",kind=\"servfail\"} 34",
            "fairlead_backend_state{service=\"web\",backend=\"127.0.0.1:9002\",state=\"down\"} 1",
            "fairlead_backend_state{service=\"web\",backend=\"127.0.0.1:9002\",state=\"up\"} 0",
            "fairlead_backend_in_rotation{service=\"web\",backend=\"127.0.0.1:9002\"} 0",
            "fairlead_backend_check_passed{service=\"web\",backend=\"127.0.0.1:9002\"} 0",
            "fairlead_backend_connection_failures_total"
                + "{service=\"web\",backend=\"127.0.0.1:9002\"} 3",
        ])
    func figures(line: String) {
        #expect(MetricsText(Sample.troubled).text.split(separator: "\n").contains(Substring(line)))
    }

    @Test("statuses that no call has ended with, and services without calls, have no series")
    func withoutCalls() {
        let lines = MetricsText(Sample.troubled).text.split(separator: "\n")
        #expect(lines.count { $0.hasPrefix("fairlead_grpc_statuses_total{") } == 3)
        #expect(lines.count { $0.hasPrefix("fairlead_grpc_late_calls_total{") } == 1)
    }

    @Test("the bucket of a recorded request names its trace, in OpenMetrics alone")
    func exemplars() {
        let bucket = "fairlead_request_duration_seconds_bucket{service=\"web\",le=\"0.001\"} 1000"
        let open = MetricsText(Sample.healthy, format: .openMetrics).text
        let example =
            " # {trace_id=\"0af7651916cd43dd8448eb211c80319c\",span_id=\"00f067aa0ba902b7\"} "
            + "0.00064 1795385399.007\n"
        #expect(open.contains("\n" + bucket + example))
        let plain = MetricsText(Sample.healthy).text
        #expect(plain.contains("\n\(bucket)\n") && !plain.contains("trace_id"))
    }

    @Test("backends have histograms on request only, and series up to a limit that is shown")
    func bounds() {
        #expect(!MetricsText(Sample.healthy).text.contains("fairlead_backend_first_byte_seconds"))
        var options = MetricsText.Options()
        options.backendsMax = 2
        let text = MetricsText(Sample.healthy, options: options).text
        #expect(text.contains("\nfairlead_omitted_backends 1\n"))
        #expect(text.contains("backend=\"127.0.0.1:9002\""))
        #expect(!text.contains("backend=\"127.0.0.1:9003\""))
    }

    @Test(
        "the format is the one that the client prefers",
        arguments: [
            (nil, false), ("*/*", false), ("application/openmetrics-text", true),
            (
                "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3",
                true
            ),
            ("text/plain;version=0.0.4;q=0.5, application/openmetrics-text; q=0.4", false),
            ("application/openmetrics-text;q=0", false), ("image/png", false), ("", false),
        ])
    func formats(accept: String?, isOpen: Bool) {
        let format = PrometheusText.Format(accept: accept)
        let text = MetricsText(Sample.healthy, format: format).text
        #expect(text.hasSuffix("\n# EOF\n") == isOpen)
        #expect(text.contains("# TYPE fairlead_requests counter\n") == isOpen)
        #expect(text.contains("# TYPE fairlead_requests_total counter\n") == !isOpen)
        #expect(text.contains("\nfairlead_requests_total{service=\"web\"} 1239\n"))
    }

    @Test("the reader of OpenMetrics accepts it, with every family and unit")
    func openMetrics() async throws {
        let reader = """
            import sys
            from prometheus_client.openmetrics.parser import text_string_to_metric_families
            families = list(text_string_to_metric_families(sys.stdin.read()))
            units = {family.unit for family in families}
            examples = [sample.exemplar for family in families for sample in family.samples
                        if sample.exemplar]
            assert [example.labels['span_id'] for example in examples] == ['00f067aa0ba902b7']
            assert examples[0].value == 0.00064
            assert abs(float(examples[0].timestamp) - 1795385399.007) < 1e-5
            assert {'seconds', 'bytes'} <= units, units
            print(len(families), sum(len(family.samples) for family in families))
            """
        var options = MetricsText.Options()
        options.hasBackendHistograms = true
        for snapshot in [Sample.healthy, Sample.troubled, Sample.hostile] {
            let text = MetricsText(snapshot, format: .openMetrics, options: options).text
            let result = try await run(
                .name("sh"),
                arguments: [
                    "-c", "exec \"$0\" -c \"$1\"",
                    try PyPITools.schemathesis.path(of: "python"), reader,
                ],
                input: .string(text), output: .string(limit: 65536), error: .string(limit: 65536))
            #expect(result.terminationStatus.isSuccess, "\(result.standardError)")
        }
    }

    @Test(
        "the dashboard and the alerts name only metrics that exist",
        arguments: ["grafana-dashboard.json", "alerts.yaml"])
    func files(name: String) throws {
        let text = try String(
            contentsOfFile: "\(PackageFolder.path)/conf/monitoring/\(name)", encoding: .utf8)
        let known = Set(Metric.all.map(\.name))
        var found = 0
        for word in text.split(whereSeparator: { !$0.isLetter && !$0.isNumber && $0 != "_" }) {
            guard word.hasPrefix("fairlead_") || word.hasPrefix("process_") else { continue }
            var metric = String(word)
            for suffix in ["_bucket", "_sum", "_count"] where metric.hasSuffix(suffix) {
                metric.removeLast(suffix.count)
            }
            found += 1
            #expect(known.contains(metric), "\(name) has \(word)")
        }
        #expect(found > 10)
    }

    @Test("every alert has a case in which it fires, and failures are counted once")
    func alerts() throws {
        let rules = try String(
            contentsOfFile: "\(PackageFolder.path)/conf/monitoring/alerts.yaml", encoding: .utf8)
        let cases = try String(
            contentsOfFile: "\(PackageFolder.path)/Tests/Flow/alerts.yaml", encoding: .utf8)
        let fired = Set(
            cases.matches(of: /alertname: (\w+)\s+exp_alerts:\s+- exp_labels/).map(\.1))
        let alerts = rules.matches(of: /- alert: (\w+)/).map(\.1)
        #expect(alerts.count > 8)
        for alert in alerts { #expect(fired.contains(alert), "\(alert) has no case") }
        // These overlap: Fairlead's own 503 is in both.
        #expect(!rules.contains("fairlead_responses_total"))
        #expect(!rules.contains("fairlead_request_errors_total"))
    }

    @Test("a backend that is gone has no series left")
    func goneBackends() {
        var snapshot = Sample.troubled
        snapshot.services[0].backends.removeAll { $0.id == 2 }
        #expect(!MetricsText(snapshot).text.contains("127.0.0.1:9002"))
    }

    @Test("label values are escaped")
    func escapes() {
        let text = MetricsText(Sample.hostile).text
        #expect(
            text.contains("{service=\"<script>alert(1)</script>\\\"'&\\\\\\n# x\"} 1239\n"))
    }

    @Test("promtool has no complaint")
    func promtool() async throws {
        let tool = Executable.name("promtool")
        guard (try? await tool.resolveExecutablePath(in: .inherit)) != nil else { return }
        for snapshot in [Sample.healthy, Sample.troubled, Sample.hostile] {
            let result = try await run(
                tool, arguments: ["check", "metrics"], input: .string(MetricsText(snapshot).text),
                output: .string(limit: 65536), error: .string(limit: 65536))
            #expect(result.terminationStatus.isSuccess)
            #expect(result.standardOutput + result.standardError == "")
        }
    }
}
