// ProbeResult: what a probe found, in the terms of the roster.

package import Backends
package import Events
internal import GRPCWire
internal import Glibc
package import HTTPClient
package import Traffic

/// How one probe ended. Value type, any thread.
package enum ProbeResult: Sendable, Equatable {
    /// The backend is as it should be.
    case passed
    /// The backend failed the check, and why.
    case failed(CheckFailure)
    /// This process or machine could not even try: no descriptor, no local port, no memory
    /// (`Errno.isShortage`). That says nothing of the backend; else it would speak against all of
    /// them at once.
    case inconclusive

    /// The result of a probe that a failed system call ended.
    package init(_ errno: Errno) {
        self =
            switch errno.rawValue {
            case _ where errno.isShortage: .inconclusive
            case ECONNREFUSED: .failed(.refused)
            case ETIMEDOUT: .failed(.timeout)
            case ECONNRESET, ECONNABORTED, EPIPE: .failed(.reset)
            case EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN: .failed(.unreachable)
            default: .failed(.other(errno.rawValue))
            }
    }

    /// The result of a check by HTTP that ended with `outcome`.
    package init(_ outcome: HTTPClient.Outcome, expecting http: CheckOptions.HTTP) {
        switch outcome {
        case .response(let response):
            if !http.statuses.contains(where: { $0.contains(response.status) }) {
                self = .failed(.status(response.status))
            } else if let text = http.body, !response.body.contains(bytes: Array(text.utf8)) {
                self = .failed(.body(.lacksText))
            } else {
                self = .passed
            }
        case .failed(let failure):
            self.init(failure)
        }
    }

    /// The result of a call of the health service of gRPC that ended with `outcome`.
    package init(ofHealthCall outcome: HTTPClient.Outcome) {
        switch outcome {
        case .response(let response):
            // Without a message the trailers are the head ("Trailers-Only").
            let text = response.trailer("grpc-status") ?? response.field("grpc-status")
            if response.status != 200 {
                self = .failed(.status(response.status))
            } else if let text, let status = GRPCStatus(Array(text.utf8).span),
                response.field("content-type")?.lowercased().hasPrefix("application/grpc") == true
            {
                self.init(GRPCHealth.answer(in: response.body.span), status)
            } else {
                self = .failed(.notGRPC)
            }
        case .failed(.bodyTooLarge): self = .failed(.notServing(.malformed))
        case .failed(let failure): self.init(failure)
        }
    }

    private init(_ answer: GRPCHealth.Answer, _ status: GRPCStatus) {
        self =
            switch (status, answer) {
            case (.ok, .serving): .passed
            case (.ok, let answer): .failed(.notServing(answer))
            case (let status, _): .failed(.callFailed(status))
            }
    }

    /// The result of a check by HTTP that could not be completed.
    package init(_ failure: HTTPClient.Failure) {
        switch failure {
        case .connect(let errno), .broken(let errno, .connecting), .broken(let errno, .waiting):
            self.init(errno)
        case .broken(let errno, .receiving):
            let result = ProbeResult(errno)
            self = result == .inconclusive ? result : .failed(.body(.cutShort))
        case .tls(let fault): self = .failed(.insecure("\(fault)"))
        case .timeout(.receiving): self = .failed(.body(.timeout))
        case .timeout: self = .failed(.timeout)
        case .closedEarly(.receiving): self = .failed(.body(.cutShort))
        case .closedEarly: self = .failed(.reset)
        case .malformedBody: self = .failed(.body(.malformed))
        case .malformedHead, .tooManyInterim, .bodyTooLarge: self = .failed(.malformed)
        case .http2(.notSpoken): self = .failed(.notHTTP2)
        case .http2(.reset(let code)): self = .failed(.resetStream(code))
        case .http2(.rulesBroken(.receiving)): self = .failed(.body(.malformed))
        case .http2(.rulesBroken): self = .failed(.malformed)
        // Can't happen: the configuration is checked for it when it is read.
        case .unsendable: self = .failed(.other(0))
        }
    }
}

extension CheckFailure.AnswerKind {
    /// The kind of an answer that begins with `bytes`, at least one.
    package init(of bytes: [UInt8]) {
        // RFC 8446 section 5.1: an alert or a handshake, of a version that begins with 3.
        let isTLS = bytes.count > 1 && (bytes[0] == 0x15 || bytes[0] == 0x16) && bytes[1] == 3
        let isText = bytes.allSatisfy { byte in
            (0x20...0x7E).contains(byte) || byte == 0x09 || byte == 0x0A || byte == 0x0D
        }
        self =
            if bytes.starts(with: "HTTP/1.".utf8) {
                .http
            } else if isTLS {
                .tls
            } else {
                isText ? .text : .binary
            }
    }
}

extension [UInt8] {
    /// Whether the bytes contain `text`.
    fileprivate func contains(bytes text: [UInt8]) -> Bool {
        guard let first = text.first else { return true }
        guard count >= text.count else { return false }
        return (0...count - text.count).contains { start in
            self[start] == first && self[start..<start + text.count].elementsEqual(text)
        }
    }
}
