# Fairlead on two clients of a Nomad cluster, before a service whose allocations have ports of their own:
# Nomad registers them with Consul, and Fairlead follows Consul's API.
#
#   nomad job run conf/containers/fairlead.nomad
#
# Made for Nomad 1.6 and later with Docker, and a Consul agent on each client that listens on its address.
job "fairlead" {
  datacenters = ["dc1"]

  # A new one serves before the next is replaced.
  update {
    max_parallel     = 1
    health_check     = "checks"
    min_healthy_time = "5s"
    auto_revert      = true
  }

  group "edge" {
    count = 2

    constraint {
      operator = "distinct_hosts"
      value    = "true"
    }

    network {
      port "http" {
        static = 80
        to     = 80
      }
      port "health" {
        static = 9091
        to     = 9091
      }
    }

    service {
      name = "fairlead"
      port = "http"

      check {
        type     = "http"
        port     = "health"
        path     = "/health/ready"
        interval = "2s"
        timeout  = "1s"
      }
    }

    task "fairlead" {
      driver       = "docker"
      # Longer than stop-delay and stop-timeout together.
      kill_timeout = "50s"

      config {
        image           = "fairlead:latest"
        args            = ["run", "--config", "${NOMAD_TASK_DIR}/fairlead.yaml"]
        ports           = ["http", "health"]
        readonly_rootfs = true
        cap_drop        = ["all"]
        security_opt    = ["no-new-privileges"]
      }

      env {
        FAIRLEAD_CONSUL_AGENTS = "${attr.unique.network.ip-address}:8500"
      }

      template {
        destination = "local/fairlead.yaml"
        # Fairlead sees the change itself.
        change_mode = "noop"
        data        = <<YAML
health: {listen: ":9091"}
stop-delay: 10s
reload: {watch: on}
access-log: {to: stdout, format: json}
log: {format: json}
services:
  web:
    consul: web
    srv: web.service.consul                 # for when the API fails
    check: {path: /health}
listeners:
  - {listen: ":80", service: web}
YAML
      }

      resources {
        cpu    = 200
        memory = 128
      }
    }
  }
  # Stands for your own service.
  group "web" {
    count = 3

    network {
      # Any port of the machine: Consul, and with it Fairlead, knows which.
      port "http" {
        to = 9000
      }
    }

    service {
      name = "web"
      port = "http"

      check {
        type     = "http"
        path     = "/health"
        interval = "5s"
        timeout  = "1s"
      }
    }

    # An allocation that is to end leaves Consul at once, and serves on until nobody sends it anything.
    shutdown_delay = "5s"

    task "web" {
      driver = "docker"

      config {
        image           = "fairlead:latest"
        args            = ["backend", "--listen", "0.0.0.0:9000"]
        ports           = ["http"]
        readonly_rootfs = true
        cap_drop        = ["all"]
      }

      resources {
        cpu    = 100
        memory = 64
      }
    }
  }
}
