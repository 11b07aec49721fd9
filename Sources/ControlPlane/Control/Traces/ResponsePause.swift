// ResponsePause: how long a server asks its client to wait.

internal import HTTPClient
internal import WallClock

extension HTTPClient.Response {
    /// What `Retry-After` says, in seconds or up to a date (RFC 9110, section 10.2.3); nil for
    /// nothing that can be understood.
    var retryAfter: Duration? {
        guard let text = field("retry-after") else { return nil }
        if let seconds = Int(text), seconds >= 0 { return .seconds(min(seconds, 1 << 30)) }
        guard let date = InternetTime.seconds(ofHTTPDate: text) else { return nil }
        return .seconds(max(date - Int(UTCTime.now.secondsSince1970), 0))
    }
}
