// The paths of the admin port, as OpenAPI has them.

extension AdminOpenAPI {
    static let paths = #"""
          "/": {
            "get": {
              "summary": "the page", "operationId": "page",
              "responses": {
                "200": {
                  "description": "the page",
                  "content": {
                    "text/html; charset=utf-8": {"schema": {"type": "string", "minLength": 1}}
                  }
                },
                "403": {"$ref": "#/components/responses/Problem"}
              }
            }
          },
          "/stats": {
            "get": {
              "summary": "everything", "operationId": "stats",
              "responses": {
                "200": {
                  "description": "as the name says",
                  "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Stats"}}
                  }
                },
                "401": {"$ref": "#/components/responses/Problem"},
                "403": {"$ref": "#/components/responses/Problem"}
              }
            }
          },
          "/services": {
            "get": {
              "summary": "each service", "operationId": "services",
              "responses": {
                "200": {
                  "description": "as the name says",
                  "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Services"}}
                  }
                },
                "401": {"$ref": "#/components/responses/Problem"},
                "403": {"$ref": "#/components/responses/Problem"}
              }
            }
          },
          "/services/{name}": {
            "get": {
              "summary": "one service", "operationId": "service",
              "responses": {
                "200": {
                  "description": "as the name says",
                  "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Service"}}
                  }
                },
                "401": {"$ref": "#/components/responses/Problem"},
                "403": {"$ref": "#/components/responses/Problem"},
                "404": {"$ref": "#/components/responses/Problem"}
              },
              "parameters": [{"$ref": "#/components/parameters/service"}]
            }
          },
          "/backends": {
            "get": {
              "summary": "each backend", "operationId": "backends",
              "responses": {
                "200": {
                  "description": "as the name says",
                  "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Backends"}}
                  }
                },
                "401": {"$ref": "#/components/responses/Problem"},
                "403": {"$ref": "#/components/responses/Problem"}
              }
            }
          },
          "/backends/{key}": {
            "get": {
              "summary": "one backend with its journal", "operationId": "backend",
              "responses": {
                "200": {
                  "description": "as the name says",
                  "content": {
                    "application/json": {
                      "schema": {"$ref": "#/components/schemas/OneBackend"}
                    }
                  }
                },
                "401": {"$ref": "#/components/responses/Problem"},
                "403": {"$ref": "#/components/responses/Problem"},
                "404": {"$ref": "#/components/responses/Problem"}
              },
              "parameters": [{"$ref": "#/components/parameters/key"}]
            }
          },
          "/discovery": {
            "get": {
              "summary": "what each source said last", "operationId": "discovery",
              "responses": {
                "200": {
                  "description": "as the name says",
                  "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Discovery"}}
                  }
                },
                "401": {"$ref": "#/components/responses/Problem"},
                "403": {"$ref": "#/components/responses/Problem"}
              }
            }
          },
          "/config": {
            "get": {
              "summary": "the configuration in force, with the origin of each value",
              "operationId": "configuration",
              "responses": {
                "200": {
                  "description": "as the name says",
                  "content": {
                    "application/yaml": {
                      "schema": {"type": "object"}
                    }
                  }
                },
                "401": {"$ref": "#/components/responses/Problem"},
                "403": {"$ref": "#/components/responses/Problem"}
              }
            }
          },
          "/metrics": {
            "get": {
              "summary": "for Prometheus", "operationId": "metrics",
              "responses": {
                "200": {
                  "description": "the metrics",
                  "content": {
                    "text/plain; version=0.0.4; charset=utf-8": {
                      "schema": {"type": "string", "minLength": 1}
                    }
                  }
                },
                "401": {"$ref": "#/components/responses/Problem"},
                "403": {"$ref": "#/components/responses/Problem"}
              }
            }
          },
          "/health/live": {
            "get": {
              "summary": "whether it runs", "operationId": "live",
              "responses": {
                "200": {
                  "description": "it does",
                  "content": {
                    "text/plain; charset=utf-8": {
                      "schema": {"type": "string", "minLength": 1}
                    }
                  }
                },
                "403": {"$ref": "#/components/responses/Problem"}
              }
            }
          },
          "/health/ready": {
            "get": {
              "summary": "whether load balancers should send requests here", "operationId": "ready",
              "parameters": [
                {
                  "name": "when", "in": "query",
                  "description": "whether one served service is enough, or every one is wanted",
                  "schema": {"enum": ["any", "every"], "default": "any"}
                }
              ],
              "responses": {
                "200": {
                  "description": "ready",
                  "content": {
                    "text/plain; charset=utf-8": {
                      "schema": {"type": "string", "minLength": 1}
                    }
                  }
                },
                "503": {
                  "description": "not ready, and why",
                  "content": {
                    "text/plain; charset=utf-8": {
                      "schema": {"type": "string", "minLength": 1}
                    }
                  }
                },
                "400": {"$ref": "#/components/responses/Problem"},
                "403": {"$ref": "#/components/responses/Problem"}
              }
            }
          },
          "/openapi.json": {
            "get": {
              "summary": "this", "operationId": "openAPI",
              "responses": {
                "200": {
                  "description": "this",
                  "content": {"application/json": {"schema": {"type": "object"}}}
                },
                "401": {"$ref": "#/components/responses/Problem"},
                "403": {"$ref": "#/components/responses/Problem"}
              }
            }
          },
          "/events": {
            "get": {
              "summary": "the journal from an entry on; with Accept: text/event-stream as a stream that goes on",
              "operationId": "events",
              "responses": {
                "200": {
                  "description": "entries",
                  "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Events"}},
                    "text/event-stream": {"schema": {"type": "string"}}
                  }
                },
                "400": {"$ref": "#/components/responses/Problem"},
                "401": {"$ref": "#/components/responses/Problem"},
                "403": {"$ref": "#/components/responses/Problem"},
                "503": {"$ref": "#/components/responses/Problem"}
              },
              "parameters": [
                {
                  "name": "after", "in": "query", "required": false,
                  "description": "entries with a greater number; without it, or after a restart, all that are kept",
                  "schema": {"type": "integer", "minimum": 0, "maximum": 9223372036854775807}
                },
                {
                  "name": "wait", "in": "query", "required": false,
                  "description": "seconds to wait for one, if there is none",
                  "schema": {"type": "integer", "minimum": 0, "maximum": 60}
                },
                {
                  "name": "figures", "in": "query", "required": false,
                  "description": "whether a stream has the figures of each second",
                  "schema": {"enum": ["on", "off"]}
                }
              ]
            }
          },
          "/backends/{key}/drain": {
            "post": {
              "summary": "no new requests; what runs finishes within the drain limit",
              "operationId": "drain",
              "responses": {
                "200": {
                  "description": "done",
                  "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Done"}}
                  }
                },
                "400": {"$ref": "#/components/responses/Problem"},
                "401": {"$ref": "#/components/responses/Problem"},
                "403": {"$ref": "#/components/responses/Problem"},
                "404": {"$ref": "#/components/responses/Problem"},
                "409": {"$ref": "#/components/responses/Problem"}
              },
              "parameters": [
                {"$ref": "#/components/parameters/key"}, {"$ref": "#/components/parameters/force"}
              ]
            }
          },
          "/backends/{key}/disable": {
            "post": {
              "summary": "no new requests, and what runs is ended", "operationId": "disable",
              "responses": {
                "200": {
                  "description": "done",
                  "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Done"}}
                  }
                },
                "400": {"$ref": "#/components/responses/Problem"},
                "401": {"$ref": "#/components/responses/Problem"},
                "403": {"$ref": "#/components/responses/Problem"},
                "404": {"$ref": "#/components/responses/Problem"},
                "409": {"$ref": "#/components/responses/Problem"}
              },
              "parameters": [
                {"$ref": "#/components/parameters/key"}, {"$ref": "#/components/parameters/force"}
              ]
            }
          },
          "/backends/{key}/enable": {
            "post": {
              "summary": "takes back drain and disable", "operationId": "enable",
              "responses": {
                "200": {
                  "description": "done",
                  "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Done"}}
                  }
                },
                "400": {"$ref": "#/components/responses/Problem"},
                "401": {"$ref": "#/components/responses/Problem"},
                "403": {"$ref": "#/components/responses/Problem"},
                "404": {"$ref": "#/components/responses/Problem"},
                "409": {"$ref": "#/components/responses/Problem"}
              },
              "parameters": [{"$ref": "#/components/parameters/key"}]
            }
          },
          "/backends/{key}/check": {
            "post": {
              "summary": "a check as soon as may be", "operationId": "check",
              "responses": {
                "200": {
                  "description": "done",
                  "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Done"}}
                  }
                },
                "400": {"$ref": "#/components/responses/Problem"},
                "401": {"$ref": "#/components/responses/Problem"},
                "403": {"$ref": "#/components/responses/Problem"},
                "404": {"$ref": "#/components/responses/Problem"},
                "409": {"$ref": "#/components/responses/Problem"}
              },
              "parameters": [{"$ref": "#/components/parameters/key"}]
            }
          },
          "/backends/{key}/eject": {
            "post": {
              "summary": "out as if requests had failed", "operationId": "eject",
              "responses": {
                "200": {
                  "description": "done",
                  "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Done"}}
                  }
                },
                "400": {"$ref": "#/components/responses/Problem"},
                "401": {"$ref": "#/components/responses/Problem"},
                "403": {"$ref": "#/components/responses/Problem"},
                "404": {"$ref": "#/components/responses/Problem"},
                "409": {"$ref": "#/components/responses/Problem"}
              },
              "parameters": [{"$ref": "#/components/parameters/key"}]
            }
          },
          "/backends/{key}/weight": {
            "post": {
              "summary": "another weight in place of discovery's", "operationId": "weight",
              "responses": {
                "200": {
                  "description": "done",
                  "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Done"}}
                  }
                },
                "400": {"$ref": "#/components/responses/Problem"},
                "401": {"$ref": "#/components/responses/Problem"},
                "403": {"$ref": "#/components/responses/Problem"},
                "404": {"$ref": "#/components/responses/Problem"},
                "409": {"$ref": "#/components/responses/Problem"}
              },
              "parameters": [
                {"$ref": "#/components/parameters/key"},
                {
                  "name": "weight", "in": "query", "required": true,
                  "description": "0 to 65535, or auto",
                  "schema": {"type": "string", "pattern": "^(auto|[1-9][0-9]{0,3}|0)$"}
                }
              ]
            }
          },
          "/log-level": {
            "post": {
              "summary": "the least severe message that is logged", "operationId": "logLevel",
              "responses": {
                "200": {
                  "description": "done",
                  "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Done"}}
                  }
                },
                "400": {"$ref": "#/components/responses/Problem"},
                "401": {"$ref": "#/components/responses/Problem"},
                "403": {"$ref": "#/components/responses/Problem"}
              },
              "parameters": [
                {
                  "name": "level", "in": "query", "required": true, "description": "the level",
                  "schema": {"enum": ["error", "warning", "info", "debug"]}
                }
              ]
            }
          },
          "/reload": {
            "post": {
              "summary": "reads the configuration again", "operationId": "reload",
              "responses": {
                "200": {
                  "description": "done",
                  "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Done"}}
                  }
                },
                "400": {"$ref": "#/components/responses/Problem"},
                "401": {"$ref": "#/components/responses/Problem"},
                "403": {"$ref": "#/components/responses/Problem"},
                "422": {"$ref": "#/components/responses/Problem"},
                "501": {"$ref": "#/components/responses/Problem"}
              }
            }
          }
        """#
}
