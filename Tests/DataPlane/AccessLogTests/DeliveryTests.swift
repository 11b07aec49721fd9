// Goal: every line arrives whole and in order, through a rotation and to the end; a reader that is
// too slow costs lines, which are counted, and never a worker's time. Method: real files and pipes;
// a pipe without a reader.

import AccessLog
import Endpoints
import Events
import Glibc
import HTTP1
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct DeliveryTests {
    private func write(_ count: Int, from start: Int = 0, to sink: AccessLogSink) {
        for number in start..<start + count {
            var entry = AccessEntry(.tcp, "--")
            entry.bytesIn = number
            sink.write(
                entry, LoggedText(), client: .v4(1), listener: [0x6C], service: [0x73], backend: [])
        }
    }

    /// The `bytes_in` of every line.
    private func numbers(_ bytes: [UInt8]) -> [Int] {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { line in
            guard line.hasPrefix("{"), line.hasSuffix("}"),
                let range = line.firstRange(of: "\"bytes_in\":")
            else { return nil }
            return Int(line[range.upperBound...].prefix { $0.isNumber })
        }
    }

    @Test("every line of every worker arrives, each worker's in order")
    func lossless() throws {
        let file = try TemporaryLog()
        let log = try AccessLog(.file(file.path), .json, workers: 2)
        let counters = [AccessLogCounters(), AccessLogCounters()]
        let count = 20_000
        let ready = Gate()
        try startThread {
            let sink = AccessLogSink(log, counters[1])
            write(count, from: count, to: sink)
            sink.finish()
            ready.open()
        }
        let sink = AccessLogSink(log, counters[0])
        write(count, to: sink)
        sink.finish()
        ready.wait()
        log.stop(within: .seconds(30))
        let all = numbers(try file.bytes())
        let dropped = counters.reduce(0) { $0 + $1.dropped.current }
        #expect(all.count + dropped == 2 * count)
        #expect(counters.reduce(0) { $0 + $1.lines.current } == all.count)
        for worker in 0..<2 {
            let own = all.filter { $0 / count == worker }
            #expect(own == own.sorted())
        }
        #expect(log.writeErrors == 0)
    }

    @Test("lines go to a renamed file until it is reopened; none is lost")
    func rotation() throws {
        let file = try TemporaryLog()
        let log = try AccessLog(.file(file.path), .json, workers: 1)
        let sink = AccessLogSink(log, AccessLogCounters())
        write(10, to: sink)
        sink.flush()
        try waitUntil("the first lines are there") {
            (try? numbers(file.bytes()).count) == 10
        }
        file.rotate()
        try log.reopen()
        write(10, from: 10, to: sink)
        sink.finish()
        log.stop(within: .seconds(30))
        #expect(numbers(try file.bytes(rotated: true)) + numbers(try file.bytes()) == Array(0..<20))
        #expect(!numbers(try file.bytes()).isEmpty)
    }

    @Test("a pipe that nobody reads costs lines, not time; whole lines come once it is read")
    func blockedPipe() throws {
        let file = try TemporaryLog()
        guard unsafe mkfifo(file.path, 0o600) == 0 else { throw TestSupportError.system("mkfifo") }
        let reader = unsafe open(file.path, O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        let log = try AccessLog(.file(file.path), .json, workers: 1)
        let counters = AccessLogCounters()
        let sink = AccessLogSink(log, counters)
        // Many more than the pipe and all buffers hold.
        write(20_000, to: sink)
        #expect(counters.dropped.current > 0)
        sink.finish()
        _ = fcntl(reader, F_SETFL, 0)
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while numbers(all).count < counters.lines.current {
            // The kernel writes at most `count` bytes into the array.
            let count = unsafe read(reader, &chunk, chunk.count)
            guard count > 0 else { break }
            all += chunk[..<count]
        }
        log.stop(within: .seconds(30))
        // Lines are whole and in order; where the gap is depends on when the writer's thread ran.
        let got = numbers(all)
        #expect(got.count == counters.lines.current)
        #expect(zip(got, got.dropFirst()).allSatisfy { $0 < $1 })
        #expect(counters.lines.current + counters.dropped.current == 20_000)
    }

    @Test("a file that can't be opened is an error, at first and when it is reopened")
    func unopenable() throws {
        #expect(throws: Errno(rawValue: ENOENT)) {
            _ = try AccessLog(.file("/nonexistent/directory/log"), .json, workers: 1)
        }
        // A pipe without a reader can't be opened for a log.
        let file = try TemporaryLog()
        guard unsafe mkfifo(file.path, 0o600) == 0 else { throw TestSupportError.system("mkfifo") }
        #expect(throws: Errno(rawValue: ENXIO)) {
            _ = try AccessLog(.file(file.path), .json, workers: 1)
        }
    }

    @Test("a write to a full disk is counted, and later lines are written")
    func fullDisk() throws {
        let log = try AccessLog(.file("/dev/full"), .json, workers: 1)
        let sink = AccessLogSink(log, AccessLogCounters())
        write(3, to: sink)
        sink.flush()
        try waitUntil("the failure is counted") { log.writeErrors == 1 }
        #expect(log.lostLines == 3)
        write(2, to: sink)
        sink.finish()
        log.stop(within: .seconds(30))
        #expect(log.lostLines == 5)
    }
}
