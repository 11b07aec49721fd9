// What backends and their journal look like; see AdminOpenAPI.

extension AdminOpenAPI {
    static let backendSchemas = #"""
          "Time": {
            "type": "string",
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$"
          },
          "Endpoint": {
            "type": "string", "pattern": "^([0-9.]+|\\[[0-9a-f:.]+\\]):[0-9]{1,5}$"
          },
          "Key": {
            "type": "string", "pattern": "^[^/]+@([0-9.]+|\\[[0-9a-f:.]+\\]):[0-9]{1,5}$",
            "description": "SERVICE@ADDRESS:PORT"
          },
          "Problem": {
            "type": "object", "additionalProperties": false, "required": ["error", "expected"],
            "properties": {
              "error": {"type": "string", "minLength": 1, "description": "what is wrong"},
              "expected": {
                "type": "string", "minLength": 1, "description": "what to do instead"
              },
              "force": {
                "enum": ["yes"], "description": "there when force=yes in the query does it all the same"
              }
            }
          },
          "Done": {
            "type": "object", "additionalProperties": false, "required": ["done"],
            "properties": {
              "done": {"type": "string", "minLength": 1},
              "backend": {"$ref": "#/components/schemas/Backend"}
            }
          },
          "Durations": {
            "type": "object", "additionalProperties": false, "required": [],
            "properties": {
              "median": {"type": "number"}, "p90": {"type": "number"}, "p99": {"type": "number"}
            }
          },
          "Check": {
            "type": "object", "additionalProperties": false,
            "required": ["passed", "at", "result"],
            "properties": {
              "passed": {"type": "boolean"}, "at": {"$ref": "#/components/schemas/Time"},
              "result": {"type": "string"}
            }
          },
          "WithoutTurn": {
            "type": "object", "additionalProperties": false,
            "required": [
              "reason", "text", "since", "seconds", "inFlight", "streams", "clientsLeft",
              "requestsElsewhere"
            ],
            "properties": {
              "reason": {
                "enum": [
                  "first-check", "refused", "standby", "reserve", "limit", "probation",
                  "no-requests", "silent", "busy", "zero-weight", "slow-start", "small-share",
                  "balance"
                ]
              },
              "text": {"type": "string", "minLength": 1, "description": "the reason in words"},
              "since": {"$ref": "#/components/schemas/Time"},
              "seconds": {"type": "integer", "minimum": 5},
              "inFlight": {"type": "integer"}, "streams": {"type": "integer"},
              "clientsLeft": {
                "type": "integer", "description": "those whose clients have closed their side"
              },
              "limit": {"type": "integer", "minimum": 1},
              "requestsElsewhere": {"type": "integer", "minimum": 0}
            }
          },
          "Backend": {
            "type": "object", "additionalProperties": false,
            "required": [
              "id", "key", "address", "hostName", "state", "since", "cause", "place",
              "priority", "weight", "named", "override", "inRotation", "active",
              "recentChecks", "ejections", "onProbation", "sharePercent", "requests",
              "inFlight", "connections", "connectionFailures", "failures", "openConnections",
              "serverErrors", "receivedBytes", "sentBytes", "firstByteMilliseconds"
            ],
            "properties": {
              "id": {"type": "integer", "minimum": 0},
              "key": {"$ref": "#/components/schemas/Key"},
              "address": {"$ref": "#/components/schemas/Endpoint"},
              "hostName": {"type": "string"},
              "state": {
                "enum": ["discovered", "checking", "up", "ejected", "down", "draining"]
              },
              "since": {"$ref": "#/components/schemas/Time"},
              "cause": {"type": "string", "minLength": 1},
              "place": {"type": "integer", "minimum": 0, "maximum": 15},
              "priority": {"type": "integer", "minimum": 0, "maximum": 65535},
              "weight": {"type": "integer", "minimum": 0, "maximum": 65535},
              "named": {"type": "boolean"}, "override": {"type": "string"},
              "inRotation": {"type": "boolean"}, "active": {"type": "boolean"},
              "check": {"$ref": "#/components/schemas/Check"},
              "recentChecks": {"type": "string", "pattern": "^[+-]{0,60}$"},
              "ejectedUntil": {"$ref": "#/components/schemas/Time"},
              "ejections": {"type": "integer", "minimum": 0},
              "onProbation": {"type": "boolean"},
              "sharePercent": {"type": "integer", "minimum": 0, "maximum": 100},
              "withoutTurn": {"$ref": "#/components/schemas/WithoutTurn"},
              "lastLiveFailure": {"type": "string"},
              "lastLiveFailureAt": {"$ref": "#/components/schemas/Time"},
              "requests": {"type": "integer", "minimum": 0}, "inFlight": {"type": "integer"},
              "connections": {"type": "integer", "minimum": 0},
              "connectionFailures": {"type": "integer", "minimum": 0},
              "failures": {"type": "integer", "minimum": 0},
              "openConnections": {"type": "integer"},
              "serverErrors": {"type": "integer", "minimum": 0},
              "receivedBytes": {"type": "integer", "minimum": 0},
              "sentBytes": {"type": "integer", "minimum": 0},
              "firstByteMilliseconds": {"$ref": "#/components/schemas/Durations"}
            }
          },
          "Entry": {
            "type": "object", "additionalProperties": false,
            "required": ["number", "at", "service", "backend", "text"],
            "properties": {
              "number": {"type": "integer", "minimum": 0},
              "at": {"$ref": "#/components/schemas/Time"}, "service": {"type": "string"},
              "backend": {"type": "string"}, "text": {"type": "string", "minLength": 1}
            }
          },
          "Backends": {
            "type": "object", "additionalProperties": false, "required": ["services"],
            "properties": {
              "services": {
                "type": "array",
                "items": {
                  "type": "object", "additionalProperties": false,
                  "required": ["name", "backends"],
                  "properties": {
                    "name": {"type": "string"},
                    "backends": {
                      "type": "array", "items": {"$ref": "#/components/schemas/Backend"}
                    }
                  }
                }
              }
            }
          },
          "OneBackend": {
            "type": "object", "additionalProperties": false,
            "required": ["service", "backend", "journal"],
            "properties": {
              "service": {"type": "string"},
              "backend": {"$ref": "#/components/schemas/Backend"},
              "journal": {"type": "array", "items": {"$ref": "#/components/schemas/Entry"}}
            }
          }
        """#
}
