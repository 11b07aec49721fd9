// Goal: every folder in which a change makes a path lead elsewhere is watched, and for no more
// names than that. Method: links as certbot and Kubernetes make them, loops, and paths to nothing.

import CertificateFiles
import Events
import Testing

@Suite struct WatchedPathsTests {
    @Test func `folders on the way, and on the way of each link`() throws {
        let layouts = try Layouts()
        try layouts.run(
            """
            mkdir -p k/..one && touch k/..one/tls.crt && ln -s ..one k/..data
            ln -s ..data/tls.crt k/tls.crt && mkdir far && ln -s ../k near && ln -s "$PWD/k" here
            """)
        var paths = WatchedPaths()
        paths.add(.files(chain: layouts.path("here/tls.crt"), key: "/nowhere/x", staple: "/s"))
        #expect(paths.folders[layouts.root] == .these(["here", "k"]))
        #expect(paths.folders[layouts.path("k")] == .these(["tls.crt", "..data", "..one"]))
        #expect(paths.folders[layouts.path("k/..one")] == .these(["tls.crt"]))
        #expect(paths.folders["/nowhere"] == .these(["x"]))
        #expect(paths.folders["/tmp"] == .these([String(layouts.root.dropFirst(5))]))
    }

    @Test func `a folder, its folders, and where their links lead`() throws {
        let layouts = try Layouts()
        try layouts.run(
            """
            mkdir -p live/a archive/a && touch archive/a/key1 live/README
            ln -s ../../archive/a/key1 live/a/key && ln -s loop live/loop
            """)
        var paths = WatchedPaths()
        paths.add(.path(layouts.path("live")))
        #expect(paths.folders[layouts.path("live")] == .all)
        #expect(paths.folders[layouts.path("live/a")] == .all)
        #expect(paths.folders[layouts.path("archive/a")] == .these(["key1"]))
        #expect(paths.folders[layouts.path("archive")] == .these(["a"]))
    }
}
