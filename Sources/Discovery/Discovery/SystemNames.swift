// SystemNames: what this machine says about names and nameservers: /etc/hosts and resolv.conf, read
// again when they have changed. Docker writes into them, DHCP and Kubernetes replace them by renaming;
// the watch sees both. While a file can't be read, what it said last stands.

package import DNSClient
internal import Documents
package import Events

/// The machine's own files about names. Control thread only.
package final class SystemNames {
    /// Where they are.
    package struct Paths: Equatable, Sendable {
        /// hosts(5).
        package var hosts = "/etc/hosts"
        /// resolv.conf(5).
        package var resolvConf = "/etc/resolv.conf"

        /// Where every machine has them.
        package init() {}
    }

    /// What resolv.conf says now.
    package private(set) var resolvConf = ResolvConf()
    /// Why resolv.conf could not be read at first, with its path; nil when it could.
    package private(set) var failure: String?
    private let paths: Paths
    private let loop: EventLoop
    /// Nil until a host is looked up: most configurations name none.
    private var hosts: HostsFile?
    private var watches: [FileWatch] = []
    private var onChange: () -> Void = {}

    /// Reads resolv.conf, and nothing again before `watch`.
    package init(_ paths: Paths = Paths(), on loop: EventLoop) {
        self.paths = paths
        self.loop = loop
        do throws(FileTextError) {
            resolvConf = ResolvConf(try NamedText.read(path: paths.resolvConf).text)
        } catch {
            failure = "\(paths.resolvConf): \(error.text)"
        }
    }

    /// What stands between a written name and DNS now.
    package var rules: NameRules {
        var rules = NameRules()
        rules.search = resolvConf.search
        rules.hosts = hosts ?? readHosts()
        return rules
    }

    /// Reads the files whenever they have changed and have stood still for a second, and calls
    /// `onChange` when they say something else. Until `stop`.
    package func watch(onChange: @escaping () -> Void) {
        self.onChange = onChange
        watches = [
            FileWatch(path: paths.resolvConf, settles: true, on: loop) { [unowned self] in
                readResolvConf()
            },
            FileWatch(path: paths.hosts, settles: true, on: loop) { [unowned self] in
                if let before = hosts, readHosts() != before { self.onChange() }
            },
        ]
    }

    /// Looks no more.
    package func stop() {
        for watch in watches { watch.stop() }
        watches = []
    }

    private func readResolvConf() {
        guard let file = try? NamedText.read(path: paths.resolvConf) else { return }
        let new = ResolvConf(file.text)
        guard new != resolvConf else { return }
        resolvConf = new
        onChange()
    }

    @discardableResult
    private func readHosts() -> HostsFile {
        if let file = try? NamedText.read(path: paths.hosts) { hosts = HostsFile(file.text) }
        let read = hosts ?? HostsFile()
        hosts = read
        return read
    }
}
