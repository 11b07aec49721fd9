// Goal: the admin port's commands override what is written elsewhere, and last as long as they
// should. Method: single commands beside overrides that change.

import Backends
import Endpoints
import Testing

@testable import Control

@Suite struct OperatorCommandsTests {
    private let endpoint = Endpoint(.loopback, 80)
    private let drained = BackendOverride(isDrained: true)

    /// A roster with one backend, and that backend.
    private func backend() throws -> Backend {
        let roster = Roster(
            service: ServiceID(index: 0), ids: BackendIDs(), journal: Journal())
        roster.apply(.instances([Instance(endpoint)]), now: .now)
        return try #require(roster.backend(at: endpoint))
    }

    private func written(_ override: BackendOverride?) -> BackendOverrides {
        var all = BackendOverrides()
        all[endpoint] = override
        return all
    }

    @Test("each command overrides what is written, and leaves the rest of it")
    func before() throws {
        var commands = OperatorCommands()
        let backend = try backend()
        let store = BackendOverride(weight: 7)
        commands.record(.drain, about: backend, written: store)
        #expect(
            commands.merged(with: written(store))[endpoint]
                == BackendOverride(weight: 7, isDrained: true))
        commands.record(.weight(3), about: backend, written: store)
        commands.record(.disable, about: backend, written: store)
        #expect(
            commands.merged(with: written(store))[endpoint]
                == BackendOverride(weight: 3, isDrained: true, isCutOff: true))
        commands.record(.enable, about: backend, written: store)
        commands.record(.weight(nil), about: backend, written: store)
        #expect(commands.merged(with: written(store)) == written(store))
    }

    @Test("an enable overrides a written drain until that ends, and not the next one")
    func enable() throws {
        var commands = OperatorCommands()
        commands.record(.enable, about: try backend(), written: drained)
        #expect(commands.merged(with: written(drained))[endpoint] == nil)
        #expect(commands.merged(with: written(nil))[endpoint] == nil)
        #expect(commands.merged(with: written(drained))[endpoint] == drained)
    }

    @Test("commands end with their backend")
    func end() throws {
        var commands = OperatorCommands()
        commands.record(.drain, about: try backend(), written: nil)
        #expect(!commands.keepOnly { _ in true })
        #expect(commands.keepOnly { _ in false })
        #expect(commands.merged(with: written(nil)).count == 0)
    }
}
