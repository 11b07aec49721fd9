// Goal: while files change, a certificate in use goes only when it has a good successor, or when
// its files are gone and others are left. Method: a folder with two pairs, changed as people and
// programs do it, half-way as well.

import CertificateFiles
import TLS
import Testing

@Suite struct MergeTests {
    /// What is in use, and wrong, after `script` has changed a folder with `web` and `api`.
    private func after(_ script: String) throws -> (pairs: [String], troubles: [String]) {
        let layouts = try Layouts()
        try layouts.run(
            """
            mkdir dir && for i in web api
            do (cd make; chain $i) >dir/$i.crt; cp make/$i.key dir; done
            """)
        let before = layouts.read("dir").found
        #expect(before.count == 2)
        try layouts.run(script)
        let merged = layouts.read("dir", known: before)
            .keeping(CertificateReading(found: before), exists: FolderListing.exists)
        return (
            layouts.pairs(merged).map { String($0.split(separator: " ").last ?? "") },
            layouts.troubles(merged)
        )
    }

    @Test(arguments: [
        ("true", ["api.test", "web.test"], 0),
        ("rm dir/api.*", ["web.test"], 0),
        // Half of a renewal, in each order.
        ("cd make && issue api api.test && cp api.key ../dir", ["api.test", "web.test"], 1),
        (
            "cd make && issue api api.test && chain api >../dir/api.crt", ["api.test", "web.test"],
            1
        ),
        ("rm dir/api.key", ["api.test", "web.test"], 1),
        ("rm dir/api.crt", ["api.test", "web.test"], 1),
        (": >dir/api.crt", ["api.test", "web.test"], 1),
        ("truncate -s 100 dir/api.key", ["api.test", "web.test"], 1),
        ("truncate -s 900 dir/api.crt", ["api.test", "web.test"], 1),
        // All at once, by a name that is new as well.
        ("mv dir/api.crt dir/zzz.crt", ["web.test", "api.test"], 0),
        (
            "cd make && issue api new.test && cp api.key ../dir && chain api >../dir/api.crt",
            ["new.test", "web.test"], 0
        ),
        ("rm dir/*", ["api.test", "web.test"], 1),
        ("rm -r dir", ["api.test", "web.test"], 1),
    ])
    func changed(script: String, names: [String], troubles: Int) throws {
        let after = try after(script)
        #expect(after.pairs == names)
        #expect(after.troubles.count == troubles, "\(after.troubles)")
    }

    @Test func `a pair that is the same is not read as another one`() throws {
        let layouts = try Layouts()
        try layouts.run("(cd make; chain web; cat web.key) >web.pem")
        let source = CertificateSource.path(layouts.path("web.pem"))
        let digest = CertificateReader.digest(of: source)
        #expect(CertificateReader.digest(of: source) == digest)
        try layouts.run("touch web.pem")
        #expect(CertificateReader.digest(of: source) == digest)
        try layouts.run("echo >>web.pem")
        #expect(CertificateReader.digest(of: source) != digest)
    }
}
