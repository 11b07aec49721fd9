// Goal: answers that never are whole are known for that, and what they name together is believed;
// what only looks like them is not. Method: rows of answers, without a server.

import InstanceSources
import Random
import TestSupport
import Testing

@Suite struct RotatingSetTests {
    @Test(
        "eight at random of more are known within ten answers, and gathered",
        arguments: [9, 10, 12, 20, 50, 100])
    func cloudMap(count: Int) {
        var random = SplitMix64(seed: 7)
        var set = RotatingSet<Int>()
        var known: Int?
        for number in 1...400 {
            let named = Array((0..<count).shuffled(using: &random).prefix(8))
            let believed = set.add(named, size: 8, isPart: false)
            #expect(Set(believed).isSuperset(of: named))
            if set.isRotating, known == nil { known = number }
        }
        #expect((known ?? .max) <= (count == 9 ? 25 : 10), "after \(known ?? 0) answers")
        #expect(set.members.count == count)
        // All of them are believed all the time once they are known.
        var changes = 0
        for _ in 0..<200 {
            let before = Set(set.members)
            let named = Array((0..<count).shuffled(using: &random).prefix(8))
            if Set(set.add(named, size: 8, isPart: false)) != before { changes += 1 }
        }
        #expect(changes == 0)
    }

    @Test("three that are named again and again are all there is, though they look like a part")
    func sameParts() {
        // Three pods behind a nameserver without TCP, all replaced by three others.
        var set = RotatingSet<Int>()
        for _ in 1...20 { _ = set.add([1, 2, 3], size: 3, isPart: true) }
        var answers = 0
        while set.members != [4, 5, 6], answers < 100 {
            answers += 1
            _ = set.add([4, 5, 6], size: 3, isPart: true)
        }
        #expect(answers == 6)
        // A server that picks three of four at random is believed in what it named together.
        var random = SplitMix64(seed: 3)
        var part = RotatingSet<Int>()
        var lost = 0
        for number in 1...2000 {
            let named = Array((0..<4).shuffled(using: &random).prefix(3))
            let believed = part.add(named, size: 3, isPart: true)
            if number > 20, believed.count < 4 { lost += 1 }
        }
        #expect(lost < 20, "\(lost) of 2000")
    }

    @Test("a repeated answer is taken in no time, with the result that reading it would have")
    func repeated() {
        var random = SplitMix64(seed: 11)
        for _ in 0..<50 {
            var whole = RotatingSet<Int>()
            var quick = RotatingSet<Int>()
            var last: [Int] = []
            for _ in 0..<120 {
                let isRepeated = !last.isEmpty && Int.random(in: 0..<3, using: &random) > 0
                if !isRepeated {
                    last = Array((0..<12).shuffled(using: &random).prefix(4))
                }
                let believed = whole.add(last, size: 4, isPart: false)
                if isRepeated, quick.addAgain() {
                    #expect(quick.members == believed)
                } else {
                    #expect(quick.add(last, size: 4, isPart: false).count == believed.count)
                }
                #expect(quick.isRotating == whole.isRotating)
                #expect(Set(quick.members) == Set(whole.members))
            }
        }
    }

    @Test("one address of several in turn, or at random, is known too")
    func oneAtATime() {
        var set = RotatingSet<Int>()
        for number in 0..<12 { _ = set.add([number % 4], size: 1, isPart: false) }
        #expect(set.isRotating && Set(set.members) == [0, 1, 2, 3])
    }

    @Test("a member that is gone is dropped after so many answers, and others stay")
    func gone() {
        var random = SplitMix64(seed: 8)
        var set = RotatingSet<Int>()
        for _ in 0..<100 {
            _ = set.add(Array((0..<12).shuffled(using: &random).prefix(8)), size: 8, isPart: false)
        }
        let patience = set.patience
        #expect(patience == 20)
        for _ in 0...patience {
            _ = set.add(Array((1..<12).shuffled(using: &random).prefix(8)), size: 8, isPart: false)
        }
        #expect(Set(set.members) == Set(1..<12))
    }

    @Test("an answer of another size is whole, and ends it")
    func scaledDown() {
        var random = SplitMix64(seed: 9)
        var set = RotatingSet<Int>()
        for _ in 0..<40 {
            _ = set.add(Array((0..<12).shuffled(using: &random).prefix(8)), size: 8, isPart: false)
        }
        #expect(set.isRotating)
        #expect(set.add([1, 2, 3, 4, 5], size: 5, isPart: false) == [1, 2, 3, 4, 5])
        #expect(!set.isRotating)
        // A record that names nobody does not count as another size.
        var other = RotatingSet<Int>()
        for _ in 0..<40 {
            let named = (0..<12).shuffled(using: &random).prefix(8).filter { $0 != 3 }
            _ = other.add(Array(named), size: 8, isPart: false)
        }
        #expect(other.isRotating && other.members.count == 11)
    }

    @Test("a set that settles on eight is whole again once the others are dropped")
    func settles() {
        var random = SplitMix64(seed: 10)
        var set = RotatingSet<Int>()
        for _ in 0..<40 {
            _ = set.add(Array((0..<12).shuffled(using: &random).prefix(8)), size: 8, isPart: false)
        }
        for _ in 0..<40 { _ = set.add(Array(0..<8), size: 8, isPart: false) }
        #expect(!set.isRotating && Set(set.members) == Set(0..<8))
    }

    @Test(
        "no deploy looks like rotation: one by one, at once, rolled back, or with a restart"
    )
    func deploys() {
        var set = RotatingSet<Int>()
        func add(_ named: [Int]) {
            let believed = set.add(named, size: named.count, isPart: false)
            #expect(believed == named && !set.isRotating)
        }
        add(Array(0..<8))
        // One by one, each with a successor.
        for step in 1...8 { add(Array(step..<8) + (100..<(100 + step))) }
        // Blue/green, and back.
        add(Array(0..<8))
        add(Array(200..<208))
        // One that is down in turn, for its restart.
        set = RotatingSet<Int>()
        for number in 0..<9 { add((0..<9).filter { $0 != number }) }
        add(Array(0..<9))
    }

    @Test("changes that are far apart are no row, however often they come")
    func farApart() {
        var set = RotatingSet<Int>()
        for round in 0..<20 {
            for _ in 0..<15 {
                let base = round % 2 * 100
                #expect(set.add([base, base + 1, base + 2], size: 3, isPart: false).count == 3)
            }
        }
        #expect(!set.isRotating)
    }

    @Test("of parts what was believed before stays for a while, and not for good")
    func parts() {
        var set = RotatingSet<Int>()
        #expect(set.add([1, 2, 3, 4], size: 4, isPart: false).count == 4)
        #expect(set.add([1, 2], size: 2, isPart: false).count == 2)
        // What a whole answer has dropped does not come back by a part.
        #expect(set.add([1], size: 1, isPart: true) == [1, 2])
        for _ in 0..<40 { _ = set.add([1], size: 1, isPart: true) }
        #expect(set.members == [1])
    }
}
