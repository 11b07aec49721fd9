// Goal: code is released, and nothing else. Method: the kernel's description of mappings as a
// process has it, and this process's own.

import Machine
import Testing

@Suite struct ProgramMemoryTests {
    private func mapping(_ head: String, anonymous: Int) -> String {
        """
        \(head)
        Size:               1048 kB
        Rss:                 900 kB
        Referenced:          900 kB
        Anonymous:         \(anonymous) kB
        AnonHugePages:         0 kB
        VmFlags: rd ex mr mw me sd

        """
    }

    @Test("code that is as its file has it, and nothing that was or could be written to")
    func mappings() {
        let program = "fe:00 1234                       /usr/bin/fairlead"
        let mappings = [
            mapping("55ab8d676000-55ab8d973000 r--p 00000000 \(program)", anonymous: 0),
            mapping("55ab8d973000-55ab8e56f000 r-xp 002fc000 \(program)", anonymous: 0),
            mapping("55ab8e56f000-55ab8e5e2000 r--p 00ef7000 \(program)", anonymous: 460),
            mapping("55ab8e5e2000-55ab8e81b000 rw-p 00f69000 \(program)", anonymous: 1024),
            mapping("55abb6fa1000-55abb7060000 rw-p 00000000 00:00 0    [heap]", anonymous: 700),
            mapping("7fead4444000-7fead459a000 r-xp 00026000 fe:00 9 /lib/libc.so.6", anonymous: 0),
            mapping("7fead45a0000-7fead45b0000 r-xp 00026000 fe:00 9 /lib/probed.so", anonymous: 4),
            mapping("7fead45ed000-7fead45ee000 rwxp 001cf000 fe:00 9 /lib/odd.so", anonymous: 0),
            mapping("7fead4600000-7fead4601000 r-xp 00000000 00:00 0", anonymous: 0),
            mapping("7ffc5a0f1000-7ffc5a0f3000 r-xp 00000000 00:00 0 [vdso]", anonymous: 0),
            mapping("nonsense r-xp 00000000 fe:00 99 /x", anonymous: 0),
            mapping("7fead4602000-7fead4601000 r-xp 00000000 fe:00 99 /x", anonymous: 0),
            "7fead4700000-7fead4701000 r-xp 00000000 fe:00 99 /cut/short\n",
        ]
        #expect(
            ProgramMemory.untouchedCode(in: mappings.joined()) == [
                0x55ab_8d97_3000..<0x55ab_8e56_f000, 0x7fea_d444_4000..<0x7fea_d459_a000,
            ])
        #expect(ProgramMemory.untouchedCode(in: "").isEmpty)
    }

    @Test("code that was released runs again")
    func goesOn() {
        for _ in 0..<3 {
            ProgramMemory.releaseCode()
            #expect((1...100).map { "\($0)" }.joined().count == 192)
        }
    }
}
