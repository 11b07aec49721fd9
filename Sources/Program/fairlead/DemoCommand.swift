// `fairlead demo`: everything on one machine, with nothing else installed: a discovery DNS server,
// three web instances, and the proxy that follows them.

import ArgumentParser
import CertificateFiles
import Configuration
import Control
import DNSWire
import Demo
import Documents
import Endpoints
import Glibc
import TLS

struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Run the proxy with a discovery DNS server and three web instances, to try it.")

    @Option(help: ArgumentHelp("Port of the HTTP listener.", valueName: "port"))
    var http: UInt16 = 8080
    @Option(help: ArgumentHelp("Port of the HTTPS listener.", valueName: "port"))
    var https: UInt16 = 8443
    @Option(help: ArgumentHelp("Port of the TCP listener.", valueName: "port"))
    var tcp: UInt16 = 8081
    @Option(help: ArgumentHelp("Port of the admin page.", valueName: "port"))
    var admin: UInt16 = 9090
    @Option(help: ArgumentHelp("Port of the discovery DNS server.", valueName: "port"))
    var dns: UInt16 = 8053
    @Option(
        help: ArgumentHelp(
            "Port on which instances are started, stopped and broken.", valueName: "port"))
    var stage: UInt16 = 8070
    @Option(help: ArgumentHelp("Web instances at the start, 1 to 6.", valueName: "n"))
    var instances = 3
    @Flag(help: "Let instances come, go and fail by themselves, one event every four seconds.")
    var churn = false

    func validate() throws {
        guard (1...ChurnPlan.membersMax).contains(instances) else {
            throw ValidationError(
                "--instances: found \(instances), expected 1 to \(ChurnPlan.membersMax)")
        }
    }

    func run() throws {
        do {
            let world = try startWorld()
            defer { world.stop() }
            let certificate = makeCertificate()
            let plane = try ControlPlane(try configuration(for: world, certificate))
            printGuide(world, plane, hasHTTPS: certificate != nil)
            if churn {
                world.perform(
                    .churn(every: .seconds(4), seed: UInt64.random(in: .min ... .max)))
            }
            try plane.run()
        } catch let failure as StartFailure {
            printError("fairlead: \(failure)")
            throw ExitCode(1)
        } catch let error as DemoError {
            printError("fairlead: \(error)")
            throw ExitCode(1)
        }
    }

    private func startWorld() throws(DemoError) -> DemoWorld {
        var options = DemoOptions()
        options.dnsPort = dns
        options.stagePort = stage
        options.instanceCount = instances
        let log = Log(level: .info)
        return try DemoWorld(options) { log.write(.info, "demo.stage", ["what": $0]) }
    }

    /// The name under which the configuration gets the certificate.
    private static let certificateName = "demo"

    /// A certificate of the demo's own, which is nowhere but in memory; nil where OpenSSL is
    /// missing, without which the demo has no HTTPS.
    private func makeCertificate() -> CertificateReading? {
        do {
            try OpenSSL.load()
            let key = SigningKey()
            let certificate = try TLSCertificate(
                chain: key.selfSigned(
                    for: ["localhost", "*.localhost", "127.0.0.1", "::1"],
                    subject: "Fairlead's demo", days: 30),
                key: key.pem)
            let place = "made at the start"
            return CertificateReading(found: [
                FoundCertificate(certificate, chainPlace: place, keyPlace: place)
            ])
        } catch {
            return nil
        }
    }

    /// The demo's proxy is configured as any other: by a file, here one that is made on the spot.
    private func configuration(
        for world: DemoWorld, _ certificate: CertificateReading?
    ) throws -> Configuration {
        let secure =
            certificate == nil
            ? ""
            : """
              - name: https
                listen: "127.0.0.1:\(https)"
                service: web
                tls: {certificates: \(Self.certificateName)}
            """
        let text = """
            admin: 127.0.0.1:\(admin)
            workers: 1
            stop-timeout: 5s
            dns: {servers: ["\(world.addresses.dns)"]}
            services:
              web:
                srv: \(world.addresses.service)
                check: {path: /health, interval: 1s, fall: 2}
            listeners:
              - {name: http, listen: "127.0.0.1:\(http)", mode: http, service: web}
              - {name: tcp, listen: "127.0.0.1:\(tcp)", mode: tcp, service: web}
            \(secure)
            """
        do throws(ConfigurationErrors) {
            return try ConfigurationLoader.load(
                file: NamedText(name: "the demo's configuration", text: text), processorCount: 1,
                certificates: certificate.map { [.named(Self.certificateName): $0] } ?? [:]
            ).configuration
        } catch {
            throw StartFailure(description: "\(error)")
        }
    }

    private func printGuide(_ world: DemoWorld, _ plane: ControlPlane, hasHTTPS: Bool) {
        let addresses = world.addresses
        // In the order of the configuration.
        let listeners = plane.listenerEndpoints.map { "\($0)" }
        let (http, tcp) = (listeners[0], listeners[1])
        let https = hasHTTPS ? "https://\(listeners[2])/" : "not without OpenSSL (libssl3)"
        let admin = plane.adminEndpoint.map { "\($0)" } ?? ""
        let stage = "http://\(addresses.stage)"
        let secured = hasHTTPS ? [("curl -k \(https)", "by TLS")] : []
        let trials =
            [
                ("curl http://\(http)/", "each request, another instance")
            ] + secured + [
                ("curl -X POST \(stage)/crash/web-2", "web-2 is killed; its record stays"),
                ("curl http://\(admin)/backends", "web-2 is out, and why"),
                ("curl -X POST \(stage)/start/web-2", "it comes back"),
                ("curl \(stage)/", "what else can be done to instances"),
            ]
        // Not `print`: behind a pipe that would wait for a full buffer.
        writeAll(
            STDOUT_FILENO,
            """
            Fairlead's demo: a discovery DNS server, \(addresses.instances.count) web instances, and the proxy.

              HTTP       http://\(http)/
              HTTPS      \(https)
              TCP        \(tcp)
              admin      http://\(admin)/
              discovery  dig @\(addresses.dns.address) -p \(addresses.dns.port) \(addresses.service) SRV
              instances  \(addresses.instances.map { "\($0.name) on \($0.endpoint)" }.joined(separator: ", "))

            Try:
            \(Self.table(trials))

            Ctrl-C ends it.


            """)
    }

    /// Commands in one column, what they show in the next, however long the ports are.
    private static func table(_ trials: [(command: String, what: String)]) -> String {
        let width = trials.map(\.command.count).max() ?? 0
        return trials.map { command, what in
            "  \(command)\(String(repeating: " ", count: width - command.count))  \(what)"
        }.joined(separator: "\n")
    }
}
