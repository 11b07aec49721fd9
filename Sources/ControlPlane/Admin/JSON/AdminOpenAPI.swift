// AdminOpenAPI: the admin port for programs, as OpenAPI 3.1, from the file beside this one. Its
// schemas list every key that there may be, so that a test which compares answers with them notices
// what was forgotten there.

/// `/openapi.json`.
enum AdminOpenAPI {
    /// The document, in UTF-8.
    static var json: [UInt8] { PackageResources.openapi_json }
}
