// Goal: only what is asked for by a token is answered, and no path leads out of a folder.

import Glibc
import Routing
import Testing

@testable import Proxy

@Suite struct ChallengeAnswerTests {
    private func token(_ path: String) -> String? {
        ChallengeAnswers.token(of: Array(path.utf8).span)
    }

    @Test func `a path names a token, or is none of these`() {
        let folder = ChallengeAnswers.path
        #expect(token(folder + "abc-_09AZ") == "abc-_09AZ")
        #expect(token(folder + String(repeating: "a", count: 128))?.count == 128)
        for rest in [
            "", ".", "..", "../x", "a/b", "a.b", "a%2e", "a?b", "a b",
            String(repeating: "a", count: 129),
        ] {
            #expect(token(folder + rest) == nil, "\(rest)")
        }
        for path in ["", "/", "/.well-known/acme-challenge", "/.well-known/ACME-challenge/abc"] {
            #expect(token(path) == nil, "\(path)")
        }
    }

    @Test func `a file is read from the folder, and nothing else`() throws {
        let folder = "/tmp/challenges-\(getpid())"
        _ = unsafe mkdir(folder, 0o700)
        defer { _ = unsafe system("rm -r \(folder)") }
        #expect(
            unsafe system(
                """
                cd \(folder) && printf 'token.print\\n' >token && mkdir folder && mkfifo pipe \
                && : >empty && head -c 4097 /dev/zero >long
                """) == 0)
        var answers = ChallengeAnswers()
        #expect(!answers.isAsked)
        answers.folder = folder
        #expect(answers.isAsked)
        func body(_ token: String) -> String? {
            answers.answer(to: Array((ChallengeAnswers.path + token).utf8).span).map {
                String(decoding: $0.body, as: UTF8.self)
            }
        }
        #expect(body("token") == "token.print")
        for other in ["folder", "pipe", "empty", "long", "missing"] {
            #expect(body(other) == nil, "\(other)")
        }
        answers.files = ["missing": Array("ours".utf8)]
        #expect(body("missing") == "ours")
    }
}
