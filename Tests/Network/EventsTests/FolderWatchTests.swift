// Goal: a change of a name that counts is told, in any way that files change, and no other. Method:
// a folder, changed by the calls that programs make.

import Events
import Glibc
import TestSupport
import Testing

@Suite struct FolderWatchTests {
    /// A new folder.
    private func folder() throws -> String {
        var template = Array("/tmp/fairlead-watch-XXXXXX".utf8CString)
        // mkdtemp replaces the six Xs in place and keeps the length.
        let made = unsafe template.withUnsafeMutableBufferPointer { buffer in
            unsafe buffer.baseAddress.map { unsafe mkdtemp($0) != nil } ?? false
        }
        #expect(made)
        return String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    @Test func `changes of what is watched are told`() throws {
        let folder = try folder()
        defer { _ = unsafe system("rm -rf '\(folder)'") }
        let loop = EventLoop()
        var told = 0
        let watch = try FolderWatch(on: loop) { told += 1 }
        defer { watch.close() }
        func tells(_ command: String) throws -> Bool {
            told = 0
            #expect(unsafe system("cd '\(folder)' && \(command)") == 0)
            // Events are there when the command has ended.
            loop.turn(for: .milliseconds(20))
            return told > 0
        }
        #expect(watch.watch([folder: .these(["a", "sub"]), "/nowhere": .all]) == nil)
        #expect(try tells("echo 1 >a"))
        #expect(try !tells("echo 1 >b"))
        #expect(try !tells("cat a >/dev/null"))
        #expect(try tells("mv b a"))
        #expect(try tells("chmod 600 a"))
        #expect(try tells("ln -s b c && mv -T c a"))
        #expect(try tells("rm a"))
        #expect(try tells("mkdir sub"))
        #expect(try !tells("touch sub/a"))
        #expect(watch.watch(["\(folder)/sub": .all]) == nil)
        #expect(try !tells("touch a"))
        #expect(try tells("touch sub/x"))
        // A folder in the place of another is another one, until it is watched again.
        #expect(try tells("mv sub old && mkdir sub"))
        #expect(try !tells("touch sub/y"))
        #expect(watch.watch(["\(folder)/sub": .all]) == nil)
        #expect(try tells("touch sub/z"))
    }
}
