// Goal: a prefix that would be watched for nothing is refused in words. Method: tables of texts.

import ConsulQuery
import Testing

@Suite struct KeyPrefixTests {
    @Test(
        "a prefix is kept as it was written",
        arguments: ["fairlead/", "fairlead", "a/b c/", "a/..b", "%2F", "caf\u{e9}/"])
    func read(text: String) throws {
        #expect(try ConsulKeyPrefix(text).text == text)
    }

    @Test(
        "what keys can't begin with is refused",
        arguments: [
            ("", "empty"), ("/fairlead", "without a /"), ("a//b", "no //"), ("a/../b/", "no //"),
            ("./a", "no //"), ("a\n/", "control character"),
            (String(repeating: "a", count: 513), "at most 512"),
        ])
    func refused(text: String, says: String) {
        do throws(ConsulQueryError) {
            _ = try ConsulKeyPrefix(text)
            Issue.record("\(text.debugDescription) was taken")
        } catch {
            #expect(error.description.contains(says), "\(error)")
        }
    }
}
