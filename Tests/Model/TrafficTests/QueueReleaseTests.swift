// Goal: requests that waited go to new backends at a pace that their answers set. Method: a release
// counted by hand, and one against backends that answer at once.

import Testing
import Traffic

@Suite struct QueueReleaseTests {
    private func count(_ release: inout QueueRelease, answered: Int) -> Int {
        var count = 0
        while release.allowsMore(answered: answered) {
            release.countReleased()
            count += 1
        }
        return count
    }

    @Test func `each backend gets a few at first, and each answer makes room for two`() {
        var release = QueueRelease(to: 3, perBackend: 8, answered: 1000)
        #expect(count(&release, answered: 1000) == 24)
        #expect(count(&release, answered: 1000) == 0)
        #expect(count(&release, answered: 1001) == 2)
        #expect(count(&release, answered: 1024) == 46)
        #expect(!release.allowsMore(answered: 1024))
    }

    @Test func `without a backend none goes, and a count that falls takes nothing back`() {
        #expect(!QueueRelease(to: 0, perBackend: 8, answered: 0).allowsMore(answered: 0))
        var release = QueueRelease(to: 1, perBackend: 1, answered: 50)
        #expect(count(&release, answered: 20) == 1)
        #expect(count(&release, answered: 51) == 2)
    }

    @Test func `where all are answered between two looks, the number doubles`() {
        var release = QueueRelease(to: 1, perBackend: 8, answered: 0)
        var answered = 0
        var batches: [Int] = []
        while answered < 1000 {
            batches.append(count(&release, answered: answered))
            answered += batches.last ?? 0
        }
        #expect(batches == [8, 16, 32, 64, 128, 256, 512])
    }
}
