// OwnRequestList: requests of Fairlead's own that a worker keeps alive, each at a place that it
// knows, so that any of them leaves at once.

/// Requests in no order. Value type, worker thread only.
struct OwnRequestList<Request: OwnRequest> {
    private(set) var requests: [Request] = []

    /// Adds `request`, which is in no list.
    mutating func add(_ request: Request) {
        request.place = requests.count
        requests.append(request)
    }

    /// Removes `request`, which is in the list. The caller keeps it alive.
    mutating func remove(_ request: Request) {
        let last = requests.removeLast()
        if last !== request {
            last.place = request.place
            requests[request.place] = last
        }
        request.place = -1
    }
}
