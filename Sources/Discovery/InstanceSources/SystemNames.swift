// SystemNames: what this machine says about names and nameservers: /etc/hosts and resolv.conf, read
// again when they have changed. Docker writes into them, DHCP and Kubernetes replace them by
// renaming; the watch sees both. While a file can't be read, what it said last stands.

package import DNSClient
internal import Documents
package import Events
internal import Glibc

/// The machine's own files about names. Control thread only.
package final class SystemNames {
    /// Where they are.
    package struct Paths: Equatable, Sendable {
        /// hosts(5).
        package var hosts = "/etc/hosts"
        /// resolv.conf(5).
        package var resolvConf: String

        /// The hosts file where every machine has it, and a resolv.conf.
        package init(resolvConf: String) {
            self.resolvConf = resolvConf
        }
    }

    /// What resolv.conf says now.
    package private(set) var resolvConf = ResolvConf()
    /// Why resolv.conf could not be read at first, with its path; nil when it could.
    package private(set) var failure: String?
    /// What is not known of the hosts file, and why, with its path: it can't be read, or is too
    /// long. Nil when all of it is known, when there is none, and before a host is looked up.
    package private(set) var hostsTrouble: String?
    private let paths: Paths
    private let loop: EventLoop
    /// Block lists, as people keep them there, have some megabytes.
    private static let hostsBytesMax = 16 << 20
    /// Nil until a host is looked up: most configurations name none.
    private var hosts: HostsFile?
    private var watches: [FileWatch] = []
    private var onChange: () -> Void = {}

    /// Reads resolv.conf once; the files are read again from `watch` on.
    package init(_ paths: Paths, on loop: EventLoop) {
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
    /// `onChange` when they say something else, or `hostsTrouble` does. Until `stop`.
    package func watch(onChange: @escaping () -> Void) {
        self.onChange = onChange
        watches = [
            FileWatch(path: paths.resolvConf, settles: true, on: loop) { [unowned self] in
                readResolvConf()
            },
            FileWatch(path: paths.hosts, settles: true, on: loop) { [unowned self] in
                guard let before = hosts else { return }
                let trouble = hostsTrouble
                if readHosts() != before || hostsTrouble != trouble { self.onChange() }
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
        do throws(FileTextError) {
            let read = HostsFile(
                try NamedText.read(path: paths.hosts, bytesMax: Self.hostsBytesMax).text)
            hostsTrouble =
                read.isCut
                ? "\(paths.hosts): names behind the first \(HostsFile.namesMax) are left out" : nil
            hosts = read
            return read
        } catch {
            // A machine without the file has no such names.
            let exists = unsafe access(paths.hosts, F_OK) == 0
            hostsTrouble = exists ? "\(paths.hosts): \(error.text)" : nil
            let known = hosts ?? HostsFile()
            hosts = known
            return known
        }
    }
}
