// Goal: a client may ask for a deploy in one way, and is told what is wrong with any other. Method:
// an admin port whose controls record their calls.

import Admin
import Backends
import Endpoints
import Events
import HTTP1
import HTTPClient
import Testing

@Suite struct DeployAnswerTests {
    private let loop = EventLoop()

    @Test(
        "what is asked for reaches the controls, with the client's address",
        arguments: [
            ("?to=10.0.0.1:80", "web to 10.0.0.1:80 30 s 10 s"),
            ("?to=10.0.0.1:80,%5B::1%5D:81", "web to 10.0.0.1:80,[::1]:81 30 s 10 s"),
            ("?to=10.0.0.1:80&timeout=5&watch=0", "web to 10.0.0.1:80 5 s 0 s"),
            ("?to=10.0.0.1:80&drain=0", "web to 10.0.0.1:80 30 s 10 s drain 0 s"),
            ("?to=10.0.0.1:80&trial=yes", "web to 10.0.0.1:80 30 s 10 s trial"),
            ("/undo", "web undo"),
        ])
    func requests(path: String, asked: String) throws {
        let fixture = AdminFixture(loop: loop)
        let answer = try fixture.ask("/services/web/deploy\(path)", .post)
        #expect(answer.response.status == 200)
        #expect(fixture.asked == ["\(asked) from 127.0.0.1"])
        #expect(answer.text.contains(#""phase":"checking","#))
    }

    @Test(
        "anything else is refused, with what is expected",
        arguments: [
            ("", "There is no address to deploy to."), ("?to=", " is no address with a port."),
            ("?to=web:80", "web:80 is no address with a port."),
            ("?to=10.0.0.1", "10.0.0.1 is no address with a port."),
            ("?to=10.0.0.1:0", "10.0.0.1:0 is no address with a port."),
            ("?to=0.0.0.0:80", "0.0.0.0:80 is no address with a port."),
            ("?to=10.0.0.1:80,", " is no address with a port."),
            ("?to=10.0.0.1:80,10.0.0.1:80", "10.0.0.1:80 comes twice."),
            ("?to=10.0.0.1:80&timeout=0", "timeout is 0, which is no number in its range."),
            ("?to=10.0.0.1:80&timeout=1h", "timeout is 1h, which is no number in its range."),
            ("?to=10.0.0.1:80&watch=3601", "watch is 3601, which is no number in its range."),
            ("?to=10.0.0.1:80&trial=on", "trial is on."),
            ("?to=10.0.0.1:80&drain=86401", "drain is 86401, which is no number in its range."),
            ("?to=10.0.0.1:80&drains=5", "The parameter drains is not known here."),
            ("/undo?to=10.0.0.1:80", "The parameter to is not known here."),
        ])
    func refusals(path: String, error: String) throws {
        let fixture = AdminFixture(loop: loop)
        let answer = try fixture.ask("/services/web/deploy\(path)", .post)
        #expect(answer.response.status == 400)
        #expect(answer.text.contains(error), "\(answer.text)")
        #expect(fixture.asked == [])
    }

    @Test("as many as may be are taken, and one more is refused")
    func count() throws {
        let fixture = AdminFixture(loop: loop)
        let all = (1...DeployPlan.endpointsMax).map { "1.1.1.1:\($0)" }.joined(separator: ",")
        #expect(try fixture.ask("/services/web/deploy?to=\(all)", .post).response.status == 200)
        let more = try fixture.ask("/services/web/deploy?to=\(all),1.1.1.2:1", .post)
        #expect(more.response.status == 400 && more.text.contains("too many"))
    }

    @Test("outcomes have the status that they deserve")
    func outcomes() throws {
        let fixture = AdminFixture(loop: loop)
        func status(_ outcome: AdminDeployOutcome) throws -> Int {
            fixture.deployOutcome = outcome
            return try fixture.ask("/services/web/deploy").response.status
        }
        let unknown = try status(.unknownService)
        #expect(unknown == 404)
        #expect(try status(.none) == 404)
        #expect(try status(.refused("No.", expected: "yes")) == 409)
        let other = try fixture.ask("/services/web/deploy", .put).response
        #expect(other.status == 405)
    }

    @Test("a port that is read-only deploys nothing")
    func readOnly() throws {
        let fixture = AdminFixture(loop: loop, isReadOnly: true)
        let answer = try fixture.ask("/services/web/deploy?to=10.0.0.1:80", .post)
        #expect(answer.response.status == 403 && fixture.asked == [])
    }
}
