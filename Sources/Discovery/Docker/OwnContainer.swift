// OwnContainer: whether this process runs in a container, and in which. Engines bind files of a
// container's own into it, from a folder that has its id in its name:
//
//     612 590 8:1 /var/lib/docker/containers/ID/resolv.conf /etc/resolv.conf rw,relatime - ext4 …

internal import DockerAPI

/// Finds the container that this process is in. Pure.
package enum OwnContainer {
    private static let boundFiles = ["/etc/resolv.conf", "/etc/hostname", "/etc/hosts"]

    /// The id in `mountinfo`, the text of /proc/self/mountinfo (proc(5)); nil for a process that is
    /// in no container of an engine, as far as that shows.
    package static func id(mountinfo: String) -> String? {
        for line in mountinfo.split(separator: "\n") {
            let fields = line.split(separator: " ", maxSplits: 5)
            guard fields.count > 5, boundFiles.contains(String(fields[4])) else { continue }
            let parts = fields[3].split(separator: "/")
            let place = parts.lastIndex { $0 == "containers" || $0 == "overlay-containers" }
            guard let place, place + 1 < parts.count else { continue }
            let id = String(parts[place + 1])
            if id.utf8.count == 64, ContainerID.isValid(id) { return id }
        }
        return nil
    }
}
