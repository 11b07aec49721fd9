// Mailbox: the one way for another thread to reach a loop.

internal import CLinux
internal import Glibc
internal import Locking

/// Messages from any thread to one loop, in order per sender. Sendable: senders hold the mailbox,
/// the receiving loop opens it with `MailboxReader`.
package final class Mailbox<Message: Sendable>: Sendable {
    private let waiting = Locked<[Message]>([])
    // An eventfd: any number of posts before the reader wakes are one readiness.
    fileprivate let wakeup: Descriptor

    /// An empty mailbox.
    ///
    /// - Throws: `Errno` when the process has no descriptor left.
    package init() throws(Errno) {
        let number = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        guard number >= 0 else { throw .current }
        wakeup = Descriptor(number: number)
    }

    deinit {
        wakeup.close()
    }

    /// Leaves `message` and wakes the reader. Any thread.
    package func post(_ message: Message) {
        waiting.withLock { $0.append(message) }
        // Fails only when the counter is full, and then the reader is being woken anyway.
        _ = eventfd_write(wakeup.number, 1)
    }

    fileprivate func takeAll() -> [Message] {
        waiting.withLock { messages in
            defer { messages = [] }
            return messages
        }
    }
}

/// Hands a mailbox's messages to a closure on the loop's thread.
package final class MailboxReader<Message: Sendable>: Channel {
    private let mailbox: Mailbox<Message>
    private let receive: (Message) -> Void

    /// Reads `mailbox` on `loop` until `close()`; a mailbox has one reader.
    ///
    /// - Throws: `Errno` when the process has no descriptor left.
    package init(
        _ mailbox: Mailbox<Message>, on loop: EventLoop, receive: @escaping (Message) -> Void
    ) throws(Errno) {
        self.mailbox = mailbox
        self.receive = receive
        // A duplicate, since a channel closes what it owns and senders may still post.
        let number = fcntl(mailbox.wakeup.number, F_DUPFD_CLOEXEC, 0)
        guard number >= 0 else { throw .current }
        super.init(Descriptor(number: number), on: loop)
        startReading()
    }

    public override func onReadable() {
        var count: eventfd_t = 0
        // Cleared before the messages are taken: one posted in between wakes the loop again.
        unsafe _ = eventfd_read(descriptor.number, &count)
        for message in mailbox.takeAll() { receive(message) }
    }
}
