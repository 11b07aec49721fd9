// Goal: files of users are read for listeners, defaults and routes, and what is wrong with them, or
// beside them, is refused with its place. Method: small files, each with a wrong twin.

import Configuration
import Documents
import Passwords
import Routing
import TestSupport
import Testing
import Traffic

@Suite struct PasswordConfigurationTests {
    private static let hash = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"
    private let files: TemporaryFiles
    /// A file with one user, and one with another.
    private let staff: String, others: String

    init() throws {
        files = try TemporaryFiles()
        staff = try files.write("staff", "# staff\nann:\(Self.hash)\n")
        others = try files.write("others", "bob:\(Self.hash)\n")
    }

    private func file(_ listener: String, route: String = "path: /a", top: String = "") -> String {
        """
        \(top)
        services:
          web: {srv: _web._tcp.example}
          gate: {srv: _gate._tcp.example}
        listeners:
        - {listen: "127.0.0.1:8080", service: web, routes: [{\(route), service: web}], \(listener)}
        """
    }

    @Test("users of listeners, defaults and routes; what is written of them is read alike")
    func users() throws {
        let loaded = try load(
            file(
                "auth: {users: \(staff), realm: 'Staff \"only\"', user-field: X-User, "
                    + "pass-authorization: on, timeout: 5s}",
                route: "path: /a, auth: {users: \(others)}"))
        let listener = loaded.configuration.listeners[0]
        #expect(listener.auth.isOn && listener.auth.serviceName == nil)
        #expect(listener.auth.users == staff && listener.auth.realm == "Staff \"only\"")
        #expect(listener.auth.userField == "X-User" && listener.auth.passesAuthorization)
        #expect(listener.auth.timeout == .seconds(5))
        #expect(listener.auth.userList?.entry(for: Array("ann".utf8)).isKnown == true)
        let route = listener.routes[0].auth
        #expect(route.users == others && route.realm == "Restricted")
        #expect(route.userField == nil && !route.passesAuthorization)
        #expect(route.userList?.entry(for: Array("bob".utf8)).isKnown == true)
        #expect(Set(loaded.configuration.files.users.keys) == [staff, others])
        #expect(listener.serviceNames == ["web"])
        let again = try load(loaded.effective.yaml)
        #expect(again.configuration.listeners == loaded.configuration.listeners)
        #expect(!loaded.effective.yaml.contains("$2b$"))
        #expect(loaded.warnings.map(\.description).allSatisfy { !$0.contains("password") })
    }

    @Test("a listener's own service or users stand in the place of what the defaults say")
    func precedence() throws {
        let bySetting: [(listener: String, top: String, users: String?, service: String?)] = [
            ("http2: on", "defaults: {auth: {users: \(staff)}}", staff, nil),
            ("auth: {users: \(others)}", "defaults: {auth: {users: \(staff)}}", others, nil),
            ("auth: gate", "defaults: {auth: {users: \(staff)}}", nil, "gate"),
            ("auth: off", "defaults: {auth: {users: \(staff)}}", nil, nil),
            ("auth: {users: \(staff)}", "defaults: {auth: gate}", staff, nil),
            ("auth: {realm: Own}", "defaults: {auth: {users: \(staff)}}", staff, nil),
        ]
        for (listener, top, users, service) in bySetting {
            let loaded = try load(file(listener, route: "path: /a, auth: off", top: top))
            let auth = loaded.configuration.listeners[0].auth
            #expect(auth.users == users && auth.serviceName == service, "\(listener)")
            #expect((auth.userList != nil) == (users != nil), "\(listener)")
            #expect(!loaded.configuration.listeners[0].routes[0].auth.isOn)
            #expect(loaded.configuration.listeners[0].routes[0].auth.isSaid)
            let again = try load(loaded.effective.yaml)
            #expect(again.configuration.listeners == loaded.configuration.listeners, "\(listener)")
        }
        let variable = try load(file("http2: on"), environment: ["FAIRLEAD_AUTH_USERS": staff])
        #expect(variable.configuration.listeners[0].auth.users == staff)
    }

    @Test("what is wrong with users, or stands beside them, is told with its place")
    func wrong() throws {
        let bad = try files.write("bad", "ann:\(Self.hash)\nbob:hunter2\n")
        let missing = files.path("missing")
        let table: [(listener: String, route: String, expected: String)] = [
            ("auth: {users: \(missing)}", "", "listeners[0].auth.users: \"\(missing)\": ca"),
            (
                "auth: {users: \(bad)}", "auth: {users: \(bad)}",
                "\"\(bad)\": found a password in the clear for the user \"bob\" on line 2, "
                    + "expected a hash by bcrypt"
            ),
            (
                "auth: {users: \(staff), service: gate}", "",
                "listeners[0].auth.users: found auth.service and auth.users, expected one of them"
            ),
            ("http2: on", "auth: {users: \(staff), service: gate}", "found auth.service and auth."),
            ("auth: {realm: a}", "", "found auth.realm without auth.users, expected the file of"),
            ("auth: {service: gate, user-field: X-U}", "", "found auth.user-field without auth.us"),
            ("auth: {users: \(staff), path: /x}", "", "found auth.path without auth.service"),
            ("http2: on", "auth: {pass-authorization: on}", "found auth.pass-authorization witho"),
            ("auth: {users: \(staff), user-field: Host}", "", "expected another field: a request"),
            (
                "auth: {users: \(staff), user-field: Authorization}", "",
                "found \"Authorization\", expected another field: this one has the password"
            ),
            ("auth: {users: \(staff), realm: \"\"}", "", "expected up to 128 characters of ASCII"),
            ("auth: {users: \(staff), realm: \"a\\nb\"}", "", "expected up to 128 characters"),
            ("auth: {users: \"\"}", "", "expected the path of a file"),
        ]
        for (listener, route, expected) in table {
            let found = errors(
                file(listener, route: route.isEmpty ? "path: /a" : "path: /a, \(route)"))
            #expect(found.count == 1, "\(found)")
            #expect(found.first?.contains(expected) == true, "\(expected): \(found)")
            #expect(found.allSatisfy { !$0.contains("hunter2") })
        }
        let twofold = errors(
            file("http2: on", top: "defaults: {auth: {users: \(staff), service: gate}}"))
        #expect(twofold.count == 1)
        #expect(twofold.first?.contains("defaults.auth.users: found auth.service and") == true)
        let tcp = errors(
            """
            services: {web: {srv: _web._tcp.example}}
            listeners: [{listen: ":80", mode: tcp, service: web, auth: {users: \(staff)}}]
            """)
        #expect(tcp.first?.contains("found auth on a listener of mode tcp") == true)
        let nowhere = errors(
            file("http2: on").replacing(
                "routes: [{path: /a, service: web}]",
                with: "routes: [{path: /a, auth: {users: \(staff)}, respond: {status: 200}}]"))
        #expect(nowhere.first?.contains("found auth on a route whose requests go to no ba") == true)
    }

    @Test("passwords in the clear are warned of, where somebody else may be on the way")
    func clear() throws {
        func warnings(_ listen: String, _ rest: String, route: String = "path: /a") throws -> Int {
            let text = file(rest, route: route)
                .replacing("127.0.0.1:8080", with: listen)
            return try load(text).warnings.count {
                $0.description.contains("passwords come in the clear")
            }
        }
        let auth = "auth: {users: \(staff)}"
        #expect(try warnings(":8080", auth) == 1)
        #expect(try warnings("192.0.2.1:8080", "http2: on", route: "path: /a, \(auth)") == 1)
        #expect(try warnings("127.0.0.1:8080", auth) == 0)
        #expect(try warnings("[::1]:8080", auth) == 0)
        #expect(try warnings(":8080", "http2: on") == 0)
        #expect(
            try warnings(":8080", "\(auth), forwarding: {trusted-proxies: [10.0.0.0/8]}") == 0)
        #expect(try warnings(":8080", "\(auth), proxy-protocol: {from: [10.0.0.0/8]}") == 0)
    }

    @Test("users that are known are not read again, so that a broken file holds up nothing")
    func known() throws {
        var known = NamedFiles()
        let users = try UserList("ann:\(Self.hash)")
        known.users = ["/nowhere/users": users]
        let loaded = try ConfigurationLoader.load(
            file: NamedText(name: "f.yaml", text: file("auth: {users: /nowhere/users}")),
            processorCount: 4, files: known)
        #expect(loaded.configuration.listeners[0].auth.userList === users)
    }
}
