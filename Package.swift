// swift-tools-version: 6.2
import PackageDescription

/// Whether the fuzzers are built, and what they fuzz is instrumented for them: only when asked, by
/// `Tests/Fuzzers/run`, since nothing built so can be used for anything else.
let isFuzzing = Context.environment["FAIRLEAD_FUZZ"] == "1"
let instrumented = isFuzzing ? ["-sanitize=fuzzer,address"] : []
/// Fuzzers look inside of what they fuzz.
let testable = isFuzzing ? ["-enable-testing"] : []

/// Every function in a section of its own, and none kept because a library might be asked for it:
/// the linker then leaves out what nobody calls, and keeps once what is the same (`small`): 18.5 MB
/// become 17.3.
let separable: [SwiftSetting] = [
    .unsafeFlags(
        ["-Xfrontend", "-function-sections", "-Xfrontend", "-internalize-at-link"],
        .when(configuration: .release))
]

/// What every target of this package is compiled with.
let strict: [SwiftSetting] =
    separable + [
        .unsafeFlags(instrumented + testable),
        // SE-0335: an existential is visible where it costs.
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444: a file imports what it uses
        // SE-0409: an import leaks only on purpose.
        .enableUpcomingFeature("InternalImportsByDefault"),
        .strictMemorySafety(),  // SE-0458: every unsafe use is spelled `unsafe`
        .treatAllWarnings(as: .error),  // SE-0480
    ]

/// Settings for modules whose classes are touched several times per request. Dynamic exclusivity
/// checks cost a call per access in release builds (10.8 ns against 1.5 to 2.0 ns per bump of a
/// counter, Swift 6.3.1). Debug builds, which the tests run, keep them on.
let hot: [SwiftSetting] =
    strict + [
        .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))
    ]

/// Settings for modules that run a few times a second at most: they are compiled to be small (17.3
/// MB of program become 17.0).
let cold: [SwiftSetting] = strict + [.unsafeFlags(["-Osize"], .when(configuration: .release))]

/// For the program as it is shipped: the toolchain's own linker, and with it what nobody can reach
/// is left out, functions that are identical are kept once (nothing here compares their addresses),
/// and relocations are packed (glibc 2.36 and later read them). Nor has it tables for unwinding,
/// 2.1 MB of 17.3: nothing throws C++ exceptions, and traces and profilers follow the frame
/// pointers.
let small: [LinkerSetting] = [
    .unsafeFlags(
        [
            "-use-ld=lld", "-Xlinker", "--gc-sections", "-Xlinker", "--no-export-dynamic",
            "-Xlinker",
            "--icf=all", "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs",
            "-Xlinker", "--no-eh-frame-hdr",
            "-Xlinker", "-T", "-Xlinker",
            "\(Context.packageDirectory)/Sources/Program/fairlead/small.ld",
        ], .when(configuration: .release))
]

/// A folder of `Sources`, with the folder of its tests. A module imports modules of its own layer
/// and of those declared before it: the order below is the order of the layers, and TidyTests hold
/// every module to it, as the compiler holds each to its list.
struct Layer {
    let name: String

    /// A module; `uses` is the whole list of modules it may import, `embedding` names files that
    /// are compiled into it.
    func module(
        _ name: String, uses: [Target.Dependency] = [], embedding files: [String] = [],
        settings: [SwiftSetting] = strict
    ) -> Target {
        .target(
            name: name, dependencies: uses, path: "Sources/\(self.name)/\(name)",
            resources: files.map { .embedInCode($0) }, swiftSettings: settings)
    }

    /// The tests of one module.
    func tests(_ name: String, uses: [Target.Dependency] = []) -> Target {
        .testTarget(
            name: "\(name)Tests",
            dependencies: [.init(stringLiteral: name)] + uses,
            path: "Tests/\(self.name)/\(name)Tests",
            swiftSettings: strict)
    }
}

/// No domain: addresses, locks, documents, the clock on the wall, the machine.
let base = Layer(name: "Base")
/// Bytes to values and back: no descriptor, no clock.
let wire = Layer(name: "Wire")
/// Sockets without a policy.
let network = Layer(name: "Network")
/// What is balanced, and by which rules: no descriptor, no clock.
let model = Layer(name: "Model")
/// Which instances there are.
let discovery = Layer(name: "Discovery")
/// What moves traffic, on the worker threads.
let dataPlane = Layer(name: "DataPlane")
/// What decides, on the control thread.
let controlPlane = Layer(name: "ControlPlane")
/// What is started.
let program = Layer(name: "Program")

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
        .systemLibrary(
            name: "CLibevent", path: "Sources/Base/CLibevent", pkgConfig: "libevent_core",
            providers: [.apt(["libevent-dev"])]),
        .systemLibrary(name: "CLinux", path: "Sources/Base/CLinux"),
        // Says which commit this is. `conf/package` sets the variable; the manifest does not ask git,
        // since what it learns would be kept, and told of later commits as well.
        .target(
            name: "CBuild", path: "Sources/Base/CBuild",
            cSettings: [
                .define(
                    "FAIRLEAD_COMMIT",
                    to: "\"\((Context.environment["FAIRLEAD_COMMIT"] ?? "").filter(\.isHexDigit))\""
                ),
                // As Swift's own: valgrind 3.19 can't read a program with DWARF 5 of clang's.
                .unsafeFlags(["-gdwarf-4"]),
            ]),
        .systemLibrary(
            name: "CLibyaml", path: "Sources/Base/CLibyaml", pkgConfig: "yaml-0.1",
            providers: [.apt(["libyaml-dev"])]),
        // Not linked with OpenSSL: it is loaded once TLS is configured (`openssl.h`).
        .target(
            name: "COpenSSL", path: "Sources/Base/COpenSSL",
            cSettings: [.unsafeFlags(["-gdwarf-4"])]),
        // Nor with zlib, brotli and zstd (`compression.h`).
        .target(
            name: "CCompression", path: "Sources/Base/CCompression",
            cSettings: [.unsafeFlags(["-gdwarf-4"])]),
        // Nor with libcrypt (`password_hash.h`).
        .target(
            name: "CCrypt", path: "Sources/Base/CCrypt", cSettings: [.unsafeFlags(["-gdwarf-4"])]),
        base.module("Endpoints", settings: cold),
        base.module("Documents", uses: ["CLibyaml"], settings: cold),
        base.module("Locking"),
        base.module("Random", settings: hot),
        base.module("WallClock", settings: cold),
        base.module("Wording", settings: cold),
        base.module("JSON", settings: cold),
        base.module("Machine", uses: ["CLinux", "Documents"], settings: cold),

        wire.module("DNSWire", uses: ["Endpoints"], settings: cold),
        wire.module("HTTP1", settings: hot),
        wire.module("HTTP2", uses: ["HTTP1"], settings: hot),
        wire.module("GRPCWire", settings: cold),
        wire.module("Compression", uses: ["CCompression", "HTTP1"], settings: hot),
        wire.module("ConsulQuery", settings: cold),
        wire.module("DockerAPI", uses: ["Endpoints", "JSON"], settings: cold),
        wire.module("ProxyProtocol", uses: ["Endpoints"], settings: cold),
        wire.module("TLSWire", settings: cold),

        network.module(
            "Events", uses: ["CLibevent", "CLinux", "Endpoints", "Locking"], settings: hot),
        network.module(
            "TLS", uses: ["COpenSSL", "Endpoints", "Events", "Locking", "WallClock"],
            settings: hot),
        network.module(
            "CertificateFiles", uses: ["Documents", "Events", "TLS"], settings: cold),
        network.module("DNSClient", uses: ["Events", "DNSWire", "Endpoints"], settings: cold),
        network.module(
            "HTTPClient", uses: ["Events", "HTTP1", "HTTP2", "Endpoints", "TLS"], settings: cold),
        network.module(
            "HTTPServer", uses: ["WallClock", "Events", "HTTP1", "Endpoints", "TLS"],
            settings: cold),
        network.module(
            "Processes", uses: ["CLinux", "Events", "Endpoints", "Wording"], settings: cold),

        model.module("Backends", uses: ["Endpoints", "GRPCWire", "Wording"], settings: hot),
        model.module("Access", uses: ["Endpoints"], settings: hot),
        model.module("RateLimits", uses: ["Endpoints"], settings: hot),
        model.module("Passwords", uses: ["Balancing", "CCrypt"], settings: hot),
        model.module(
            "Routing",
            uses: ["Access", "Backends", "Endpoints", "HTTP1", "Passwords", "RateLimits"],
            settings: hot),
        model.module("Balancing", uses: ["Backends", "Endpoints", "Random"], settings: hot),
        model.module("Evidence", uses: ["Backends", "Balancing", "GRPCWire"], settings: hot),
        model.module("Lookups", uses: ["DNSWire", "Endpoints"], settings: cold),
        model.module(
            "Traffic",
            uses: [
                "Access", "Balancing", "Endpoints", "HTTP1", "ProxyProtocol", "RateLimits",
                "Routing",
            ],
            settings: hot),
        model.module("Stats", uses: ["Locking"], settings: hot),

        discovery.module(
            "InstanceSources",
            uses: [
                "Documents", "JSON", "WallClock", "Locking", "Events", "DNSClient", "DNSWire",
                "Backends", "Endpoints", "Lookups",
            ],
            settings: cold),
        discovery.module(
            "Consul",
            uses: [
                "ConsulQuery", "JSON", "Events", "HTTPClient", "HTTP1", "InstanceSources",
                "DNSClient", "DNSWire", "Backends", "Endpoints", "Lookups", "TLS",
            ], settings: cold),
        discovery.module(
            "Containers", uses: ["DockerAPI", "Endpoints", "Wording"], settings: cold),
        discovery.module(
            "Docker",
            uses: [
                "Backends", "Containers", "DockerAPI", "Endpoints", "Events", "HTTPClient",
                "InstanceSources", "JSON", "TLS",
            ], settings: cold),
        discovery.module(
            "Registrar",
            uses: [
                "Backends", "Consul", "Containers", "Docker", "DockerAPI", "Endpoints", "Events",
                "Lookups", "Wording",
            ], settings: cold),
        discovery.module(
            "Explain",
            uses: [
                "JSON", "DNSClient", "DNSWire", "InstanceSources", "Backends", "Endpoints",
                "Lookups",
                "Wording",
            ],
            settings: cold),

        dataPlane.module(
            "AccessLog",
            uses: [
                "WallClock", "Locking", "CLinux", "Events", "HTTP1", "Stats", "Endpoints",
                "TLS", "Traffic",
            ],
            settings: hot),
        dataPlane.module(
            "Traces",
            uses: ["AccessLog", "Endpoints", "Events", "GRPCWire", "HTTP1", "Locking", "Stats"],
            settings: hot),
        dataPlane.module(
            "Proxy",
            uses: [
                "Access", "AccessLog", "Routing", "WallClock", "Events", "GRPCWire", "HTTP1",
                "HTTP2", "Evidence", "Balancing", "Compression", "Locking", "Passwords",
                "Backends", "Stats", "Random", "RateLimits", "Endpoints", "ProxyProtocol", "TLS",
                "TLSWire", "Traces", "Traffic",
            ], settings: hot),

        controlPlane.module(
            "ACME", uses: ["Endpoints", "JSON", "TLS", "WallClock"], settings: cold),
        controlPlane.module(
            "Configuration",
            uses: [
                "ACME", "Access", "Backends", "Balancing", "CertificateFiles", "Compression",
                "ConsulQuery", "DNSWire", "DockerAPI",
                "Documents", "Endpoints", "Evidence", "HTTP1", "JSON", "Lookups", "Passwords",
                "ProxyProtocol", "RateLimits",
                "Routing",
                "TLS", "Traffic", "Wording",
            ],
            settings: cold),
        controlPlane.module(
            "Health",
            uses: [
                "Events", "HTTPClient", "HTTP1", "Backends", "Endpoints", "GRPCWire",
                "ProxyProtocol", "TLS", "Traffic",
            ],
            settings: cold),
        controlPlane.module(
            "Admin",
            uses: [
                "JSON", "WallClock", "Events", "HTTPServer", "HTTP1", "Stats", "Backends",
                "Endpoints", "TLS", "Traffic", "Wording",
            ],
            embedding: [
                "JSON/openapi.json", "Page/page.html", "Page/page.css", "Page/page-tools.js",
                "Page/page-views.js", "Page/page-feed.js",
            ],
            settings: cold),
        controlPlane.module(
            "Control",
            uses: [
                "ACME", "AccessLog", "Admin", "Backends", "Balancing", "CBuild", "CertificateFiles",
                "Configuration", "Consul",
                "ConsulQuery", "Containers", "DNSClient", "DNSWire", "Docker", "DockerAPI",
                "InstanceSources", "Documents", "Endpoints",
                "Events", "Evidence", "Explain", "HTTP1", "HTTPClient", "HTTPServer", "Health",
                "JSON", "Locking", "Lookups", "Machine", "Passwords", "Processes", "Proxy",
                "RateLimits",
                "Registrar", "Routing", "Stats", "TLS",
                "Traces", "Traffic", "WallClock", "Wording",
            ],
            settings: cold),

        program.module("TestBackend", uses: ["Events", "HTTP1", "Endpoints"], settings: hot),
        program.module(
            "Demo",
            uses: ["Locking", "Events", "DNSWire", "HTTPServer", "HTTP1", "Random", "Endpoints"],
            settings: cold),
        program.module(
            "CommandEnvironment",
            uses: [
                "Configuration", "Consul", "ConsulQuery", "Control", "Events", "InstanceSources",
                "Processes", "Wording",
            ],
            settings: cold),
        .executableTarget(
            name: "fairlead",
            dependencies: [
                "Admin", "Backends", "CLinux", "CertificateFiles", "CommandEnvironment",
                "Configuration", "Consul", "ConsulQuery", "Control",
                "DNSClient", "DNSWire", "Demo", "InstanceSources", "Documents", "Endpoints",
                "Events",
                "Explain", "HTTPClient", "JSON", "Machine", "TLS", "TestBackend", "Wording",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Sources/Program/fairlead", exclude: ["small.ld"],
            swiftSettings: cold, linkerSettings: small),

        // What the benches share: programs, the machine, figures.
        .target(name: "BenchSupport", path: "bench/Support", swiftSettings: strict),

        // Fairlead beside its peers and a bare relay: `swift run -c release fairlead-bench`.
        .systemLibrary(name: "CPolling", path: "bench/CPolling"),
        .systemLibrary(name: "CSecureLoad", path: "bench/CSecureLoad"),
        .executableTarget(
            name: "fairlead-bench",
            dependencies: [
                "fairlead", "fairlead-bench-servers", "BenchSupport", "CPolling",
                "CSecureLoad",
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
                "Events", "DNSClient", "DNSWire", "InstanceSources", "Backends", "Endpoints",
                "Lookups",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "bench/Discovery", swiftSettings: strict),

        // The cost of a choice, by policy: `swift run -c release fairlead-bench-balancing`.
        .executableTarget(
            name: "fairlead-bench-balancing",
            dependencies: ["Balancing", "Backends", "Random", "Endpoints"],
            path: "bench/Balancing", swiftSettings: strict),

        // What a client sees while instances come, go and fail: `swift run -c release
        // fairlead-bench-churn`.
        .executableTarget(
            name: "fairlead-bench-churn",
            dependencies: [
                "fairlead", "BenchSupport", "Events", "HTTPClient", "HTTPServer", "HTTP1", "HTTP2",
                "Endpoints", "Locking",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "bench/Churn", swiftSettings: strict),

        // Random transfers, each judged to the byte: `swift run -c release fairlead-soak`.
        .executableTarget(
            name: "fairlead-soak",
            dependencies: [
                "fairlead", "BenchSupport", "Random", "Events", "Locking",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "bench/Soak", swiftSettings: strict),

        base.tests("Endpoints"),
        base.tests("JSON"),
        base.tests("Machine"),
        base.tests("Wording"),
        wire.tests("DNSWire", uses: ["Endpoints", "Random", "TestSupport"]),
        wire.tests("HTTP1", uses: ["HeadWriting", "Random", "TestSupport"]),
        wire.tests("HTTP2", uses: ["HTTP1", "Random", "TestSupport"]),
        wire.tests("GRPCWire"),
        wire.tests("Compression", uses: ["HTTP1"]),
        wire.tests("ConsulQuery"),
        wire.tests("DockerAPI", uses: ["Endpoints", "JSON", "Random"]),
        wire.tests("ProxyProtocol", uses: ["Endpoints", "TestSupport"]),
        wire.tests("TLSWire", uses: ["TestSupport"]),
        network.tests("Events", uses: ["TestSupport", "Endpoints", "Locking"]),
        network.tests("TLS", uses: ["Events"]),
        network.tests("CertificateFiles", uses: ["Events", "TLS"]),
        network.tests(
            "DNSClient",
            uses: ["ScriptedDNS", "TestSupport", "Locking", "Events", "DNSWire", "Endpoints"]),
        network.tests(
            "HTTPClient",
            uses: ["TestSupport", "Events", "Endpoints", "HTTPServer", "HTTP1", "TLS"]),
        network.tests("HTTPServer", uses: ["WallClock", "Events", "Endpoints", "HTTP1"]),
        network.tests("Processes", uses: ["TestSupport", "Events", "Endpoints"]),
        model.tests("Backends", uses: ["TestSupport", "Random", "Endpoints"]),
        model.tests("Balancing", uses: ["Backends", "Random", "Endpoints"]),
        model.tests("Evidence", uses: ["Backends", "Balancing", "Endpoints", "GRPCWire"]),
        model.tests("Lookups", uses: ["Random", "TestSupport"]),
        model.tests("Access", uses: ["Endpoints"]),
        model.tests("Traffic"),
        model.tests("Stats", uses: ["GRPCWire", "TestSupport"]),
        model.tests("RateLimits", uses: ["Endpoints"]),
        model.tests("Passwords", uses: ["Random"]),
        model.tests(
            "Routing", uses: ["HTTP1", "Backends", "Endpoints", "Passwords", "TestSupport"]),
        discovery.tests(
            "InstanceSources",
            uses: [
                "ScriptedDNS", "Documents", "TestSupport", "Demo", "Events", "DNSClient", "DNSWire",
                "Backends", "Random", "Endpoints", "Lookups",
            ]),
        discovery.tests(
            "Consul",
            uses: [
                "TestSupport", "Locking", "JSON", "ConsulQuery", "Events", "HTTPClient", "HTTP1",
                "InstanceSources", "DNSClient", "DNSWire", "Demo", "Backends", "Random",
                "Endpoints",
                "Lookups",
            ]),
        discovery.tests("Containers", uses: ["DockerAPI", "Endpoints", "Random"]),
        discovery.tests(
            "Docker",
            uses: [
                "Backends", "Containers", "DockerAPI", "Endpoints", "Events", "InstanceSources",
                "JSON", "TestSupport",
            ]),
        discovery.tests(
            "Registrar",
            uses: [
                "Consul", "Containers", "Docker", "DockerAPI", "Endpoints", "Events", "Lookups",
                "Random", "TestSupport",
            ]),
        discovery.tests(
            "Explain", uses: ["DNSClient", "DNSWire", "InstanceSources", "Backends", "Endpoints"]),
        dataPlane.tests(
            "AccessLog",
            uses: [
                "TestSupport", "Events", "HTTP1", "Stats", "Endpoints", "Locking", "TLS", "Traffic",
            ]),
        dataPlane.tests(
            "Traces",
            uses: ["AccessLog", "Endpoints", "Events", "GRPCWire", "HTTP1", "JSON", "Stats"]),
        dataPlane.tests(
            "Proxy",
            uses: [
                "TestSupport", "Access", "AccessLog", "Compression", "Routing", "JSON", "Locking",
                "Events", "GRPCWire", "HTTP1", "HTTP2", "Backends", "Balancing", "Passwords",
                "ProxyProtocol", "RateLimits", "Stats",
                "Endpoints", "TLS", "TLSWire", "Traces", "Traffic", "WallClock",
            ]),
        controlPlane.tests("ACME", uses: ["JSON", "TLS", "WallClock"]),
        controlPlane.tests(
            "Configuration",
            uses: [
                "ACME", "Access", "TestSupport", "Documents", "ConsulQuery", "Endpoints",
                "Backends", "Balancing",
                "DNSWire", "DockerAPI", "HTTP1", "Lookups", "Passwords", "RateLimits", "Routing",
                "TLS", "Traffic",
            ]),
        controlPlane.tests(
            "Health",
            uses: [
                "TestSupport", "Events", "GRPCWire", "HTTPClient", "HTTP1", "HTTP2", "Backends",
                "Random", "Endpoints", "ProxyProtocol", "Traffic",
            ]),
        controlPlane.tests(
            "Admin",
            uses: [
                "TestSupport", "Events", "HTTPClient", "HTTPServer", "HTTP1", "Stats", "Backends",
                "Endpoints", "Traffic",
                .product(name: "Subprocess", package: "swift-subprocess"),
            ]),
        controlPlane.tests(
            "Control",
            uses: [
                "TestSupport", "TestBackend", "Demo", "DNSWire", "Containers", "DockerAPI",
                "Configuration", "Documents",
                "Backends", "Events", "Endpoints", "Stats", "Proxy", "RateLimits", "Routing",
                "Locking", "Admin", "Traffic",
            ]),
        program.tests(
            "Demo", uses: ["Events", "DNSWire", "DNSClient", "HTTPServer", "HTTP1", "Endpoints"]),
        program.tests("CommandEnvironment", uses: ["Consul"]),
        program.tests("TestBackend", uses: ["TestSupport", "Events", "Endpoints"]),
        program.tests("fairlead", uses: ["Endpoints", "Events", "HTTPClient"]),
        .testTarget(
            name: "BenchTests",
            dependencies: ["fairlead-bench", "fairlead-bench-churn", "BenchSupport"],
            path: "Tests/Bench", swiftSettings: strict),
        // Optimised builds only: requests allocate nothing. Replaces malloc for the test process.
        .target(name: "CAllocationCounter", path: "Tests/Support/CAllocationCounter"),
        .testTarget(
            name: "AllocationTests",
            dependencies: [
                "CAllocationCounter", "AccessLog", "Routing", "Proxy", "Backends", "Endpoints",
                "Events", "HTTP1", "HTTP2", "Passwords", "Stats", "TLS", "Traces", "Traffic",
            ],
            path: "Tests/Allocation", swiftSettings: strict),
        // What tests share: guard pages, threads, readers.
        .target(
            name: "TestSupport", dependencies: ["Events", "HTTP1", "Locking", "Endpoints"],
            path: "Tests/Support/TestSupport", swiftSettings: strict),
        // Heads of messages written to arrays, for tests and fuzzers.
        .target(
            name: "HeadWriting", dependencies: ["HTTP1"], path: "Tests/Support/HeadWriting",
            swiftSettings: strict),
        // A DNS server that lies as a test tells it.
        .target(
            name: "ScriptedDNS", dependencies: ["DNSWire", "Endpoints", "Events"],
            path: "Tests/Support/ScriptedDNS", swiftSettings: strict),
        // Balancing and eviction through a simulated day, under a clock that jumps.
        .testTarget(
            name: "SimulationTests",
            dependencies: [
                "Proxy", "Evidence", "Balancing", "Backends", "HTTP1", "Random", "Endpoints",
                "Traffic",
            ],
            path: "Tests/Simulation", swiftSettings: strict),
        // Black box: the built program among real servers.
        .testTarget(
            name: "FlowTests",
            dependencies: [
                "fairlead", "CLinux", "TestSupport", "ScriptedDNS", "DNSWire", "Events",
                "Endpoints", "HTTP1", "HTTP2", "Locking", "Machine",
                .product(name: "Subprocess", package: "swift-subprocess"),
            ],
            path: "Tests/Flow",
            exclude: [
                "Browser", "Cases", "Compression", "GRPC", "Telemetry", "WebSocket",
                "alerts.yaml", "differences.md", "discovery.md",
            ],
            swiftSettings: strict),
        // The tree itself: format, import arrows, lengths, examples.
        .testTarget(
            name: "TidyTests",
            dependencies: [
                "Configuration", "Documents", "fairlead", "TestSupport",
                .product(name: "Subprocess", package: "swift-subprocess"),
            ],
            path: "Tests/Tidy", swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)

if isFuzzing {
    package.targets += [
        .systemLibrary(name: "CLibFuzzer", path: "Tests/Fuzzers/CLibFuzzer"),
        .systemLibrary(
            name: "CNGHTTP2", path: "Tests/Fuzzers/CNGHTTP2",
            providers: [.apt(["libnghttp2-dev"])]),
        // lld, as the linker of Debian cannot read what the compiler writes for the sanitizers.
        .executableTarget(
            name: "fairlead-fuzz",
            dependencies: [
                "CLibFuzzer", "CNGHTTP2", "CertificateFiles", "Containers", "DNSWire",
                "DockerAPI", "Endpoints", "HTTP1", "HTTP2", "HeadWriting", "ProxyProtocol", "TLS",
                "TLSWire",
            ],
            path: "Tests/Fuzzers",
            exclude: ["CLibFuzzer", "CNGHTTP2", "corpus", "dictionaries", "run"],
            swiftSettings: strict,
            linkerSettings: [.unsafeFlags(instrumented + ["-use-ld=lld"])]),
    ]
}

// So that a build takes no longer than what it is for (`.ci/run`): the tests of modules alone,
// which the address sanitizer watches; of those that start threads, for the thread sanitizer; or
// those that count allocations, which are optimised.
let ofTheWhole: Set = [
    "AllocationTests", "BenchTests", "FlowTests", "SimulationTests", "TidyTests",
]
let ofOneThread: Set = [
    "AccessTests", "BackendsTests", "BalancingTests", "ConfigurationTests", "ConsulQueryTests",
    "ContainersTests", "DNSWireTests", "DockerAPITests", "EndpointsTests", "ExplainTests",
    "GRPCWireTests",
    "HTTP1Tests", "HTTP2Tests", "JSONTests", "LookupsTests", "MachineTests", "PasswordsTests",
    "ProxyProtocolTests", "RoutingTests",
    "TLSWireTests", "TrafficTests", "WordingTests",
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
