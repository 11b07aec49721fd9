// FileSource: instances that something else writes into a file, which is watched (FileWatch.swift).
// A program that writes it should rename a complete file into its place. A file that is read half
// written is no list, and changes nothing until the next look.

package import Backends
package import DNSClient
package import DNSWire
internal import Documents
package import Events
package import Lookups

/// A source that reads a file and follows its changes. Control thread only.
package final class FileSource: Source {
    /// The file's path.
    package let summary: String
    private let path: String
    private let hosts: HostResolver
    private let refresh: RefreshSchedule.Options
    private let family: AddressFamily
    private unowned let loop: EventLoop
    private var watch: FileWatch?
    /// Entries of the file that make no sense.
    private var omissions = Omissions()
    private var listener: ((DiscoveryAnswer) -> Void)?
    /// The list that was read last; it resolves the names in it.
    private var list: StaticSource?

    /// A source that reads the file at `path`; names in it are looked up by `hosts`.
    package init(
        path: String, hosts: HostResolver, refresh: RefreshSchedule.Options, family: AddressFamily,
        on loop: EventLoop
    ) {
        self.path = path
        self.hosts = hosts
        self.refresh = refresh
        self.family = family
        self.loop = loop
        summary = "file \(path)"
    }

    /// The content of a file holds until it is written again.
    package var answersStand: Bool { true }

    /// Somebody who writes a file means what it says.
    package var isDeliberate: Bool { true }

    /// What is odd about the list that was read last.
    package var findings: SourceFindings {
        var findings = list?.findings ?? SourceFindings()
        var all = omissions
        all.add(findings.omissions)
        findings.omissions = all
        return findings
    }

    /// Reads the file before it returns, and whenever it has changed.
    package func start(reportingTo listener: @escaping (DiscoveryAnswer) -> Void) {
        self.listener = listener
        // Before it is read: a change in between is seen.
        watch = FileWatch(path: path, settles: false, on: loop) { [unowned self] in read() }
        read()
    }

    /// Looks no more.
    package func stop() {
        listener = nil
        watch?.stop()
        watch = nil
        list?.stop()
        list = nil
    }

    private func read() {
        let contents: FileTargets.Contents
        do {
            contents = try FileTargets.parse(NamedText.read(path: path))
        } catch let error as FileTextError {
            report(.failure(.malformed("\(path) \(error.text)")))
            return
        } catch {
            report(.failure(.malformed("\(path): \(error)")))
            return
        }
        list?.stop()
        list = nil
        omissions = contents.omissions
        let entries = contents.entries
        guard !entries.isEmpty else {
            report(.instances([]))
            return
        }
        let list = StaticSource(
            entries, hosts: hosts, refresh: refresh, family: family, on: loop)
        self.list = list
        list.start { [weak self] in self?.report($0) }
    }

    private func report(_ answer: DiscoveryAnswer) {
        listener?(answer)
    }
}
