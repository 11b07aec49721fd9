// The path of the program.

import Glibc
import Machine
import Testing

// Goal: an upgrade starts what lies at the path that the operator used, whatever form it had.
// Method: starts as shells, supervisors and execve(2) make them.
@Suite struct ProgramFileTests {
    private func candidates(
        _ executed: String?, called: String?, folder: String? = "/srv/app",
        searched: String? = nil
    ) -> [String] {
        var start = ProgramFile.Start()
        start.executed = executed
        start.called = called
        start.folder = folder
        start.searched = searched
        return ProgramFile.candidates(start)
    }

    @Test func `an absolute path is kept as it was given`() {
        let path = "/opt/fairlead/current/bin/fairlead"
        #expect(candidates(path, called: path) == [path, path])
        #expect(candidates(path, called: "fairlead: proxy").first == path)
    }

    @Test func `a relative path is one of the working directory at the start`() {
        #expect(candidates("./fairlead", called: "./fairlead").first == "/srv/app/fairlead")
        #expect(
            candidates("current/fairlead", called: nil) == ["/srv/app/current/fairlead"])
        #expect(candidates("../bin/fairlead", called: nil) == ["/srv/app/../bin/fairlead"])
        #expect(candidates("fairlead", called: nil, folder: "/") == ["/fairlead"])
    }

    @Test func `a bare name is looked for as a shell does, where no path is told`() {
        #expect(
            candidates(nil, called: "fairlead", searched: "/usr/local/bin::bin:/usr/bin")
                == [
                    "/usr/local/bin/fairlead", "/srv/app/fairlead", "/srv/app/bin/fairlead",
                    "/usr/bin/fairlead",
                ])
        #expect(candidates(nil, called: "fairlead") == ["/srv/app/fairlead"])
        #expect(candidates(nil, called: "") == [])
    }

    @Test func `the path of this process leads to its file`() throws {
        let path = try #require(ProgramFile.path(environment: [:]))
        #expect(path.hasPrefix("/"))
        var (named, own) = (stat(), stat())
        #expect(unsafe stat(path, &named) == 0 && stat("/proc/self/exe", &own) == 0)
        #expect(named.st_ino == own.st_ino && named.st_dev == own.st_dev)
    }
}
