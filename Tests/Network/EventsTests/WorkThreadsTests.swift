// Goal: work that takes long is done beside the loops, in its order, no more of it waits than may,
// and a stop waits for what is being done alone. Method: work that ends when the test lets it.

import Events
import Locking
import TestSupport
import Testing

@Suite struct WorkThreadsTests {
    @Test("one thread does what waits in its order, and refuses what is too much")
    func order() throws {
        let threads = WorkThreads(name: "test", count: 1, waitingMax: 2)
        let (begun, gate) = (Gate(), Gate())
        let done = Locked<[Int]>([])
        #expect(
            threads.submit {
                begun.open()
                gate.wait()
                done.withLock { $0.append(0) }
            })
        begun.wait()
        #expect(threads.submit { done.withLock { $0.append(1) } })
        #expect(threads.submit { done.withLock { $0.append(2) } })
        #expect(!threads.submit { done.withLock { $0.append(3) } })
        gate.open()
        try waitUntil("all is done") { done.withLock { $0.count } == 3 }
        #expect(done.withLock { $0 } == [0, 1, 2])
        #expect(threads.submit { done.withLock { $0.append(4) } })
        try waitUntil("it goes on") { done.withLock { $0.last } == 4 }
        threads.stop()
        #expect(!threads.submit {})
    }

    @Test("several threads work at the same time")
    func several() throws {
        let threads = WorkThreads(name: "test", count: 3, waitingMax: 9)
        let gates = (0..<3).map { _ in Gate() }
        for number in 0..<3 {
            #expect(
                threads.submit {
                    gates[number].open()
                    for gate in gates { gate.wait() }
                })
        }
        try waitUntil("they are at it together") { gates.allSatisfy(\.isOpen) }
        threads.stop()
    }

    @Test("a stop drops what waits; without work there is nothing to stop")
    func stop() throws {
        WorkThreads(name: "test", count: 2, waitingMax: 1).stop()
        let threads = WorkThreads(name: "test", count: 1, waitingMax: 5)
        let (begun, gate) = (Gate(), Gate())
        let done = Locked(0)
        _ = threads.submit {
            begun.open()
            gate.wait()
            done.withLock { $0 += 1 }
        }
        begun.wait()
        for _ in 0..<3 { _ = threads.submit { done.withLock { $0 += 1 } } }
        // Opened when the stop has begun, or soon before: either way it has to end.
        try startThread { gate.open() }
        threads.stop()
        #expect((1...4).contains(done.withLock { $0 }))
    }
}
