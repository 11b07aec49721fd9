"""Drives chromium through a page and tells what it found, for tests of the admin page and of
browsers as clients. Certificates are taken as they are.

    drive.py URL STEP...

Steps are done in turn; each tells its name when it is done, so that a test can do its part between:

    wait:NAME:EXPRESSION       until the JavaScript expression is true
    do:NAME:EXPRESSION         evaluates it once
    shot:PATH:WIDTHxHEIGHT[:dark]   takes a picture of the whole page

At the end it tells every error that the page had (`console: ...`), and ends with 1 if there were any
or a step took longer than a minute. Speaks the DevTools protocol over a pipe: messages of JSON, each
ended by a NUL. Nothing but Python's own library is needed.
"""

import base64
import json
import os
import select
import subprocess
import sys
import tempfile
import time

LIMIT = 60


class Browser:
    def __init__(self, folder):
        to_read, self.to = os.pipe()
        self.back, to_write = os.pipe()
        # The browser takes its commands from descriptor 3 and answers on 4.
        command = [
            "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-dev-shm-usage", "--disable-background-networking", "--hide-scrollbars",
            "--ignore-certificate-errors",
            "--remote-debugging-pipe", f"--user-data-dir={folder}", "about:blank",
        ]

        def place():
            os.dup2(os.dup(to_read), 3)
            os.dup2(os.dup(to_write), 4)

        for fd in (to_read, to_write):
            os.set_inheritable(fd, True)
        # Above the two numbers, so that neither is overwritten before it is copied.
        self.process = subprocess.Popen(
            command, preexec_fn=place, close_fds=False, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self.rest = b""
        self.number = 0
        self.session = None
        self.errors = []

    def message(self, until):
        while b"\0" not in self.rest:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.back], [], [], left)[0]:
                raise TimeoutError("chromium does not answer")
            piece = os.read(self.back, 1 << 16)
            if not piece:
                raise EOFError("chromium ended")
            self.rest += piece
        one, self.rest = self.rest.split(b"\0", 1)
        return json.loads(one)

    def call(self, method, **parameters):
        self.number += 1
        number = self.number
        message = {"id": number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + LIMIT
        while True:
            answer = self.message(until)
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.note(answer)

    def note(self, event):
        what, details = event.get("method"), event.get("params", {})
        if what == "Runtime.exceptionThrown":
            self.errors.append(str(details["exceptionDetails"].get("exception", details)))
        if what == "Runtime.consoleAPICalled" and details["type"] in ("error", "warning"):
            self.errors.append(str([one.get("value") for one in details["args"]]))
        if what == "Log.entryAdded" and details["entry"]["level"] == "error":
            self.errors.append(details["entry"]["text"] + " " + details["entry"].get("url", ""))

    def open(self, url):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call(
            "Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Runtime", "Log", "Page"):
            self.call(f"{domain}.enable")
        self.size("1280x900")
        self.call("Page.navigate", url=url)

    def size(self, text):
        width, height = (int(part) for part in text.split("x"))
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height,
            deviceScaleFactor=1, mobile=width < 600)

    def evaluate(self, expression):
        result = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def wait(self, expression):
        until = time.monotonic() + LIMIT
        while True:
            try:
                if self.evaluate(f"Boolean({expression})"):
                    return
            except RuntimeError:
                # The page is on its way to another one.
                pass
            if time.monotonic() > until:
                text = self.evaluate("document.body.innerText")
                raise TimeoutError(f"never true: {expression}\nthe page says:\n{text}")
            time.sleep(0.1)

    def shot(self, path, size, scheme):
        self.size(size)
        self.call(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": scheme}])
        time.sleep(0.3)
        picture = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        with open(path, "wb") as file:
            file.write(base64.b64decode(picture["data"]))


def main():
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = Browser(folder)
        try:
            browser.open(sys.argv[1])
            for step in sys.argv[2:]:
                kind, name, rest = step.split(":", 2)
                if kind == "wait":
                    browser.wait(rest)
                elif kind == "do":
                    browser.evaluate(rest)
                else:
                    size, _, scheme = rest.partition(":")
                    browser.shot(name, size, scheme or "light")
                print(f"done: {name}", flush=True)
            print("console:", json.dumps(browser.errors), flush=True)
            return 1 if browser.errors else 0
        except (RuntimeError, TimeoutError, EOFError) as error:
            print(f"failed: {error}\nconsole: {json.dumps(browser.errors)}", flush=True)
            return 1
        finally:
            browser.process.kill()
            browser.process.wait()


sys.exit(main())
