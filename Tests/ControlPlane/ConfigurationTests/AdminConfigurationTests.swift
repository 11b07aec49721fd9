// Goal: the admin port is configured as a plain address or as a mapping, and is never open to
// others by oversight. Method: tables of text, each that is refused beside one that is not.

import Configuration
import Endpoints
import Testing

@Suite struct AdminConfigurationTests {
    private static let listener = "\nlisteners: [{listen: ':1', backends: ['h:3']}]\n"
    private static let token = "correct-horse-battery"

    @Test(
        "a plain value is the address, a mapping has the rest",
        arguments: [
            ("admin: 127.0.0.1:9191", "127.0.0.1:9191"), ("admin: off", nil),
            ("admin: {listen: '[::1]:9191'}", "[::1]:9191"), ("admin: {listen: off}", nil),
            ("admin: {read-only: on}", "127.0.0.1:9090"), ("admin:", "127.0.0.1:9090"),
            ("admin: {listen: '10.0.0.1:9', token: \(token)}", "10.0.0.1:9"),
            ("admin: {listen: '0.0.0.0:9', token-file: /run/token}", "0.0.0.0:9"),
        ])
    func forms(text: String, listen: String?) throws {
        let admin = try load(text + Self.listener).configuration.admin
        #expect(admin.listen == listen.flatMap { Endpoint($0) })
    }

    @Test("everything can be said in the file, and by the environment")
    func all() throws {
        let byFile = try load(
            "admin: {listen: '127.0.0.1:9', token: \(Self.token), read-only: on, "
                + "hosts: [a.example, b], behind-proxy: on, backend-histograms: on}" + Self.listener
        )
        let byEnvironment = try load(
            Self.listener,
            environment: [
                "FAIRLEAD_ADMIN": "127.0.0.1:9", "FAIRLEAD_ADMIN_TOKEN": Self.token,
                "FAIRLEAD_ADMIN_READ_ONLY": "on", "FAIRLEAD_ADMIN_HOSTS": "a.example, b",
                "FAIRLEAD_ADMIN_BACKEND_HISTOGRAMS": "on", "FAIRLEAD_ADMIN_BEHIND_PROXY": "on",
            ])
        let admin = byFile.configuration.admin
        #expect(admin == byEnvironment.configuration.admin)
        #expect(admin.token == Self.token && admin.readOnly && admin.hosts.count == 2)
        #expect(admin.backendHistograms)
        #expect(admin.behindProxy)
    }

    @Test(
        "what would leave it open, or makes no sense, is refused",
        arguments: [
            (
                "admin: {listen: '10.0.0.1:9'}",
                "1:17: admin.listen: found 10.0.0.1:9 without a token"
            ),
            ("admin: '[::]:9'", "1:8: admin: found [::]:9 without a token"),
            ("admin: ':9090'", "1:8: admin: found \":9090\", expected an address with a port"),
            (
                "admin: {token: short}",
                "admin.token: found something else, expected a token of 16 visible ASCII"
            ),
            (
                "admin: {token: \(token), token-file: /x/y}",
                "admin.token-file: found both admin.token and admin.token-file"
            ),
            ("admin: {hosts: ['a:80']}", "expected a host name without a port"),
            ("admin: {tokn: x}", "admin.tokn: unknown key, expected token?"),
            ("admin: [1]", "1:8: admin: found a list, expected a mapping with keys of: listen"),
        ])
    func refusals(text: String, message: String) {
        let told = errors(text + Self.listener).joined(separator: "\n")
        #expect(told.contains(message), "\(told)")
        #expect(!told.contains("short"), "a secret is not shown")
    }

    @Test("an option without effect is reported")
    func warnings() throws {
        let loaded = try load(
            "admin: {listen: off, token: \(Self.token), read-only: on}" + Self.listener)
        #expect(loaded.warnings.count == 2)
        #expect("\(loaded.warnings)".contains("the admin port is off"))
    }
}
