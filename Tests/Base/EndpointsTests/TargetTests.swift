// Goal: where an agent listens is read from what an operator writes, or refused in words.
// Method: tables of text and value.

import Endpoints
import Testing

@Suite struct TargetTests {
    @Test(
        "a target is an endpoint or the path of a socket",
        arguments: [
            ("127.0.0.1:8500", "127.0.0.1:8500"), ("[::1]:8500", "[::1]:8500"),
            ("unix:/run/consul.sock", "unix:/run/consul.sock"),
            ("unix:///var/run/docker.sock", "unix:/var/run/docker.sock"),
            ("unix:/\u{e9} b", "unix:/\u{e9} b"),
        ])
    func read(text: String, printed: String) throws {
        let target = try Target(text)
        #expect(target.description == printed)
        #expect(try Target(printed) == target)
    }

    @Test(
        "what is no target is refused by what was expected",
        arguments: [
            ("", "ADDRESS:PORT"), ("8500", "ADDRESS:PORT"), ("localhost:8500", "ADDRESS:PORT"),
            ("127.0.0.1:0", "ADDRESS:PORT"), (":8500", "ADDRESS:PORT"),
            ("0.0.0.0:8500", "ADDRESS:PORT"), ("/run/consul.sock", "unix:/PATH"),
            ("unix:", "absolute path"), ("unix:consul.sock", "absolute path"),
            ("unix:/a\0b", "NUL"),
        ])
    func refused(text: String, says: String) {
        do throws(TargetError) {
            let target = try Target(text)
            Issue.record("\(text) was read as \(target)")
        } catch {
            #expect(error.description.contains(says), "\(error)")
        }
    }

    @Test("a path of exactly the kernel's limit is accepted, and a longer one is not")
    func limit() throws {
        let longest = "unix:/" + String(repeating: "a", count: 106)
        #expect(try Target(longest).description == longest)
        #expect(throws: TargetError.self) { try Target(longest + "a") }
    }
}
