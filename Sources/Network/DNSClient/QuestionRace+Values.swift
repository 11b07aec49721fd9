// What goes into a QuestionRace and comes out of it, as values.

package import DNSWire
internal import Events

extension QuestionRace {
    /// A query to one server, over a socket of its own.
    package struct Exchange: Hashable, Sendable {
        /// Names the exchange in events and actions; never used twice.
        package let number: Int
        /// Index of the server.
        package let server: Int
        /// How it travels.
        package let transport: DNSTransport
        /// Whether the query carries an OPT record.
        package let hasEDNS: Bool
        /// Whether the case of its letters is drawn at random.
        package let mixesCase: Bool

        /// Made by a race, and by tests for what they expect.
        package init(
            number: Int, server: Int, transport: DNSTransport, hasEDNS: Bool, mixesCase: Bool = true
        ) {
            self.number = number
            self.server = server
            self.transport = transport
            self.hasEDNS = hasEDNS
            self.mixesCase = mixesCase
        }
    }

    /// How the question ended.
    package struct Ending: Equatable {
        /// What can be concluded.
        package var outcome: DNSOutcome
        /// The deciding message; nil when there was none.
        package var message: Message?
        /// The exchange that it came from; nil without one.
        package var exchange: Exchange?
        /// From the opening of that exchange to the message; 0 without one.
        package var roundTrip: Duration = .zero
        /// Whether an answer over UDP had the TC bit.
        package var wasTruncated = false
    }

    /// How a server is to be asked, as far as that is known.
    package struct Habits: Sendable, Hashable {
        /// Whether it is asked with an OPT record.
        package var hasEDNS: Bool
        /// Whether it is asked in mixed case.
        package var mixesCase: Bool
        /// Whether it may take a name in another case of letters for another name: after a denial
        /// or an error the question is asked once more as spelled, before the answer counts.
        package var isCaseDoubted: Bool
        /// Whether an OPT record may make it fail or be silent: after an error the question is
        /// asked once more without one, and so is the last attempt after silence (RFC 6891, section
        /// 6.2.2).
        package var isEDNSDoubted: Bool
        /// Whether it goes without an OPT record only because several queries with one met with
        /// silence.
        package var isEDNSTrial: Bool

        /// What is expected of a server until it shows otherwise.
        package init(
            hasEDNS: Bool = true, mixesCase: Bool = true, isCaseDoubted: Bool = false,
            isEDNSDoubted: Bool = false, isEDNSTrial: Bool = false
        ) {
            self.hasEDNS = hasEDNS
            self.mixesCase = mixesCase
            self.isCaseDoubted = isCaseDoubted
            self.isEDNSDoubted = isEDNSDoubted
            self.isEDNSTrial = isEDNSTrial
        }
    }

    /// A finding about how a server is to be asked.
    package struct Finding: Equatable, Sendable {
        /// Index of the server.
        package let server: Int
        /// What was found.
        package let kind: Kind

        /// The kinds of findings.
        package enum Kind: Equatable, Sendable {
            /// The server was asked again in a plainer way, before what it had said counted.
            case askedAgain
            /// The server gave records for a question in mixed case.
            case knewMixedCase
            /// The server said the same to mixed case and as spelled.
            case saidTheSame
            /// The server knew as spelled what it had denied, or failed at, in mixed case.
            case knewAsSpelled(after: DNSOutcome)
            /// The server answered well without an OPT record where it had failed with one; `code`
            /// is what it said then, nil for silence.
            case answeredWithoutEDNS(code: ResponseCode?)
        }

        /// Made by a race, and by tests for what they expect.
        package init(server: Int, _ kind: Kind) {
            self.server = server
            self.kind = kind
        }
    }

    /// A query that failed, for the server's record.
    package struct Failed: Equatable {
        /// Index of the server.
        package let server: Int
        /// How.
        package let failure: ServerHealth.Failure
        /// When the query was sent.
        package let sentAt: Instant
    }
}

extension QuestionRace.Ending {
    /// Whether the message says nothing about the name, not even that it is an alias.
    var isWithoutAnswers: Bool { message?.answers.isEmpty ?? true }
}
