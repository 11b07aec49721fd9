// A machine's /etc as one program sees it: its own hosts and resolv.conf, replaced as Docker, DHCP
// and Kubernetes replace them. The program runs in a mount namespace of its own, in which the
// folder of the test lies over /etc.

internal import DNSWire
internal import Endpoints
internal import Glibc

/// Names as a program under test is to find them. Needs root.
final class OwnNames: Sendable {
    /// Whether this user may make a mount namespace.
    static var isPossible: Bool { geteuid() == 0 }

    /// A nameserver's address for this test alone, since resolv.conf knows port 53 only.
    let nameServer: Endpoint
    private let folder: TemporaryFolder

    /// `hosts` and `resolvConf` are the text of the files; `NS` in the latter is `nameServer`.
    init(hosts: String, resolvConf: String) throws {
        folder = try TemporaryFolder()
        let bits = UInt32.random(in: 2...0xfffe)
        nameServer = Endpoint(.v4(0x7f4d_0000 + bits), 53)
        guard unsafe mkdir(folder.path("etc"), 0o755) == 0 else { throw FlowError.system("mkdir") }
        try writeHosts(hosts)
        try replaceResolvConf(resolvConf)
    }

    /// The command that runs `program` so.
    func command(_ program: [String]) -> [String] {
        let mount = "mount --bind \(folder.path("etc")) /etc && exec \"$@\""
        return ["unshare", "-m", "--propagation", "private", "sh", "-c", mount, "sh"] + program
    }

    /// Writes the file in place, as Docker does.
    func writeHosts(_ text: String) throws {
        try folder.write(text, to: "etc/hosts", mode: 0o644)
    }

    /// Replaces the file by renaming, as DHCP clients and Kubernetes do.
    func replaceResolvConf(_ text: String) throws {
        let text = text.replacing("NS", with: "\(nameServer.address)")
        try folder.write(text, to: "etc/resolv.conf.new", mode: 0o644)
        guard
            unsafe rename(folder.path("etc/resolv.conf.new"), folder.path("etc/resolv.conf")) == 0
        else { throw FlowError.system("rename") }
    }
}

extension LyingNameServer {
    /// One address, and no IPv6.
    static func address(_ address: IPAddress, timeToLive: UInt32 = 1) -> Answer {
        { query, _ in
            var reply = query.reply()
            if let question = query.question, question.type == .a {
                reply.answers = [
                    ResourceRecord(question.name, ttlSeconds: timeToLive, .address(address))
                ]
            }
            return reply
        }
    }
}
