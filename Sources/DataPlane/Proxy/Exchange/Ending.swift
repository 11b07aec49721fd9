// Ending: how an HTTP request or a TCP connection ends, and everything that follows from it: the
// side that caused it, the code in the access log, what the client gets, what is counted. `row` is
// the one table of that. A new ending is a case and a line there, a sentence if Fairlead answers,
// and a word in conf/README.md if it has a code of its own.

internal import Stats
internal import TLS

/// How a request, or a TCP connection, ends.
enum Ending: CaseIterable {
    // MARK: Answered by a backend, or cut short within its answer

    /// Everything was passed on, whatever status the backend chose; a TCP connection was ended by
    /// its two sides.
    case complete
    /// The backend broke the connection after its response had begun.
    case backendCut
    /// The backend's response has a body that is not what its framing says.
    case badBody
    /// More of the backend's response came than it may have.
    case responseOverflow
    /// The backend's response went on too slowly.
    case bodyTimeout
    /// The time of the request, or of its backend's drain, was over within a response of which more
    /// was to come.
    case responseExpired
    /// The response was compressed, and there was no memory to go on with that.
    case encoderFailed
    /// The time of a stream, a response of unknown length, or of a TCP connection was over.
    case streamExpired

    // MARK: Failed at its backends, or without one

    /// No backend is in the rotation.
    case noBackend
    /// The service that is asked about requests gave no answer that says yes or no.
    case authFailed
    /// No connection to any backend could be made.
    case notConnected
    /// No backend has shown a certificate that verifies.
    case untrusted
    /// No backend has completed a handshake of TLS.
    case insecure
    /// Every backend, or the service, is at its limit of requests, and no more may wait.
    case overLimit
    /// The backend closed or broke the connection instead of answering.
    case noResponse
    /// The backend's answer was not HTTP.
    case badResponse
    /// The backend sent more interim responses (1xx) than one request may get.
    case tooManyInterim
    /// The backend's answer says that it is larger than it may be.
    case responseTooLarge
    /// The backend did not answer in time.
    case backendTimeout

    // MARK: The client's doing

    /// The client went away.
    case clientGone
    /// The client was too slow with its request, or in taking the response.
    case clientTimeout
    /// The connection came to no session; its `ArrivalFailure` says why, and what counts it.
    case notArrived
    /// The head was refused; its `HeadError` says why.
    case refused
    /// The path means different things to different servers.
    case ambiguousPath
    /// The request's body was malformed.
    case malformedBody
    /// The request's body was larger than it may be.
    case requestTooLarge
    /// The client's address is none of those that may come to the listener.
    case deniedByListener
    /// The client's address is none of those that may come by the route.
    case deniedByRoute
    /// The client's address has as many connections as it may have.
    case tooManyConnections
    /// A trusted proxy does not say who the client is, where that matters.
    case deniedUnknown
    /// The service that is asked about requests has refused it, or there is no password that lets
    /// it in.
    case authRefused

    // MARK: Fairlead's doing

    /// A route says how Fairlead answers: a redirect or a fixed response.
    case answered
    /// OPTIONS that may go no further (RFC 9110, section 7.6.2).
    case optionsAtLastHop
    /// TRACE that may go no further. It is not reflected: a head can hold what its client's scripts
    /// may not read, and what the hops before this one have added.
    case traceAtLastHop
    /// More requests came than the listener lets through.
    case limitedByListener
    /// More requests came than the route lets through.
    case limitedByRoute
    /// The listener or the route is closed for a while, on purpose.
    case maintenance
    /// The password could not be checked in time, or not at all: too many others were.
    case passwordsUnchecked
    /// No route is for the request.
    case noRoute
    /// This machine had nothing left to connect to a backend with (`Errno.isShortage`).
    case shortage
    /// The time of the request, or of its backend's drain, was over before a response began, and
    /// that was not the backend's doing.
    case requestExpired
    /// Nothing moved on a TCP connection for as long as nothing may.
    case idle
    /// Fairlead, or the listener, was stopping and could wait no longer.
    case stopped
}

extension Ending {
    /// The side that caused an ending.
    enum Side {
        case nobody, backend, client, fairlead
    }

    /// What follows from an ending: a row of the table.
    private struct Row {
        let side: Side
        let code: StaticString
        let status: Int?
        let counter: ServiceCounter?
        let listenerCounter: ListenerCounter?
        let isFailure: Bool

        init(
            _ side: Side, _ code: StaticString, _ status: Int? = nil,
            _ counter: ServiceCounter? = nil, listener: ListenerCounter? = nil,
            fails: Bool = false
        ) {
            self.side = side
            self.code = code
            self.status = status
            self.counter = counter
            listenerCounter = listener
            isFailure = fails
        }
    }

    /// The table. Its columns: side, code, status, counter of the service, counter of the listener,
    /// whether the request failed.
    private var row: Row {
        switch self {
        case .complete: Row(.nobody, "--")
        case .backendCut: Row(.backend, "BX", nil, .cutShort, fails: true)
        case .badBody: Row(.backend, "BP", nil, .cutShort, fails: true)
        case .responseOverflow: Row(.backend, "BZ", nil, .cutShort, fails: true)
        case .bodyTimeout: Row(.backend, "BT", nil, .cutShort, fails: true)
        case .responseExpired: Row(.fairlead, "FX", nil, .cutShort, fails: true)
        case .streamExpired: Row(.fairlead, "FX", nil, .expired)
        case .encoderFailed: Row(.fairlead, "FR", nil, .cutShort, fails: true)

        case .noBackend: Row(.backend, "BN", 503, .noBackend, fails: true)
        case .authFailed: Row(.backend, "BA", 503, .authFailed, fails: true)
        case .notConnected: Row(.backend, "BR", 503, .noBackend, fails: true)
        case .untrusted: Row(.backend, "BV", 502, .backendErrors, fails: true)
        case .insecure: Row(.backend, "BS", 502, .backendErrors, fails: true)
        case .overLimit: Row(.backend, "BL", 503, .overLimit, fails: true)
        case .noResponse: Row(.backend, "BC", 502, .backendErrors, fails: true)
        case .badResponse: Row(.backend, "BP", 502, .backendErrors, fails: true)
        case .tooManyInterim: Row(.backend, "BP", 502, .backendErrors, fails: true)
        case .responseTooLarge: Row(.backend, "BZ", 502, .backendErrors, fails: true)
        case .backendTimeout: Row(.backend, "BT", 504, .timeouts, fails: true)

        case .clientGone: Row(.client, "CG", nil, .clientAborts)
        case .clientTimeout: Row(.client, "CT", 408, .clientAborts, listener: .badRequests)
        case .notArrived: Row(.client, "CP")
        case .refused: Row(.client, "CH", listener: .badRequests)
        case .ambiguousPath: Row(.client, "CH", 400, listener: .badRequests)
        case .malformedBody: Row(.client, "CB", 400, listener: .badRequests)
        case .requestTooLarge: Row(.client, "CZ", 413, listener: .oversizedRequests)
        case .deniedByListener: Row(.client, "CD", 403, listener: .deniedByListener)
        case .deniedByRoute: Row(.client, "CD", 403, listener: .deniedByRoute)
        case .tooManyConnections: Row(.fairlead, "FL")
        case .deniedUnknown: Row(.client, "CD", 403, listener: .deniedUnknown)
        case .authRefused: Row(.client, "CA", nil, .authRefused)

        case .answered: Row(.fairlead, "FA", listener: .answered)
        case .optionsAtLastHop: Row(.fairlead, "FA", 200, listener: .answered)
        case .traceAtLastHop: Row(.fairlead, "FA", 405, listener: .answered)
        case .limitedByListener: Row(.fairlead, "FL", 429, listener: .limitedByListener)
        case .limitedByRoute: Row(.fairlead, "FL", 429, listener: .limitedByRoute)
        case .maintenance: Row(.fairlead, "FM", 503, listener: .inMaintenance)
        case .passwordsUnchecked: Row(.fairlead, "FP", 503, .authFailed, fails: true)
        case .noRoute: Row(.fairlead, "FN", 404, listener: .unrouted)
        case .shortage: Row(.fairlead, "FR", 503, .shortages, fails: true)
        case .requestExpired: Row(.fairlead, "FX", 504, .timeouts, fails: true)
        case .idle: Row(.fairlead, "FI", nil, .timeouts)
        case .stopped: Row(.fairlead, "FS")
        }
    }

    /// The side that caused it.
    var side: Side { row.side }

    /// The code in the access log: the side's letter, and one more.
    var code: StaticString { row.code }

    /// The status of the answer that Fairlead gives; nil where it gives none, and where what made
    /// the answer says the status: the `HeadError` of `refused`, the route of `answered`, the
    /// service or the password of `authRefused`.
    var status: Int? { row.status }

    /// Whether the client's connection can be used again after the answer: behind what Fairlead
    /// could not read, what follows can't be told from an attack. A client that may not come has
    /// sent a proper request, and behind a proxy the connection is not that client's alone.
    var keepsConnection: Bool {
        switch self {
        case .deniedByListener, .deniedByRoute, .deniedUnknown, .authRefused: true
        default: side != .client
        }
    }

    /// What the service counts it as, once; nil for nothing.
    var counter: ServiceCounter? { row.counter }

    /// What the listener counts an answer of Fairlead's own as; nil for nothing.
    var listenerCounter: ListenerCounter? { row.listenerCounter }

    /// Whether the request failed for a reason that is the backends' or Fairlead's. What the client
    /// did is none, nor is the end of a stream whose time was over.
    var isFailure: Bool { row.isFailure }

    /// What Fairlead's answer says, in one line of text; `service` is the name of the service that
    /// the request was for, and `fault` the last one of its backends' TLS. Empty where nothing is
    /// said.
    func sentence(service: String, _ fault: TLSFault? = nil) -> String {
        switch self {
        case .untrusted:
            "A backend of service \(service) can't be trusted: \(fault.map { "\($0)" } ?? "").\n"
        case .insecure:
            """
            No secure connection to a backend of service \(service): \
            \(fault.map { "\($0)" } ?? "").\n
            """
        case .noBackend: "No healthy backend for service \(service).\n"
        case .authFailed:
            """
            Service \(service), which says who may come here, gave no answer: try again in a \
            moment.\n
            """
        case .authRefused: "Service \(service) does not let this request through.\n"
        case .notConnected:
            "No healthy backend for service \(service): none accepted a connection.\n"
        case .overLimit:
            "Service \(service) has as many requests as it may have: try again in a moment.\n"
        case .noResponse:
            "A backend of service \(service) closed the connection without an answer.\n"
        case .badResponse: "A backend of service \(service) sent an answer that is not HTTP.\n"
        case .tooManyInterim:
            """
            A backend of service \(service) sent more than \(HTTPExchange.interimMax) interim \
            responses (1xx) and no final one.\n
            """
        case .responseTooLarge:
            "The answer of a backend of service \(service) is larger than may be passed on.\n"
        case .backendTimeout: "No backend of service \(service) answered in time.\n"
        case .clientTimeout: "The request did not arrive in time.\n"
        case .ambiguousPath:
            "The path has dot segments, backslashes or encoded slashes: write it without them.\n"
        case .malformedBody: "The request's body is malformed: check its chunked framing.\n"
        case .requestTooLarge: "The request's body is larger than may be sent here.\n"
        case .deniedByListener, .deniedByRoute: "Your address may not come here.\n"
        case .deniedUnknown:
            "The proxy before this one does not say by an address who you are.\n"
        case .traceAtLastHop: "This hop answers no TRACE.\n"
        case .limitedByListener, .limitedByRoute:
            "More requests came than may: try again in a moment.\n"
        case .maintenance: "This is closed for maintenance: try again later.\n"
        case .passwordsUnchecked:
            "Your password could not be checked in time: try again in a moment.\n"
        case .noRoute: "Nothing is served here under this host and path.\n"
        case .shortage:
            """
            The proxy has no room for a connection to a backend of service \(service): try again \
            in a moment.\n
            """
        case .requestExpired: "The request to service \(service) took longer than it may.\n"
        case .complete, .backendCut, .badBody, .responseOverflow, .bodyTimeout, .responseExpired,
            .streamExpired,
            .encoderFailed, .clientGone, .notArrived, .tooManyConnections, .refused, .answered,
            .optionsAtLastHop, .idle,
            .stopped:
            ""
        }
    }
}

extension ServiceCounters {
    /// Counts how a request or a connection of the service ended, by its reason.
    func count(_ ending: Ending) {
        if let counter = ending.counter { add(counter) }
    }
}
