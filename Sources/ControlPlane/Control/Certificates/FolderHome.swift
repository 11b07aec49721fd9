// FolderHome: the store of certificates as a folder, which several Fairleads may have: on one
// machine, or by a network.

internal import Documents
internal import Glibc

/// A folder. Control thread only; every call blocks for as long as a disk does.
final class FolderHome: IssuedHome {
    let option = "acme.store"
    let advice = "make the folder writable for Fairlead"
    var onChange: () -> Void = {}
    private let path: String

    /// The folder at `path`, which may be missing.
    init(path: String) {
        self.path = path
    }

    func prepare() -> String? {
        for folder in [path, path + "/accounts", path + "/challenges"] {
            if let failure = Self.make(folder) { return failure }
        }
        return unsafe access(path, W_OK | X_OK) == 0 ? nil : WholeFile.reason(path)
    }

    /// Makes a folder for this user alone. Nil when it is there, else why not.
    private static func make(_ folder: String) -> String? {
        unsafe mkdir(folder, 0o700) == 0 || errno == EEXIST ? nil : WholeFile.reason(folder)
    }

    func place(of name: String) -> String { "\(path)/\(name)" }

    func read(_ name: String) -> [UInt8]? {
        (try? NamedText.read(path: place(of: name))).map { Array($0.text.utf8) }
    }

    /// Files can't be replaced together: one who reads between two of them finds what doesn't
    /// belong together, and looks again at the change of `changed`.
    func write(
        _ changes: [IssuedChange], under lock: any IssuedLock,
        completion: @escaping (String?) -> Void
    ) {
        for change in changes {
            if let failure = write(change) { return completion(failure) }
        }
        let names = changes.map { "\($0.name)\n" }.joined()
        completion(WholeFile.write(Array(names.utf8), to: place(of: "changed")))
    }

    private func write(_ change: IssuedChange) -> String? {
        let file = place(of: change.name)
        guard let bytes = change.bytes else {
            return unsafe unlink(file) == 0 || errno == ENOENT ? nil : WholeFile.reason(file)
        }
        if let end = file.lastIndex(of: "/"), let failure = Self.make(String(file[..<end])) {
            return failure
        }
        return WholeFile.write(bytes, to: file)
    }

    /// The names in a folder, without those of files that are being written.
    func names(in name: String) -> [String] {
        guard let folder = unsafe opendir(place(of: name)) else { return [] }
        defer { unsafe _ = closedir(folder) }
        var names: [String] = []
        // The entry is valid until the next call; its name ends in zero.
        while names.count < 1000, let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) {
                    unsafe String(cString: $0)
                }
            }
            if name.first != ".", !name.hasSuffix(".new") { names.append(name) }
        }
        return names.sorted()
    }

    var stamp: [Int] {
        ["challenges", "changed"].flatMap { name -> [Int] in
            var status = stat()
            // The kernel fills the record, or says that it did not.
            guard unsafe stat(place(of: name), &status) == 0 else { return [0] }
            return [
                Int(status.st_ino), status.st_mtim.tv_sec, status.st_mtim.tv_nsec,
            ]
        }
    }

    func lock(completion: @escaping (IssuedLocking) -> Void) {
        let descriptor = unsafe open(place(of: "lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            return completion(.failed(WholeFile.reason(place(of: "lock"))))
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            _ = close(descriptor)
            return completion(.taken)
        }
        completion(.got(FolderLock(descriptor)))
    }

    func stop() {}
}

/// The lock of the one that orders; the kernel unlocks it at the end of its process.
private final class FolderLock: IssuedLock {
    /// The kernel takes it from nobody.
    var onLost: (String) -> Void = { _ in }
    private var descriptor: CInt?

    init(_ descriptor: CInt) { self.descriptor = descriptor }

    deinit { release() }

    func release() {
        guard let held = descriptor else { return }
        descriptor = nil
        _ = close(held)
    }
}
