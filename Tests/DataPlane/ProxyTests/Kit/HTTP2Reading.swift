// What both ends of HTTP/2 in tests read alike.

import HTTP1
import HTTP2

extension HTTP2Connection {
    /// The bytes of a header block, which came in `received` or was gathered.
    func bytes(of block: HTTP2Block, in received: [UInt8]) -> [UInt8] {
        switch block {
        case .received(let range): Array(received[range])
        case .gathered(let range): Array(gathered[range])
        }
    }
}

extension String {
    /// The text that `bytes` are.
    init(copying bytes: Span<UInt8>) {
        var copy: [UInt8] = []
        copy.append(bytes)
        self.init(decoding: copy, as: UTF8.self)
    }
}
