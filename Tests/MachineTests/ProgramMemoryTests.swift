// Goal: code is released, and nothing else. Method: the kernel's list of mappings as a process has it, and
// this process's own.

import Machine
import Testing

@Suite struct ProgramMemoryTests {
    @Test("code that is mapped from files, and nothing that could have been written to")
    func mappings() {
        let maps = """
            55ab8d676000-55ab8d973000 r--p 00000000 fe:00 1234                       /usr/bin/fairlead
            55ab8d973000-55ab8e56f000 r-xp 002fc000 fe:00 1234                       /usr/bin/fairlead
            55ab8e56f000-55ab8e5e2000 r--p 00ef7000 fe:00 1234                       /usr/bin/fairlead
            55ab8e5e2000-55ab8e81b000 rw-p 00f69000 fe:00 1234                       /usr/bin/fairlead
            55abb6fa1000-55abb7060000 rw-p 00000000 00:00 0                          [heap]
            7fead4444000-7fead459a000 r-xp 00026000 fe:00 99                         /usr/lib/libc.so.6
            7fead45ed000-7fead45ee000 rwxp 001cf000 fe:00 99                         /usr/lib/odd.so
            7fead4600000-7fead4601000 r-xp 00000000 00:00 0
            7ffc5a0f1000-7ffc5a0f3000 r-xp 00000000 00:00 0                          [vdso]
            nonsense r-xp 00000000 fe:00 99 /x
            7fead4602000-7fead4601000 r-xp 00000000 fe:00 99 /x

            """
        #expect(
            ProgramMemory.code(in: maps) == [
                0x55ab_8d97_3000..<0x55ab_8e56_f000, 0x7fea_d444_4000..<0x7fea_d459_a000,
            ])
        #expect(ProgramMemory.code(in: "").isEmpty)
    }

    @Test("what was released runs again")
    func goesOn() {
        for _ in 0..<3 {
            ProgramMemory.releaseCode()
            #expect((1...100).map { "\($0)" }.joined().count == 192)
        }
    }
}
