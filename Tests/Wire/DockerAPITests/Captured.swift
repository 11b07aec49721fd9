// Documents of a real engine: Docker 20.10.24, API 1.41, cut to what is read and a little beside.

/// What an engine said.
enum Captured {
    static let id = "f1d9abe3187fb98bd95c44c8e44907da24e8df9080e23d71eb51081f2eaf77b7"
    static let otherID = "2f8a206271bed81bd913b64f92cf0f507828b581f3e4b5af3cb8beeaef397e67"

    /// Runs, is published, and its health check has not passed yet.
    static let starting = """
        {"Id":"\(id)","Names":["/web1"],"Image":"tiny:1","Command":"/bin/busybox httpd",
         "Created":1795866199,"Ports":[
          {"IP":"0.0.0.0","PrivatePort":8080,"PublicPort":18080,"Type":"tcp"},
          {"IP":"::","PrivatePort":8080,"PublicPort":18080,"Type":"tcp"}],
         "Labels":{"fairlead.host":"a.test"},"State":"running",
         "Status":"Up 2 seconds (health: starting)","HostConfig":{"NetworkMode":"default"},
         "NetworkSettings":{"Networks":{"bridge":{"IPAMConfig":null,"Links":null,
          "Gateway":"172.29.0.1","IPAddress":"172.29.0.2","IPPrefixLen":24,
          "GlobalIPv6Address":"","DriverOpts":null}}},"Mounts":[]}
        """

    /// A container after `docker stop`.
    static let exited = """
        {"Id":"\(id)","Names":["/web1"],"Image":"tiny:1","Created":1795866199,"Ports":[],
         "Labels":{"fairlead.host":"a.test"},"State":"exited",
         "Status":"Exited (137) Less than a second ago","HostConfig":{"NetworkMode":"default"},
         "NetworkSettings":{"Networks":{"bridge":{"Gateway":"","IPAddress":"",
          "GlobalIPv6Address":""}}}}
        """

    /// Started by docker-compose, on a network of its own.
    static let composed = """
        {"Id":"7fede933ab8a0a34adc16db964261790e9f156b261bb18b18e1f3899d7657641",
         "Names":["/shop_web_1"],"Image":"tiny:1","Created":1795866326,
         "Ports":[{"PrivatePort":8080,"Type":"tcp"},{"PrivatePort":53,"Type":"udp"}],
         "Labels":{"com.docker.compose.project":"shop","com.docker.compose.service":"web"},
         "State":"running","Status":"Up 2 seconds (healthy)",
         "HostConfig":{"NetworkMode":"shop_default"},
         "NetworkSettings":{"Networks":{"shop_default":{"IPAddress":"172.18.0.2",
          "GlobalIPv6Address":"fd00::2"}}}}
        """

    /// What happens when one is stopped that ignores SIGTERM.
    static let kill = #"""
        {"status":"kill","id":"\#(otherID)","from":"tiny:1","Type":"container","Action":"kill",\#
        "Actor":{"ID":"\#(otherID)","Attributes":{"image":"tiny:1","name":"web2",\#
        "signal":"15"}},"scope":"local","time":1795866203,"timeNano":1795866203124307268}
        """#
    static let die = #"""
        {"status":"die","id":"\#(otherID)","from":"tiny:1","Type":"container","Action":"die",\#
        "Actor":{"ID":"\#(otherID)","Attributes":{"exitCode":"137","image":"tiny:1",\#
        "name":"web2"}},"scope":"local","time":1795866204,"timeNano":1795866204177710643}
        """#
    static let disconnect = #"""
        {"Type":"network","Action":"disconnect",\#
        "Actor":{"ID":"91319c1e869486a6c22ad8119134e5ee599fe2ba7781c87ee7042722b8ca3663",\#
        "Attributes":{"container":"\#(otherID)","name":"front","type":"bridge"}},\#
        "scope":"local","time":1795866204,"timeNano":1795866204280749397}
        """#
    static let health = #"""
        {"status":"health_status: healthy","id":"\#(otherID)","from":"tiny:1",\#
        "Type":"container","Action":"health_status: healthy","Actor":{"ID":"\#(otherID)",\#
        "Attributes":{"image":"tiny:1","name":"web2"}},"scope":"local","time":1795866204,\#
        "timeNano":1795866204280749397}
        """#
    static let exec = #"""
        {"status":"exec_create: /bin/sh","id":"\#(otherID)","Type":"container",\#
        "Action":"exec_create: /bin/sh","Actor":{"ID":"\#(otherID)",\#
        "Attributes":{"execID":"0c33","name":"web2"}}}
        """#

    static let version = """
        {"Platform":{"Name":""},"Components":[{"Name":"Engine","Version":"20.10.24+dfsg1","Details":
         {"ApiVersion":"1.41"}},{"Name":"containerd","Version":"1.6.20~ds1","Details":null}],
         "Version":"20.10.24+dfsg1","ApiVersion":"1.41","MinAPIVersion":"1.12","Os":"linux"}
        """

    static let details = """
        {"Id":"\(id)","Created":"2026-11-28T11:43:19.1Z","Path":"/bin/busybox","RestartCount":3,
         "Name":"/web1","Image":"sha256:be74","State":{"Status":"running","Running":true,
          "OOMKilled":false,"Pid":21940,"ExitCode":0,
          "StartedAt":"2026-11-28T11:43:19.96960826Z","Health":{"Status":"starting"}},
         "HostConfig":{"NetworkMode":"default"},
         "Config":{"Hostname":"f1d9abe3187f","Image":"tiny:1","Labels":{"fairlead.host":"a.test"},
          "ExposedPorts":{"8080/tcp":{},"53/udp":{}},"StopSignal":"SIGQUIT",
          "StopTimeout":30,"Env":["SERVICE_NAME=web","VIRTUAL_HOST=a.test,b.test","PASSWORD=secret",
           "PATH=/bin"]},
         "NetworkSettings":{"Bridge":"","Ports":{"53/udp":null,"8080/tcp":[
           {"HostIp":"0.0.0.0","HostPort":"18080"},{"HostIp":"::","HostPort":"18080"}]},
          "Networks":{"bridge":{"IPAMConfig":null,"Gateway":"172.29.0.1",
           "IPAddress":"172.29.0.2","GlobalIPv6Address":""}}}}
        """
}
