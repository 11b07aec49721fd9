// swift-tools-version: 6.2
import PackageDescription

/// Whether the fuzzers are built, and what they fuzz is instrumented for them: only when asked, by
/// `Tests/Fuzzers/run`, since nothing built so can be used for anything else.
let isFuzzing = Context.environment["FAIRLEAD_FUZZ"] == "1"
let instrumented = isFuzzing ? ["-sanitize=fuzzer,address"] : []

/// Every function in a section of its own, and none kept because a library might be asked for it: the linker
/// then leaves out what nobody calls, and keeps once what is the same (`small`): 18.5 MB become 17.3.
let separable: [SwiftSetting] = [
    .unsafeFlags(
        ["-Xfrontend", "-function-sections", "-Xfrontend", "-internalize-at-link"],
        .when(configuration: .release))
]

/// What every target of this package is compiled with.
let strict: [SwiftSetting] =
    separable + [
        .unsafeFlags(instrumented),
        .enableUpcomingFeature("ExistentialAny"),  // SE-0335: an existential is visible where it costs
        .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444: a file imports what it uses
        .enableUpcomingFeature("InternalImportsByDefault"),  // SE-0409: an import leaks only on purpose
        .strictMemorySafety(),  // SE-0458: every unsafe use is spelled `unsafe`
        .treatAllWarnings(as: .error),  // SE-0480
    ]

/// The same for modules whose classes are touched several times per request: dynamic exclusivity
/// checks cost a call per access in release builds (10.8 ns against 1.5 to 2.0 ns per bump of a
/// counter, Swift 6.3.1). Debug builds, which the tests run, keep them on.
let hot: [SwiftSetting] =
    strict + [
        .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))
    ]

/// The same for modules that run a few times a second at most: they are compiled to be small (17.3 MB
/// of program become 17.0).
let cold: [SwiftSetting] = strict + [.unsafeFlags(["-Osize"], .when(configuration: .release))]

/// For the program as it is shipped: the toolchain's own linker, and with it what nobody can reach is
/// left out, functions that are identical are kept once (nothing here compares their addresses), and
/// relocations are packed (glibc 2.36 and later read them). Nor has it tables for unwinding, 2.1 MB of
/// 17.3: nothing throws C++ exceptions, and traces and profilers follow the frame pointers.
let small: [LinkerSetting] = [
    .unsafeFlags(
        [
            "-use-ld=lld", "-Xlinker", "--gc-sections", "-Xlinker", "--no-export-dynamic",
            "-Xlinker",
            "--icf=all", "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs",
            "-Xlinker", "--no-eh-frame-hdr",
            "-Xlinker", "-T", "-Xlinker", "\(Context.packageDirectory)/Sources/fairlead/small.ld",
        ], .when(configuration: .release))
]

/// A module of `Sources`; `uses` is the whole list of modules it may import (README, "Modules").
func module(_ name: String, uses: [Target.Dependency] = [], settings: [SwiftSetting] = strict)
    -> Target
{
    .target(name: name, dependencies: uses, swiftSettings: settings)
}

/// The tests of one module.
func tests(_ name: String, uses: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(name)Tests",
        dependencies: [.init(stringLiteral: name)] + uses,
        swiftSettings: strict)
}

let package = Package(
    name: "fairlead",
    products: [
        .executable(name: "fairlead", targets: ["fairlead"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    ],
    targets: [
        // C libraries, from Debian.
        .systemLibrary(
            name: "CLibevent", pkgConfig: "libevent_core", providers: [.apt(["libevent-dev"])]),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CLibyaml", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),

        // Pure: bytes and values in, values out; no descriptor, no clock.
        module("Endpoints", settings: cold),
        module("Documents", uses: ["CLibyaml"], settings: cold),
        module("Locking"),
        module("WallClock", settings: cold),
        module("Wording", settings: cold),
        module("JSON", settings: cold),
        module("DNSWire", uses: ["Endpoints"], settings: cold),
        module("HTTP1", settings: hot),
        module("Backends", uses: ["Endpoints", "Wording"], settings: hot),
        module("Routing", uses: ["HTTP1", "Backends"], settings: hot),
        module("Balancing", uses: ["Backends", "Endpoints"], settings: hot),
        module("Stats", uses: ["Locking"], settings: hot),
        module("ConsulQuery", settings: cold),
        module(
            "Configuration", uses: ["Routing", "Documents", "JSON", "ConsulQuery", "Endpoints"],
            settings: cold),

        // The loop and what stands on it.
        module("Events", uses: ["CLibevent", "CLinux", "Endpoints", "Locking"], settings: hot),
        module("DNSClient", uses: ["Events", "DNSWire", "Endpoints"], settings: cold),
        module("HTTPClient", uses: ["Events", "HTTP1", "Endpoints"], settings: cold),
        module("HTTPServer", uses: ["WallClock", "Events", "HTTP1", "Endpoints"], settings: cold),
        module(
            "AccessLog",
            uses: ["WallClock", "Locking", "CLinux", "Events", "HTTP1", "Stats", "Endpoints"],
            settings: hot),
        module(
            "Discovery",
            uses: [
                "Documents", "JSON", "WallClock", "Locking", "Events", "DNSClient", "DNSWire",
                "Backends", "Endpoints",
            ],
            settings: cold),
        module(
            "Consul",
            uses: [
                "ConsulQuery", "JSON", "Events", "HTTPClient", "HTTP1", "Discovery", "DNSClient",
                "DNSWire", "Backends", "Endpoints",
            ], settings: cold),
        module(
            "Explain",
            uses: ["JSON", "DNSClient", "DNSWire", "Discovery", "Backends", "Endpoints", "Wording"],
            settings: cold),
        module(
            "Health", uses: ["Events", "HTTPClient", "HTTP1", "Backends", "Endpoints"],
            settings: cold),
        module(
            "Proxy",
            uses: [
                "AccessLog", "Routing", "WallClock", "Events", "HTTP1", "Balancing", "Backends",
                "Stats", "Endpoints",
            ], settings: hot),
        module("Machine", uses: ["CLinux", "Documents"], settings: cold),
        module("Handover", uses: ["Events", "Endpoints", "Wording"], settings: cold),
        module(
            "Admin",
            uses: [
                "JSON", "WallClock", "Events", "HTTPServer", "HTTP1", "Stats", "Backends",
                "Endpoints",
            ],
            settings: cold),
        module("TestBackend", uses: ["Events", "HTTP1", "Endpoints"], settings: hot),
        module(
            "Demo", uses: ["Locking", "Events", "DNSWire", "HTTPServer", "HTTP1", "Endpoints"],
            settings: cold),

        .executableTarget(
            name: "fairlead",
            dependencies: [
                "CLinux", "Endpoints", "Documents", "Configuration", "Events", "DNSClient",
                "DNSWire",
                "HTTPClient", "Discovery", "Consul", "ConsulQuery",
                "Explain", "Health", "Proxy", "Balancing", "Backends", "Stats", "Admin", "Demo",
                "HTTP1", "HTTPServer",
                "AccessLog", "Locking", "Routing", "TestBackend", "Machine", "Handover",
                "WallClock", "Wording", "JSON",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            exclude: ["small.ld"],
            swiftSettings: cold, linkerSettings: small),

        // What the benches share: programs, the machine, figures.
        .target(name: "BenchSupport", path: "bench/Support", swiftSettings: strict),

        // Fairlead beside its peers and a bare relay: `swift run -c release fairlead-bench`.
        .systemLibrary(name: "CPolling", path: "bench/CPolling"),
        .executableTarget(
            name: "fairlead-bench",
            dependencies: [
                "fairlead", "fairlead-bench-servers", "BenchSupport", "CPolling",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Subprocess", package: "swift-subprocess"),
            ],
            path: "bench/Harness", swiftSettings: strict),
        .executableTarget(
            name: "fairlead-bench-servers", dependencies: ["CLibevent"], path: "bench/Servers",
            swiftSettings: hot),

        // Ten thousand names through an outage: `swift run -c release fairlead-bench-discovery`.
        .executableTarget(
            name: "fairlead-bench-discovery",
            dependencies: [
                "Events", "DNSClient", "DNSWire", "Discovery", "Backends", "Endpoints",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "bench/Discovery", swiftSettings: strict),

        // The cost of a choice, by policy: `swift run -c release fairlead-bench-balancing`.
        .executableTarget(
            name: "fairlead-bench-balancing", dependencies: ["Balancing", "Backends", "Endpoints"],
            path: "bench/Balancing", swiftSettings: strict),

        // What a client sees while instances come, go and fail: `swift run -c release fairlead-bench-churn`.
        .executableTarget(
            name: "fairlead-bench-churn",
            dependencies: [
                "fairlead", "BenchSupport", "Events", "HTTPClient", "HTTPServer", "HTTP1",
                "Endpoints",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "bench/Churn", swiftSettings: strict),

        .testTarget(
            name: "BenchTests",
            dependencies: ["fairlead-bench", "fairlead-bench-churn", "BenchSupport"],
            swiftSettings: strict),
        tests("Endpoints"),
        tests("DNSWire", uses: ["Endpoints", "TestSupport"]),
        tests("HTTP1", uses: ["TestSupport"]),
        tests("Backends", uses: ["TestSupport", "Endpoints"]),
        tests("Balancing", uses: ["Backends", "Endpoints"]),
        tests("Stats"),
        tests("Configuration", uses: ["Documents", "ConsulQuery", "Endpoints"]),
        tests("Events", uses: ["TestSupport", "Endpoints"]),
        tests(
            "DNSClient",
            uses: ["ScriptedDNS", "TestSupport", "Locking", "Events", "DNSWire", "Endpoints"]),
        tests("HTTPClient", uses: ["TestSupport", "Events", "Endpoints", "HTTPServer", "HTTP1"]),
        tests("HTTPServer", uses: ["WallClock", "Events", "Endpoints", "HTTP1"]),
        tests(
            "Discovery",
            uses: [
                "ScriptedDNS", "Documents", "TestSupport", "Demo", "Events", "DNSClient", "DNSWire",
                "Backends", "Endpoints",
            ]),
        tests("JSON"),
        tests("ConsulQuery"),
        tests(
            "Consul",
            uses: [
                "TestSupport", "Locking", "JSON", "ConsulQuery", "Events", "HTTPClient", "HTTP1",
                "Discovery", "DNSClient", "DNSWire", "Demo", "Backends", "Endpoints",
            ]),
        tests("Explain", uses: ["DNSClient", "DNSWire", "Discovery", "Backends", "Endpoints"]),
        tests(
            "Health",
            uses: ["TestSupport", "Events", "HTTPClient", "HTTP1", "Backends", "Endpoints"]),
        tests("Routing", uses: ["HTTP1", "Backends", "TestSupport"]),
        tests(
            "AccessLog", uses: ["TestSupport", "Events", "HTTP1", "Stats", "Endpoints", "Locking"]),
        tests(
            "Proxy",
            uses: [
                "TestSupport", "AccessLog", "Routing", "Locking", "Events", "HTTP1", "Backends",
                "Balancing", "Stats", "Endpoints", "WallClock",
            ]),
        tests(
            "Admin",
            uses: [
                "Events", "HTTPClient", "HTTPServer", "HTTP1", "Stats", "Backends", "Endpoints",
                .product(name: "Subprocess", package: "swift-subprocess"),
            ]),
        tests(
            "Demo", uses: ["Events", "DNSWire", "DNSClient", "HTTPServer", "HTTP1", "Endpoints"]),
        tests("TestBackend", uses: ["TestSupport", "Events", "Endpoints"]),
        tests("Machine"),
        tests("Wording"),
        tests("Handover", uses: ["TestSupport", "Events", "Endpoints"]),
        tests(
            "fairlead",
            uses: [
                "TestSupport", "TestBackend", "Demo", "DNSWire", "Configuration", "Documents",
                "Backends", "Events", "Endpoints",
                "Stats", "Proxy", "Routing", "Locking", "Admin",
            ]),
        // Optimised builds only: requests allocate nothing. Replaces malloc for the test process.
        .target(name: "CAllocationCounter", path: "Tests/CAllocationCounter"),
        .testTarget(
            name: "AllocationTests",
            dependencies: [
                "CAllocationCounter", "AccessLog", "Routing", "Proxy", "Backends", "Endpoints",
                "Events", "Stats",
            ],
            swiftSettings: strict),
        // What tests share: guard pages, seeded numbers, threads, readers.
        .target(
            name: "TestSupport", dependencies: ["Events", "HTTP1", "Locking", "Endpoints"],
            path: "Tests/TestSupport", swiftSettings: strict),
        // A DNS server that lies as a test tells it.
        .target(
            name: "ScriptedDNS", dependencies: ["DNSClient", "DNSWire", "Endpoints", "Events"],
            path: "Tests/ScriptedDNS", swiftSettings: strict),
        // Balancing and eviction through a simulated day, under a clock that jumps.
        .testTarget(
            name: "SimulationTests", dependencies: ["Proxy", "Balancing", "Backends", "Endpoints"],
            swiftSettings: strict),
        // Black box: the built program among real servers.
        .testTarget(
            name: "FlowTests",
            dependencies: [
                "fairlead", "TestSupport", "ScriptedDNS", "DNSWire", "Events", "Endpoints",
                "Locking", "Machine",
                .product(name: "Subprocess", package: "swift-subprocess"),
            ],
            exclude: ["Browser", "Cases", "alerts.yaml", "differences.md", "discovery.md"],
            swiftSettings: strict),
        // The tree itself: format, import arrows, lengths, examples.
        .testTarget(
            name: "TidyTests",
            dependencies: ["fairlead", .product(name: "Subprocess", package: "swift-subprocess")],
            swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)

if isFuzzing {
    package.targets += [
        .systemLibrary(name: "CLibFuzzer", path: "Tests/Fuzzers/CLibFuzzer"),
        // lld, as the linker of Debian cannot read what the compiler writes for the sanitizers.
        .executableTarget(
            name: "fairlead-fuzz", dependencies: ["CLibFuzzer", "HTTP1", "DNSWire"],
            path: "Tests/Fuzzers", exclude: ["CLibFuzzer", "corpus", "dictionaries", "run"],
            swiftSettings: strict,
            linkerSettings: [.unsafeFlags(instrumented + ["-use-ld=lld"])]),
    ]
}

// So that a build takes no longer than what it is for (`.ci/run`): the tests of modules alone, which the
// address sanitizer watches; of those that start threads, for the thread sanitizer; or those that count
// allocations, which are optimised.
let ofTheWhole: Set = [
    "AllocationTests", "BenchTests", "FlowTests", "SimulationTests", "TidyTests",
]
let ofOneThread: Set = [
    "BackendsTests", "BalancingTests", "ConfigurationTests", "ConsulQueryTests", "DNSWireTests",
    "EndpointsTests", "ExplainTests", "HTTP1Tests", "JSONTests", "MachineTests", "RoutingTests",
    "WordingTests",
]
let allTests = Set(package.targets.filter(\.isTest).map(\.name))
let leftOut: Set<String> =
    switch Context.environment["FAIRLEAD_TESTS"] {
    case nil, "": []
    case "modules": ofTheWhole
    case "threads": ofTheWhole.union(ofOneThread)
    case "allocation": allTests.subtracting(["AllocationTests"])
    case let other?: fatalError("FAIRLEAD_TESTS=\(other): expected modules, threads or allocation")
    }
if !leftOut.isEmpty {
    package.targets.removeAll { leftOut.contains($0.name) || $0.path?.hasPrefix("bench/") == true }
}
