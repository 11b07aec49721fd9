// Goal: what is said about Docker is read from each place where it may be said, and what is wrong
// is told. Method: files, variables, and what comes of them.

import DockerAPI
import Documents
import Endpoints
import TestSupport
import Testing

@testable import Configuration

@Suite struct DockerConfigurationTests {
    private func load(
        _ text: String, _ environment: [String: String] = [:]
    ) throws -> LoadedConfiguration {
        try ConfigurationLoader.load(
            file: NamedText(name: "f.yaml", text: text), environment: environment,
            processorCount: 1)
    }

    private func problems(_ text: String, _ environment: [String: String] = [:]) -> [String] {
        do {
            _ = try load(text, environment)
            return []
        } catch let error as ConfigurationErrors {
            return error.problems.map(\.text)
        } catch {
            return ["\(error)"]
        }
    }

    private static let listener = "listeners: [{listen: \":80\"}]"

    @Test func `one word makes routes of labels, and a listener needs no others`() throws {
        let loaded = try load("docker: on\n\(Self.listener)")
        #expect(loaded.configuration.docker.routes)
        #expect(loaded.configuration.docker.host.place == .target(.unix("/var/run/docker.sock")))
        #expect(loaded.warnings.isEmpty)
        #expect(try load("docker: {routes: on}\n\(Self.listener)").configuration.docker.routes)
        let direct = try ConfigurationLoader.load(
            environment: ["FAIRLEAD_DOCKER": "on", "FAIRLEAD_LISTEN": ":80"], processorCount: 1)
        #expect(direct.configuration.docker.routes)
        #expect(problems(Self.listener).count == 1)
    }

    @Test(arguments: [
        ("web", "web"), ("web?network=front&port=8080", "web?network=front&port=8080"),
        ("{service: web, network: front}", "web?network=front"),
        ("{label: tier=front, port: 80}", "?label=tier=front&port=80"),
        ("{label: tier}", "?label=tier"),
    ])
    func `containers are a query or a mapping of its parts`(text: String, query: String) throws {
        let loaded = try load(
            "services: {web: {docker: \(text)}}\nlisteners: [{listen: \":80\", service: web}]")
        #expect(loaded.configuration.services[0].sources == [.docker(try DockerQuery(query))])
        // What is printed is read again as the same.
        let again = try load(loaded.effective.yaml)
        #expect(again.configuration.services == loaded.configuration.services)
        #expect(again.configuration.docker == loaded.configuration.docker)
    }

    @Test(arguments: [
        ("{netwrok: front}", "expected network"), ("{network: front}", "expected a service"),
        ("{service: web, port: 0}", "the port \"0\""), ("web?port=x", "the port \"x\""),
        ("[web, api]", "one query"), ("\"\"", "expected a service"),
    ])
    func `what is no query is told`(text: String, expected: String) {
        let found = problems(
            "services: {web: {docker: \(text)}}\nlisteners: [{listen: \":80\", service: web}]")
        #expect(found.count == 1)
        #expect(found.first?.contains(expected) == true, "\(found)")
    }

    @Test func `a service has one source`() {
        let text = "services: {web: {docker: web, srv: a.test}}\n"
        #expect(
            problems("\(text)listeners: [{listen: \":80\", service: web}]").first?
                .hasPrefix("found both srv and docker") == true)
    }

    @Test(arguments: [
        ("unix:///run/docker.sock", "unix:/run/docker.sock"),
        ("tcp://10.0.0.7:2375", "10.0.0.7:2375"),
        ("unix:/run/docker.sock", "unix:/run/docker.sock"), ("http://[::1]:2375/", "[::1]:2375"),
        ("tcp://docker:2375", "docker:2375"), ("tcp://docker", "docker:2375"),
        ("tcp://10.0.0.7", "10.0.0.7:2375"), ("http://proxy.internal:2400", "proxy.internal:2400"),
    ])
    func `the engine is where DOCKER_HOST says, unless an option says so`(
        text: String, target: String
    ) throws {
        let variables = ["DOCKER_HOST": text]
        let loaded = try load("docker: on\n\(Self.listener)", variables)
        #expect(loaded.configuration.docker.host.description == target)
        let option = try load("docker: {routes: on, host: \"\(text)\"}\n\(Self.listener)")
        #expect(option.configuration.docker.host.description == target)
        let both = try load(
            "docker: {routes: on, host: \"unix:///x.sock\"}\n\(Self.listener)", variables)
        #expect(both.configuration.docker.host.place == .target(.unix("/x.sock")))
    }

    @Test(arguments: [
        ("ssh://docker", "is not asked over SSH"),
        ("fd://", "how an engine listens"), ("tcp://", "expected unix:///var/run/docker.sock or"),
        ("tcp://docker:0", "tcp://HOST:PORT"), ("unix:docker.sock", "an absolute path"),
    ])
    func `a host that is not asked says why, and what is`(text: String, words: String) {
        let found = problems("docker: {routes: on, host: \"\(text)\"}\n\(Self.listener)")
        #expect(found.count == 1 && found[0].contains(words), "\(found)")
    }

    @Test func `another program's variable is none of ours`() throws {
        let plain = "listeners: [{listen: \":80\", srv: a.test}]"
        #expect(problems(plain, ["DOCKER_HOST": "ssh://nowhere"]).isEmpty)
        #expect(
            problems("docker: on\n\(plain)", ["DOCKER_HOST": "ssh://nowhere"]).first?
                .contains("unix:///var/run/docker.sock") == true)
    }
}
