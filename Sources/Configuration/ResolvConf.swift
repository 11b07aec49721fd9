// resolv.conf(5): only its nameservers. The rest of it (search, options) is about names without
// dots and about libc's resolver, neither of which is ours.

package import Documents
package import Endpoints

/// Reading of resolv.conf.
package enum ResolvConf {
    /// libc's own limit (MAXNS): what stands after the third line has never been used by anyone.
    private static let serversMax = 3

    /// The first three nameservers of `text`, on port 53; lines that name none are skipped, as libc
    /// does. Without any it is this machine's own, 127.0.0.1, as resolv.conf(5) says. An address
    /// with a zone (`fe80::1%eth0`) is skipped.
    package static func nameservers(in text: String) -> [Endpoint] {
        var servers: [Endpoint] = []
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) where servers.count < serversMax
        {
            let words = line.split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }
            // Indented lines are not read by libc either.
            guard words.count >= 2, words[0].elementsEqual("nameserver".utf8),
                words[0].startIndex == line.startIndex,
                let address = IPAddress(String(decoding: words[1], as: UTF8.self))
            else { continue }
            servers.append(Endpoint(address, 53))
        }
        return servers.isEmpty ? [Endpoint(.loopback, 53)] : servers
    }

    /// The nameservers of the file at `path`. Blocks; control thread only.
    /// - Throws: why it could not be read.
    package static func nameservers(path: String) throws(FileTextError) -> [Endpoint] {
        nameservers(in: try NamedText.read(path: path).text)
    }
}
