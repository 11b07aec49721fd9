// A Unix-domain socket that listens. Fairlead only connects to such, so this is the tests' own.

package import Events
internal import Glibc

/// A socket that listens at `path`, which is made for it, in the place of what was there. The
/// caller removes it again.
///
/// - Throws: `TestSupportError`: most often the path is too long, or its folder is not there.
package func listenAtUnixPath(_ path: String) throws -> Descriptor {
    unsafe unlink(path)
    let flags = SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
    let number = socket(AF_UNIX, Int32(bitPattern: flags), 0)
    guard number >= 0 else { throw TestSupportError.system("socket") }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { room in
        unsafe room.copyBytes(from: path.utf8)
    }
    // A sockaddr_un begins with the fields of sockaddr.
    let result = unsafe withUnsafePointer(to: address) { pointer in
        unsafe bind(
            number, UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self),
            socklen_t(MemoryLayout<sockaddr_un>.size))
    }
    guard result == 0, listen(number, 128) == 0 else { throw TestSupportError.system("bind") }
    return Descriptor(number: number)
}
