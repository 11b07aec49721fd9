// What services, sources and the whole look like; see AdminOpenAPI.

extension AdminOpenAPI {
    static let serviceSchemas = #"""
          "Source": {
            "type": "object", "additionalProperties": false,
            "required": [
              "summary", "lastGoodCount", "lastFailure", "failing", "findings", "leftOut", "answers"
            ],
            "properties": {
              "summary": {"type": "string"},
              "lastGoodAt": {"$ref": "#/components/schemas/Time"},
              "lastGoodAgeSeconds": {"type": "number"},
              "lastGoodCount": {"type": "integer", "minimum": 0},
              "lastFailureAt": {"$ref": "#/components/schemas/Time"},
              "lastFailure": {"type": "string"}, "failing": {"type": "boolean"},
              "findings": {"type": "array", "items": {"type": "string"}},
              "leftOut": {"type": "integer", "minimum": 0},
              "nextAskAt": {"$ref": "#/components/schemas/Time"},
              "answers": {
                "type": "object", "additionalProperties": {"type": "integer", "minimum": 0}
              }
            }
          },
          "Recent": {
            "type": "object", "additionalProperties": false, "required": ["requests", "errors"],
            "properties": {
              "requests": {
                "type": "array", "items": {"type": "integer", "minimum": 0}, "maxItems": 300
              },
              "errors": {
                "type": "array", "items": {"type": "integer", "minimum": 0}, "maxItems": 300
              }
            }
          },
          "Service": {
            "type": "object", "additionalProperties": false,
            "required": [
              "name", "mode", "sources", "emergencies", "ejectionsRefused", "sentence",
              "checked", "inRotation", "requests", "failed", "inFlight", "responses", "upgrades",
              "errors", "retries", "retriesDenied", "hedges", "hedgesWon", "queued",
              "waiting", "receivedBytes", "sentBytes", "durationMilliseconds", "backendCount", "backends"
            ],
            "properties": {
              "name": {"type": "string"}, "mode": {"enum": ["http", "tcp"]},
              "sources": {"type": "array", "items": {"$ref": "#/components/schemas/Source"}},
              "hold": {"type": "string"}, "emergency": {"enum": ["refusing", "serving"]},
              "emergencies": {"type": "integer", "minimum": 0},
              "ejectionsRefused": {"type": "integer", "minimum": 0},
              "sentence": {"type": "string"}, "checked": {"type": "boolean"},
              "inRotation": {"type": "integer", "minimum": 0},
              "requests": {"type": "integer", "minimum": 0},
              "failed": {
                "type": "integer", "minimum": 0,
                "description": "Requests that failed, each counted once; responses and errors overlap."
              },
              "inFlight": {"type": "integer"},
              "responses": {
                "type": "object", "additionalProperties": {"type": "integer", "minimum": 0}
              },
              "upgrades": {"type": "integer", "minimum": 0},
              "errors": {
                "type": "object", "additionalProperties": {"type": "integer", "minimum": 0}
              },
              "retries": {"type": "integer", "minimum": 0},
              "retriesDenied": {"type": "integer", "minimum": 0},
              "hedges": {"type": "integer", "minimum": 0},
              "hedgesWon": {"type": "integer", "minimum": 0},
              "queued": {"type": "integer", "minimum": 0}, "waiting": {"type": "integer"},
              "receivedBytes": {"type": "integer", "minimum": 0},
              "sentBytes": {"type": "integer", "minimum": 0},
              "durationMilliseconds": {"$ref": "#/components/schemas/Durations"},
              "backendCount": {"type": "integer", "minimum": 0},
              "backends": {"type": "array", "items": {"$ref": "#/components/schemas/Backend"}},
              "recent": {"$ref": "#/components/schemas/Recent"}
            }
          },
          "Services": {
            "type": "object", "additionalProperties": false, "required": ["services"],
            "properties": {
              "services": {"type": "array", "items": {"$ref": "#/components/schemas/Service"}}
            }
          },
          "Registry": {
            "type": "object", "additionalProperties": false,
            "required": [
              "kind", "address", "well", "sentence", "answers", "malformed", "lastMalformed"
            ],
            "properties": {
              "kind": {"type": "string"}, "address": {"type": "string"},
              "well": {"type": "boolean"}, "sentence": {"type": "string"},
              "answers": {
                "type": "object", "additionalProperties": {"type": "integer", "minimum": 0}
              },
              "malformed": {"type": "integer", "minimum": 0},
              "lastMalformed": {"type": "string"},
              "lastMalformedAt": {"$ref": "#/components/schemas/Time"}
            }
          },
          "Discovery": {
            "type": "object", "additionalProperties": false,
            "required": ["time", "registries", "services"],
            "properties": {
              "time": {"$ref": "#/components/schemas/Time"},
              "registries": {
                "type": "array", "items": {"$ref": "#/components/schemas/Registry"}
              },
              "services": {
                "type": "array",
                "items": {
                  "type": "object", "additionalProperties": false,
                  "required": ["name", "sources", "holds"],
                  "properties": {
                    "name": {"type": "string"},
                    "sources": {
                      "type": "array",
                      "items": {
                        "type": "object", "additionalProperties": false,
                        "required": [
                          "summary", "lastGoodCount", "lastFailure", "failing", "findings",
                          "leftOut", "answers",
                          "instances", "kept"
                        ],
                        "properties": {
                          "summary": {"type": "string"},
                          "lastGoodAt": {"$ref": "#/components/schemas/Time"},
                          "lastGoodAgeSeconds": {"type": "number", "minimum": 0},
                          "lastGoodCount": {"type": "integer", "minimum": 0},
                          "lastFailureAt": {"$ref": "#/components/schemas/Time"},
                          "lastFailure": {"type": "string"}, "failing": {"type": "boolean"},
                          "findings": {"type": "array", "items": {"type": "string"}},
                          "leftOut": {"type": "integer", "minimum": 0},
                          "answers": {
                            "type": "object",
                            "additionalProperties": {"type": "integer", "minimum": 0}
                          },
                          "nextAskAt": {"$ref": "#/components/schemas/Time"},
                          "nextAskInSeconds": {"type": "number", "minimum": 0},
                          "instances": {
                            "type": "array",
                            "items": {
                              "type": "object", "additionalProperties": false,
                              "required": ["address", "hostName", "priority", "weight"],
                              "properties": {
                                "address": {"$ref": "#/components/schemas/Endpoint"},
                                "hostName": {"type": "string"},
                                "priority": {
                                  "type": "integer", "minimum": 0, "maximum": 65535
                                },
                                "weight": {"type": "integer", "minimum": 0, "maximum": 65535}
                              }
                            }
                          },
                          "kept": {
                            "type": "array", "items": {"$ref": "#/components/schemas/Endpoint"}
                          }
                        }
                      }
                    },
                    "holds": {
                      "type": "array",
                      "items": {
                        "type": "object", "additionalProperties": false,
                        "required": ["kind", "backends", "until", "leftSeconds"],
                        "properties": {
                          "kind": {
                            "enum": [
                              "nxdomain", "nodata", "servfail", "refused", "other_code",
                              "timeout", "malformed", "unreachable", "mass_loss"
                            ]
                          },
                          "backends": {"type": "integer", "minimum": 0},
                          "until": {"$ref": "#/components/schemas/Time"},
                          "leftSeconds": {"type": "number", "minimum": 0}
                        }
                      }
                    }
                  }
                }
              }
            }
          },
          "Listener": {
            "type": "object", "additionalProperties": false,
            "required": [
              "name", "address", "mode", "services", "connections", "openConnections",
              "refusedConnections", "acceptErrors", "badRequests", "ownAnswers", "unrouted"
            ],
            "properties": {
              "name": {"type": "string"}, "address": {"$ref": "#/components/schemas/Endpoint"},
              "mode": {"enum": ["http", "tcp"]},
              "services": {"type": "array", "items": {"type": "string"}},
              "connections": {"type": "integer", "minimum": 0},
              "openConnections": {"type": "integer"},
              "refusedConnections": {"type": "integer", "minimum": 0},
              "acceptErrors": {"type": "integer", "minimum": 0},
              "badRequests": {"type": "integer", "minimum": 0},
              "ownAnswers": {"type": "integer", "minimum": 0},
              "unrouted": {"type": "integer", "minimum": 0}
            }
          },
          "Reloads": {
            "type": "object", "additionalProperties": false,
            "required": ["applied", "unchanged", "refused", "reasons"],
            "properties": {
              "applied": {"type": "integer", "minimum": 0},
              "unchanged": {"type": "integer", "minimum": 0},
              "refused": {"type": "integer", "minimum": 0},
              "refusedAt": {"$ref": "#/components/schemas/Time"},
              "reasons": {"type": "array", "items": {"type": "string"}}
            }
          },
          "Following": {
            "type": "object", "additionalProperties": false,
            "required": ["feeds", "reasons", "applied", "refused"],
            "properties": {
              "feeds": {
                "type": "array",
                "items": {
                  "type": "object", "additionalProperties": false,
                  "required": ["summary", "problems"],
                  "properties": {
                    "summary": {"type": "string"},
                    "lastGoodAt": {"$ref": "#/components/schemas/Time"},
                    "failure": {"type": "string"},
                    "problems": {"type": "array", "items": {"type": "string"}}
                  }
                }
              },
              "refusedAt": {"$ref": "#/components/schemas/Time"},
              "reasons": {"type": "array", "items": {"type": "string"}},
              "applied": {"type": "integer", "minimum": 0},
              "refused": {"type": "integer", "minimum": 0}
            }
          },
          "Stats": {
            "type": "object", "additionalProperties": false,
            "required": [
              "time", "version", "startedAt", "uptimeSeconds", "workers", "draining", "ready",
              "level", "sentence", "problems", "listeners", "services", "registries",
              "journal", "dnsMessages", "checks", "accessLogLines", "shortages"
            ],
            "properties": {
              "time": {"$ref": "#/components/schemas/Time"}, "version": {"type": "string"},
              "startedAt": {"$ref": "#/components/schemas/Time"},
              "uptimeSeconds": {"type": "number", "minimum": 0},
              "workers": {"type": "integer", "minimum": 1}, "draining": {"type": "boolean"},
              "ready": {"type": "boolean"}, "level": {"enum": ["good", "warning", "failing"]},
              "sentence": {"type": "string", "minLength": 1},
              "problems": {
                "type": "array",
                "items": {
                  "type": "object", "additionalProperties": false,
                  "required": ["level", "text"],
                  "properties": {
                    "level": {"enum": ["warning", "failing"]},
                    "text": {"type": "string", "minLength": 1}
                  }
                }
              },
              "listeners": {
                "type": "array", "items": {"$ref": "#/components/schemas/Listener"}
              },
              "services": {"type": "array", "items": {"$ref": "#/components/schemas/Service"}},
              "registries": {
                "type": "array", "items": {"$ref": "#/components/schemas/Registry"}
              },
              "following": {"$ref": "#/components/schemas/Following"},
              "reloads": {"$ref": "#/components/schemas/Reloads"},
              "journal": {"type": "array", "items": {"$ref": "#/components/schemas/Entry"}},
              "dnsMessages": {
                "type": "object", "additionalProperties": {"type": "integer", "minimum": 0}
              },
              "checks": {
                "type": "object", "additionalProperties": {"type": "integer", "minimum": 0}
              },
              "accessLogLines": {
                "type": "object", "additionalProperties": {"type": "integer", "minimum": 0}
              },
              "shortages": {
                "type": "object", "additionalProperties": {"type": "integer", "minimum": 0}
              },
              "process": {
                "type": "object", "additionalProperties": false,
                "required": [
                  "openDescriptors", "descriptorsMax", "residentBytes", "cpuSeconds"
                ],
                "properties": {
                  "openDescriptors": {"type": "integer", "minimum": 0},
                  "descriptorsMax": {"type": "integer", "minimum": 0},
                  "residentBytes": {"type": "integer", "minimum": 0},
                  "cpuSeconds": {"type": "number", "minimum": 0}
                }
              }
            }
          },
          "Events": {
            "type": "object", "additionalProperties": false, "required": ["entries"],
            "properties": {
              "last": {
                "type": "integer", "minimum": 0,
                "description": "the number of the newest entry; come back with it as after"
              },
              "entries": {"type": "array", "items": {"$ref": "#/components/schemas/Entry"}}
            }
          }
        """#
}
