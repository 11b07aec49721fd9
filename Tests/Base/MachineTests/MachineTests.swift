// Goal: the limits of a container are seen as they are. Method: the kernel's files as several
// container engines leave them, from memory; and this machine's own.

import Glibc
import Machine
import Testing

@Suite struct ProcessorAllowanceTests {
    private func count(_ processors: Int, _ files: [String: String]) -> Int {
        ProcessorAllowance.count(processors: processors) { files[$0] }
    }

    @Test("without control groups, or without a quota, every processor counts")
    func none() {
        #expect(count(8, [:]) == 8)
        #expect(count(0, [:]) == 1)
        #expect(
            count(8, ["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "max 100000\n"])
                == 8)
    }

    @Test(
        "version 2: quota by period, a part of a processor being one",
        arguments: [
            ("200000 100000", 2), ("150000 100000", 2), ("10000 100000", 1), ("50000 50000", 1),
            ("900000 100000", 8), ("0 100000", 8), ("nonsense", 8), ("", 8),
        ])
    func unified(text: String, expected: Int) {
        #expect(
            count(8, ["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": text]) == expected)
    }

    @Test("the least quota of the groups above holds")
    func ancestors() {
        let files = [
            "/proc/self/cgroup": "0::/system.slice/fairlead.service\n",
            "/sys/fs/cgroup/system.slice/fairlead.service/cpu.max": "max 100000",
            "/sys/fs/cgroup/system.slice/cpu.max": "300000 100000",
        ]
        #expect(count(8, files) == 3)
    }

    @Test("version 1, by the path in the group and in a container's own view")
    func separate() {
        let docker = "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n0::/\n"
        let quota = ["cpu.cfs_quota_us": "250000\n", "cpu.cfs_period_us": "100000\n"]
        for folder in ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu/docker/abc"] {
            var files = ["/proc/self/cgroup": docker]
            for (name, text) in quota { files["\(folder)/\(name)"] = text }
            #expect(count(8, files) == 3)
        }
        let unlimited = [
            "/proc/self/cgroup": docker, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
            "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
        ]
        #expect(count(8, unlimited) == 8)
    }

    @Test("this machine has at least one processor, and descriptors")
    func machine() throws {
        #expect(ProcessorAllowance.count() >= 1)
        DescriptorLimit.raise()
        var limit = rlimit()
        #expect(unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
        #expect(limit.rlim_cur == limit.rlim_max)
        #expect(limit.rlim_cur >= 256)
    }

    @Test("there is no such user")
    func user() {
        #expect(throws: PrivilegeFailure.self) { try Privileges.become("nobody-of-this-name") }
    }
}
