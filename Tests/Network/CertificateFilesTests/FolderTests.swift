// Goal: a folder's pairs are found whatever the layout, and what can't be used is told with its
// file. Method: layouts of the programs that people use, made by openssl, with their links.

import CertificateFiles
import TLS
import Testing

@Suite struct FolderTests {
    @Test(arguments: [
        // certbot: links to the newest of an archive, and a README.
        (
            """
            mkdir -p dir/live/web.test dir/archive/web.test && cd dir/archive/web.test
            cp ../../../make/web.key privkey3.pem && cp ../../../make/web.crt cert3.pem
            cp ../../../make/inter.crt chain3.pem && cat cert3.pem chain3.pem >fullchain3.pem
            cp ../../../make/api.key privkey2.pem && cd ../../live
            for i in privkey cert chain fullchain
            do ln -s ../../archive/web.test/${i}3.pem web.test/$i.pem; done
            echo "This directory contains your keys." >README
            """, "dir/live",
            ["dir/live/web.test/fullchain.pem dir/live/web.test/privkey.pem web.test"]
        ),
        // Kubernetes: a secret, with the root that issued what the client shows.
        (
            """
            mkdir -p dir/..2026_11_28 && cd dir/..2026_11_28
            (cd ../../make; chain web) >tls.crt && cp ../../make/web.key tls.key
            cp ../../make/root.crt ca.crt && cd .. && ln -s ..2026_11_28 ..data
            for i in tls.crt tls.key ca.crt; do ln -s ..data/$i $i; done
            """, "dir", ["dir/tls.crt dir/tls.key web.test"]
        ),
        // lego: the issuer by itself, and what it knows of the certificate.
        (
            """
            mkdir dir && for i in web api
            do (cd make; chain $i) >dir/$i.test.crt && cp make/$i.key dir/$i.test.key
            cp make/inter.crt dir/$i.test.issuer.crt && echo {} >dir/$i.test.json; done
            """, "dir",
            [
                "dir/api.test.crt dir/api.test.key api.test",
                "dir/web.test.crt dir/web.test.key web.test",
            ]
        ),
        // HAProxy: both in one file, or the key in a file beside it.
        (
            """
            mkdir dir && (cd make; chain web; cat web.key) >dir/web.pem
            (cd make; chain api) >dir/api.pem && cp make/api.key dir/api.pem.key
            """, "dir",
            ["dir/api.pem dir/api.pem.key api.test", "dir/web.pem dir/web.pem web.test"]
        ),
        // acme.sh: a folder of each name, with its configuration and request.
        (
            """
            mkdir -p dir/web.test_ecc && cd dir/web.test_ecc && cp ../../make/web.crt web.test.cer
            cp ../../make/web.key web.test.key && cp ../../make/inter.crt ca.cer
            cat web.test.cer ca.cer >fullchain.cer && cp ../../make/web.csr web.test.csr
            echo "Le_Domain=web.test" >web.test.conf
            """, "dir",
            ["dir/web.test_ecc/fullchain.cer dir/web.test_ecc/web.test.key web.test"]
        ),
        // An authority of one's own beside what it issued; a file of another kind; deeper folders.
        (
            """
            mkdir -p dir/a/b && cp make/root.crt make/root.key make/inter.key dir
            cp make/inter.crt dir/inter.crt && (cd make; chain web) >dir/web.crt
            cp make/web.key dir && head -c 3000 /dev/urandom >dir/random
            cp make/api.key dir/a/b && cp make/api.key dir/.hidden
            """, "dir", ["dir/web.crt dir/web.key web.test"]
        ),
        // A key that is kept at a renewal, with the certificate before it.
        (
            """
            mkdir dir && cd make && chain web >../dir/old.crt && cp web.key ../dir
            openssl x509 -req -in web.csr -CA inter.crt -CAkey inter.key -set_serial 9 -days 60 \
                -extfile web.ext -out web.crt && chain web >../dir/new.crt
            """, "dir", ["dir/new.crt dir/web.key web.test"]
        ),
    ])
    func layouts(script: String, folder: String, pairs: [String]) throws {
        let layouts = try Layouts()
        try layouts.run(script)
        let reading = layouts.read(folder)
        #expect(layouts.pairs(reading) == pairs)
        #expect(layouts.troubles(reading) == [])
    }

    @Test(arguments: [
        (
            "mkdir dir && cp make/web.key dir",
            "dir/web.key: no certificate in "
        ),
        (
            "mkdir dir && cp make/web.key make/web.crt make/inter.crt dir",
            "dir/web.crt: the certificate /CN=web stands alone, and its issuer, which is no root"
        ),
        (
            // A proof of a public log (RFC 6962) with nothing in it.
            """
            mkdir dir && cd make && issue log log.test 30 "1.3.6.1.4.1.11129.2.4.2=DER:04:00\\n"
            cp log.key log.crt ../dir
            """,
            "dir/log.crt: the certificate /CN=log stands alone, and clients can't verify it without"
        ),
        (
            "mkdir dir && (cd make; chain web | head -c 900) >dir/web.crt && cp make/web.key dir",
            "dir/web.crt: certificate 2 can't be read"
        ),
        (
            """
            mkdir dir && (cd make; chain web) >dir/web.crt
            openssl pkey -in make/web.key -aes256 -passout pass:x -out dir/web.key
            """,
            "dir/web.key: the key needs a passphrase"
        ),
        (
            "mkdir dir && (cd make; cat inter.crt web.crt) >dir/web.crt && cp make/web.key dir",
            "dir/web.key: no certificate in "
        ),
        (
            "mkdir dir && ln -s nowhere dir/web.pem",
            "dir/web.pem: cannot be read: No such file or directory"
        ),
        ("mkdir dir && echo hello >dir/README", "dir: found no certificate with its key"),
        (
            "mkdir dir && cd make && issue old old.test -1 && chain old >../dir/old.crt "
                + "&& cp old.key ../dir",
            "dir/old.crt: the certificate /CN=old has expired; renew it"
        ),
    ])
    func refused(script: String, trouble: String) throws {
        let layouts = try Layouts()
        try layouts.run(script)
        let reading = layouts.read("dir")
        #expect(layouts.pairs(reading) == [])
        let troubles = layouts.troubles(reading)
        #expect(troubles.count == 1 && troubles[0].hasPrefix(trouble), "\(troubles)")
    }

    @Test func `a broken pair beside good ones is told by itself`() throws {
        let layouts = try Layouts()
        try layouts.run(
            """
            mkdir dir && cp make/api.key dir/web.key && for i in web api
            do (cd make; chain $i) >dir/$i.crt; done && cp make/api.key dir/api.key
            """)
        let reading = layouts.read("dir")
        // The key is there twice: that beside the certificate by name is as good as the other.
        #expect(layouts.pairs(reading) == ["dir/api.crt dir/api.key api.test"])
        #expect(layouts.troubles(reading) == [])
    }

    @Test func `a certificate says who it is`() throws {
        let layouts = try Layouts()
        try layouts.run("(cd make; chain web; cat web.key) >web.pem")
        let found = layouts.read("web.pem").found.first?.certificate
        #expect(found?.subject == "/CN=web")
        #expect(found?.issuer == "/CN=inter")
        #expect(found?.keyName == "P-256")
        #expect(found?.chainCount == 2)
        #expect(found?.fingerprint.count == 64)
        let life = (found?.notAfter ?? 0) - (found?.notBefore ?? 0)
        #expect(life == 30 * 86_400)
    }
}
