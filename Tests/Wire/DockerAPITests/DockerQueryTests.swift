// Goal: what a service wants of an engine is read as it is written, or refused with what was
// expected. Method: tables of texts.

import DockerAPI
import Testing

@Suite struct DockerQueryTests {
    @Test(arguments: [
        "web", "web?network=front", "web?port=8080", "?label=a", "?label=a=b&label=c",
        "shop-web.api_1?label=a=b=c&network=front&port=1",
    ])
    func `queries are read as they are written`(text: String) throws {
        #expect(try DockerQuery(text).description == text)
    }

    @Test(arguments: [
        "", "?", "?network=front", "a b", "web?port=0", "web?port=x", "web?network=", "web?x=1",
        "web?port=1&port=2", "web?label==x", "web?network=a/b", "../x",
    ])
    func `queries that make no sense are refused`(text: String) {
        #expect(throws: DockerQueryError.self) { try DockerQuery(text) }
    }
}
