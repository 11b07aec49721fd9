// AdminOpenAPI: the admin port for programs, as OpenAPI 3.1. Schemas list every key that there may
// be, so that a test which compares answers with them notices what was forgotten here.

/// `/openapi.json`.
enum AdminOpenAPI {
    static let text =
        "{\n\(head),\n\"paths\": {\n\(paths)\n},\n\"components\": {\n\(parts),\n"
        + "\"schemas\": {\n\(backendSchemas),\n\(serviceSchemas)\n}}}\n"

    private static let head = #"""
          "openapi": "3.1.0",
          "info": {
            "title": "Fairlead's admin port", "version": "1",
            "description": "Keys are added, never renamed. Parameters stand in the query."
          },
          "security": [{}, {"token": []}]
        """#

    private static let parts = #"""
          "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
          "parameters": {
            "key": {
              "name": "key", "in": "path", "required": true,
              "description": "SERVICE@ADDRESS:PORT",
              "schema": {"$ref": "#/components/schemas/Key"}, "example": "web@10.0.0.1:8080"
            },
            "force": {
              "name": "force", "in": "query",
              "description": "also when the service has no other backend that serves",
              "schema": {"enum": ["yes"]}
            },
            "service": {
              "name": "name", "in": "path", "required": true, "description": "a service's name",
              "schema": {"type": "string", "minLength": 1, "maxLength": 100}, "example": "web"
            }
          },
          "responses": {
            "Problem": {
              "description": "why it was not done",
              "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}
              }
            }
          }
        """#
}
