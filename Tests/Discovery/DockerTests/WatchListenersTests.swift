// Goal: what happens to a container is told to those whom it concerns, and to no other. Method:
// listeners that are asked for by hand.

import Containers
import DockerAPI
import Testing

@testable import Docker

@Suite struct WatchListenersTests {
    private final class Listener {}

    private let all = Listener()
    private let web = Listener()
    private let db = Listener()
    private var listeners = WatchListeners()

    init() {
        for listener in [all, web, db] { listeners.add(listener) { _ in } }
        listeners.narrow(web, to: ["1", "2"])
        listeners.narrow(db, to: ["2", "3"])
    }

    /// What an inventory says when something happens to a container that it knows.
    private func changes(of id: String) throws -> DockerWatch.Changes {
        var inventory = ContainerInventory()
        let first = inventory.nextQuestion()
        _ = inventory.apply(
            ContainerList([ContainerSummary(id: id, name: "any")]), to: try #require(first))
        _ = inventory.takeChanges()
        _ = inventory.apply(EngineEvent(container: id, .pause), now: .now)
        return .containers(inventory.takeChanges())
    }

    private func told(of changes: DockerWatch.Changes) -> Set<ObjectIdentifier> {
        listeners.concerned(by: changes)
    }

    private func ids(_ told: Listener...) -> Set<ObjectIdentifier> {
        Set(told.map { ObjectIdentifier($0) })
    }

    @Test func `a container concerns those that named it, and those that named none`() throws {
        #expect(told(of: try changes(of: "1")) == ids(all, web))
        #expect(told(of: try changes(of: "2")) == ids(all, web, db))
        #expect(told(of: try changes(of: "4")) == ids(all))
        #expect(told(of: .all) == ids(all, web, db))
    }

    @Test func `one that is new concerns all`() throws {
        var inventory = ContainerInventory()
        let first = inventory.nextQuestion()
        _ = inventory.apply(
            ContainerList([ContainerSummary(id: "9", name: "any")]), to: try #require(first))
        #expect(told(of: .containers(inventory.takeChanges())) == ids(all, web, db))
    }

    @Test mutating func `what concerns a listener may be other containers, or none any more`()
        throws
    {
        listeners.narrow(web, to: ["3"])
        #expect(told(of: try changes(of: "1")) == ids(all))
        #expect(told(of: try changes(of: "3")) == ids(all, web, db))
        listeners.remove(db)
        #expect(told(of: try changes(of: "3")) == ids(all, web))
        #expect(told(of: .all) == ids(all, web))
        listeners.narrow(db, to: ["3"])
        #expect(told(of: try changes(of: "3")) == ids(all, web))
        #expect(!listeners.isEmpty)
        listeners.remove(web)
        listeners.remove(all)
        #expect(listeners.isEmpty)
    }
}
