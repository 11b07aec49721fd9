// HTTP2Session+Requests: the heads and trailers that come in streams. They are translated to the
// text of HTTP/1.1 and read as such, so that no client can say by HTTP/2 what it may not say by
// HTTP/1.

internal import Events
internal import HTTP1
internal import HTTP2
internal import Stats
internal import Traffic

extension HTTP2Session {
    // MARK: - Heads

    /// Begins the request whose head is `block`, in the stream of `slot`.
    func readHead(_ block: Span<UInt8>, in slot: Int, endsStream: Bool) {
        let stream = add(in: slot)
        let outcome = worker.requestText.read(
            block, endsStream: endsStream, limits: listener.headLimits,
            allowsWebSocket: listener.options.policy.allowsUpgrade, decoder: &decoder)
        switch outcome {
        case .complete: begin(stream, isWhole: endsStream)
        case .refused(let error): stream.refuse(LocalReply(refusing: error), isWhole: endsStream)
        case .malformed: refuse(stream)
        case .broken, .excessive: failDecoding(outcome)
        }
    }

    /// Begins the request whose head is in the worker's text.
    private func begin(_ stream: HTTP2ClientStream, isWhole: Bool) {
        worker.requestHead.limits = listener.headLimits
        worker.requestText.withText { text in
            switch worker.requestHead.parse(text) {
            case .complete:
                worker.requestHead.markTranslated()
                begin(stream, worker.requestHead, text, isWhole: isWhole)
            case .bad(let error): stream.refuse(LocalReply(refusing: error), isWhole: isWhole)
            // The translation ends with an empty line.
            case .needMore: refuse(stream)
            }
        }
        if worker.requestText.tunnel == .webSocket { worker.renewWebSocketKey() }
    }

    private func begin(
        _ stream: HTTP2ClientStream, _ head: borrowing RequestHead, _ text: Span<UInt8>,
        isWhole: Bool
    ) {
        if !isWhole, case .length(let count) = head.body {
            connection.expect(stream.slot, contentBytes: count)
        }
        stream.serve(head, text, isWhole: isWhole, self)
    }

    /// Resets a stream whose head or trailers break the rules (RFC 9113, section 8.1.1).
    private func refuse(_ stream: HTTP2ClientStream) {
        connection.reset(stream.slot, .protocolError, for: .malformedHead)
        stream.broken()
        remove(stream)
    }

    // MARK: - Trailers

    /// Ends the request in the stream of `slot` by trailers.
    func readTrailers(_ block: Span<UInt8>, of slot: Int) {
        guard let stream = stream(in: slot) else { return discard(block) }
        let outcome = worker.trailerText.read(
            block, rule: .refuse, limits: listener.headLimits, decoder: &decoder)
        switch outcome {
        case .complete: worker.trailerText.withText { stream.receivedTrailers($0) }
        // There is nothing left to answer with, so that they are taken for malformed.
        case .refused, .malformed: refuse(stream)
        case .broken, .excessive: failDecoding(outcome)
        }
    }

    // MARK: - Faults

    /// Counts what the client did that it may not do.
    func countFaults() {
        let faults = connection.takeFaults()
        for fault in HTTP2Fault.allCases where faults[fault] > 0 {
            listener.counters.add(ListenerCounter(fault), faults[fault])
        }
    }
}

extension ListenerCounter {
    /// What a fault is counted as.
    init(_ fault: HTTP2Fault) {
        self =
            switch fault {
            case .preface, .settingsMissing, .frameTooLarge, .frameLength, .padding, .streamNumber,
                .idleStream, .closedStream, .pushPromise, .selfDependency, .settingValue,
                .windowIncrement, .windowOverflow, .blockInterrupted, .continuationAlone,
                .dataBeforeHead, .trailersNotLast, .faults:
                .http2Protocol
            case .malformedHead: .http2Malformed
            case .compression: .http2Compression
            case .blockTooLong, .tooManyContinuations, .tooManyFields: .http2HeadTooLarge
            case .windowExceeded, .contentLength: .http2TooMuchData
            case .tooManyStreams: .http2TooManyStreams
            case .resets: .http2Resets
            case .controlFrames: .http2ControlFrames
            case .emptyFrames, .uselessBytes: .http2Useless
            }
    }
}
