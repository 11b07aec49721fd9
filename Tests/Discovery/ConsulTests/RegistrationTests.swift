// Goal: this process is in its agent's list while it runs, and gone from it before it stops.
// Method: a registration with a stand-in that is away, forgets, or says nothing.

import Endpoints
import FoundationEssentials
import Lookups
import TestSupport
import Testing

@testable import Consul

@Suite struct RegistrationTests {
    private let stage: Stage

    init() throws {
        stage = try Stage()
    }

    private var service: ConsulRegistration.Service {
        var service = ConsulRegistration.Service(id: "fairlead/8080", name: "edge", port: 8080)
        service.verifyInterval = .milliseconds(50)
        return service
    }

    private var registered: [String: String] { stage.standIn.known.agentServices }

    @Test("it registers, registers again when the agent has forgotten it, and deregisters")
    func life() throws {
        let registration = ConsulRegistration(service, agents: stage.agents())
        #expect(registration.status == .registering(nil))
        registration.start()
        stage.turn(until: "it is registered") { registration.status == .registered }
        #expect(Array(registered.keys) == ["fairlead/8080"])
        stage.standIn.change { $0.restart() }
        stage.turn(until: "it is registered again") { registration.registrations == 2 }
        #expect(Array(registered.keys) == ["fairlead/8080"])
        let heard = Heard<Bool>()
        registration.deregister { heard.append($0) }
        registration.deregister { heard.append($0) }
        stage.turn(until: "it is gone") { heard.count > 0 }
        registration.deregister { heard.append($0) }
        #expect(heard.all == [true, true, true])
        #expect(registered.isEmpty)
        #expect(registration.status == .deregistered(confirmed: true))
        let seen = stage.standIn.seen.count
        stage.turn(for: .milliseconds(200))
        #expect(stage.standIn.seen.count == seen, "it went on asking")
    }

    @Test("one process leaves a registration that another has made by then, and only that")
    func shared() throws {
        var (old, new) = (service, service)
        old.holder = "1"
        new.holder = "2"
        let first = ConsulRegistration(old, agents: stage.agents())
        first.start()
        stage.turn(until: "the first is registered") { first.status == .registered }
        let second = ConsulRegistration(new, agents: stage.agents())
        second.start()
        stage.turn(until: "the second is registered") { second.status == .registered }
        let heard = Heard<Bool>()
        first.deregister { heard.append($0) }
        stage.turn(until: "the first is over") { heard.count == 1 }
        #expect(registered["fairlead/8080"]?.contains(#""fairlead-process":"2""#) == true)
        second.deregister { heard.append($0) }
        stage.turn(until: "the second is over") { heard.count == 2 }
        #expect(registered.isEmpty)
        #expect(heard.all == [true, true])
    }

    @Test("the registration is as Consul's documentation has it")
    func document() throws {
        var service = service
        service.address = .v4(0x0a00_0001)
        service.tags = ["v1"]
        service.meta = ["zone": "a"]
        let tcp = String(decoding: RegistrationDocument.encoded(service), as: UTF8.self)
        #expect(
            tcp
                == #"{"Address":"10.0.0.1","Check":{"DeregisterCriticalServiceAfter":"600000ms","#
                + #""Interval":"10000ms","Name":"edge as its agent sees it","Status":"passing","#
                + #""TCP":"10.0.0.1:8080","Timeout":"5000ms"},"ID":"fairlead/8080","#
                + #""Meta":{"zone":"a"},"Name":"edge","Port":8080,"Tags":["v1"]}"#)
        service.address = nil
        service.check = .http("http://127.0.0.1:9090/health/ready")
        service.deregisterAfter = nil
        let http = String(decoding: RegistrationDocument.encoded(service), as: UTF8.self)
        #expect(http.contains(#""HTTP":"http://127.0.0.1:9090/health/ready""#))
        #expect(!http.contains("Deregister"))
        #expect(!http.contains("Address"))
        service.check = .none
        let none = String(decoding: RegistrationDocument.encoded(service), as: UTF8.self)
        #expect(!none.contains("Check"))
    }

    @Test(
        "an agent that refuses is tried until it does not", arguments: [403, 404, 500])
    func refused(status: Int) throws {
        stage.standIn.change { $0.lie = .status(status, "") }
        let registration = ConsulRegistration(service, agents: stage.agents())
        registration.start()
        stage.turn(until: "it is refused") {
            guard case .registering(let failure) = registration.status else { return false }
            return failure?.reason == .status(status, "")
        }
        stage.standIn.change { $0.lie = nil }
        stage.turn(until: "it is registered") { registration.status == .registered }
        let heard = Heard<Bool>()
        registration.deregister { heard.append($0) }
        stage.turn(until: "it is gone") { heard.count > 0 }
        #expect(registered.isEmpty)
    }

    @Test("an end is bounded in time, though the agent says nothing")
    func silence() throws {
        let agents = stage.agents { $0.policy.answerTimeout = .seconds(60) }
        let registration = ConsulRegistration(service, agents: agents)
        registration.start()
        stage.turn(until: "it is registered") { registration.status == .registered }
        stage.standIn.change { $0.lie = .silence }
        let heard = Heard<Bool>()
        registration.deregister { heard.append($0) }
        #expect(heard.count == 0)
        stage.turn(until: "it has given up") { heard.count > 0 }
        #expect(heard.all == [false])
        #expect(registration.status == .deregistered(confirmed: false))
    }

    @Test("an end while it registers waits for that, and nothing stays behind")
    func endAtOnce() throws {
        let registration = ConsulRegistration(service, agents: stage.agents())
        registration.start()
        stage.turn(until: "it is asked for") { stage.standIn.known.agentRegistrations > 0 }
        let heard = Heard<Bool>()
        registration.deregister { heard.append($0) }
        stage.turn(until: "it is gone") { heard.count > 0 }
        #expect(registered.isEmpty)
        #expect(heard.all == [true])
    }

    @Test("only the first agent is told")
    func first() throws {
        let second = try ConsulStandIn()
        defer { second.stop() }
        let gone = try ConsulStandIn()
        gone.stop()
        let agents = stage.agents { $0.agents = [gone.place, second.place] }
        let registration = ConsulRegistration(service, agents: agents)
        registration.start()
        stage.turn(until: "it has failed") { registration.status != .registering(nil) }
        #expect(second.seen.isEmpty)
        let heard = Heard<Bool>()
        registration.deregister { heard.append($0) }
        stage.turn(until: "it has given up") { heard.count > 0 }
        #expect(heard.all == [false])
    }
}
