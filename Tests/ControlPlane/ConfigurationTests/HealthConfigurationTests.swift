// Goal: the address for health and metrics is configured as every other option is, and a route may
// answer with the process's health. Method: tables of text, each that is refused beside one that is
// not.

import Configuration
import Endpoints
import Routing
import Testing

@Suite struct HealthConfigurationTests {
    private static let listener = "\nlisteners: [{listen: ':1', backends: ['h:3']}]\n"

    @Test(
        "a plain value is the address, and any address will do without a token",
        arguments: [
            ("", []), ("health: :9091", ["[::]:9091"]), ("health: off", []),
            ("health: {listen: '10.0.0.1:9091'}", ["10.0.0.1:9091"]),
            ("health: localhost:9091", ["127.0.0.1:9091", "[::1]:9091"]),
        ])
    func forms(text: String, listen: [String]) throws {
        let health = try load(text + Self.listener).configuration.health
        #expect(health.listen == listen.compactMap { Endpoint($0) })
    }

    @Test("the environment and a flag say it, too")
    func everywhere() throws {
        let byEnvironment = try load(Self.listener, environment: ["FAIRLEAD_HEALTH": ":9091"])
        let byFlag = try load(Self.listener, flags: [.health: [":9091"]])
        #expect(byEnvironment.configuration.health == byFlag.configuration.health)
        #expect(byFlag.configuration.health.listen == [Endpoint("[::]:9091")])
    }

    @Test(
        "an address that something else has is refused",
        arguments: [
            (
                "health: :9090",
                "1:9: health: found [::]:9090, which the admin port has as 127.0.0.1:9090"
            ),
            (
                "health: 127.0.0.1:1",
                "listen: found [::]:1, which the address for health has as 127.0.0.1:1"
            ),
            ("health: 9091", "health: found \"9091\", expected an address with a port"),
            ("health: {listn: ':1'}", "health.listn: unknown key, expected listen?"),
        ])
    func refusals(text: String, message: String) {
        let told = errors(text + Self.listener).joined(separator: "\n")
        #expect(told.contains(message), "\(told)")
    }

    private static func route(_ respond: String) -> String {
        "listeners: [{listen: ':1', backends: ['h:3'], routes: [{path: /up, \(respond)}]}]\n"
    }

    @Test("a route responds with health", arguments: ["ready", "live"])
    func respond(question: String) throws {
        let loaded = try load(Self.route("respond: {health: \(question)}"))
        let route = try #require(loaded.configuration.listeners.first?.routes.first)
        #expect(route.respond.health?.rawValue == question)
    }

    @Test(
        "what makes no sense beside it is refused",
        arguments: [
            ("respond: {health: up}", "expected ready or live"),
            (
                "respond: {health: ready, status: 200}",
                "found respond.status beside respond.health, which says what is answered"
            ),
            ("respond: {health: ready, body: x}", "found respond.body beside respond.health"),
            ("respond: {health: ready}, redirect: {to: /}", "found redirect and respond"),
            ("respond: {body: x}", "found no redirect.to, no respond.status and no respond.health"),
        ])
    func badRoutes(respond: String, message: String) {
        let told = errors(Self.route(respond)).joined(separator: "\n")
        #expect(told.contains(message), "\(told)")
    }
}
