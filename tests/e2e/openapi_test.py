"""docs/openapi.yaml is what the running server does: every operation is asked for, every answer is of its schema."""
import json
import os
import unittest
import urllib.error
import urllib.parse
import urllib.request

import yaml

from channel_servers import HttpChannel
from harness import PATIENCE, OneServerCase, Server, wait_until
from query_test import run_two_ranks

FILE = os.path.join(os.path.dirname(__file__), "../../docs/openapi.yaml")
TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool}


class OpenApiTest(OneServerCase):
    @classmethod
    def new_server(cls):
        channel = HttpChannel()
        cls.addClassCleanup(channel.stop)
        notify = cls.place.write("notify.yaml", "receivers: [{name: hook, webhook: {url: 'http://%s'}}]\n"
                                 "route: {receiver: hook, group_wait: 0s}\n" % channel.address)
        return Server(cls.place, options=["--notify", notify])

    @classmethod
    def setUpClass(cls):
        with open(FILE) as file:
            cls.api = yaml.safe_load(file)
        super().setUpClass()
        _, (silence,) = cls.server.ask("POST", "/api/v1/silences", b'{"matchers": ["job=\\"x\\""], "for": "1h", "note": "n", "by": "b"}')
        cls.silence = silence["id"]
        run_two_ranks(cls.place, cls.server, "j")
        cls.action = cls.server.ask("POST", "/api/v1/jobs/j/actions", b'{"action": "mark"}')[1][0]["id"]
        cls.finding = wait_until(lambda: cls.server.ask("GET", "/api/v1/findings", job_id="j")[1], "a finding")[0]["id"]
        cls.incident = cls.server.ask("GET", "/api/v1/incidents", job_id="j")[1][0]["id"]
        wait_until(lambda: cls.server.ask("GET", "/api/v1/notifications", job_id="j")[1], "a word of the job's life")

    def resolve(self, node):
        while "$ref" in node:
            target = self.api
            for name in node["$ref"].removeprefix("#/").split("/"):
                target = target[name]
            node = target
        return node

    def ask(self, method, path, operation, leave_out=()):
        given, body, headers = {}, None, {}
        for parameter in map(self.resolve, operation.get("parameters", [])):
            if "example" not in parameter or parameter["name"] in leave_out:
                continue
            if parameter["in"] == "path":
                known = {"finding_id": self.finding, "incident_id": self.incident, "silence_id": self.silence,
                         "action_id": self.action}
                example = known.get(parameter["name"], parameter["example"])
                path = path.replace("{" + parameter["name"] + "}", example)
            else:
                given[parameter["name"]] = parameter["example"]
        url = f"http://{self.server.http}{path}"
        if "requestBody" in operation:
            kind, content = next(iter(self.resolve(operation["requestBody"])["content"].items()))
            body, headers = json.dumps(content["example"]).encode(), {"Content-Type": kind}
            url += "?" + urllib.parse.urlencode(given)
        elif method == "post":
            body, headers = json.dumps(given).encode(), {"Content-Type": "application/json"}
        elif given:
            url += "?" + urllib.parse.urlencode(given)
        request = urllib.request.Request(url, body, headers, method=method.upper())
        try:
            return urllib.request.urlopen(request, timeout=PATIENCE)
        except urllib.error.HTTPError as error:
            return error

    def check(self, value, schema, where):
        schema = self.resolve(schema)
        if "type" in schema:
            self.assertIsInstance(value, TYPES[schema["type"]], where)
        for name in schema.get("required", []):
            self.assertIn(name, value, where)
        for name, inner in schema.get("properties", {}).items():
            if isinstance(value, dict) and name in value:
                self.check(value[name], inner, f"{where}.{name}")

    def operations(self):
        for path, item in self.api["paths"].items():
            for method, operation in item.items():
                yield method, path, operation

    def test_every_answer_is_of_its_schema(self):
        for method, path, operation in self.operations():
            with self.subTest(f"{method} {path}"), self.ask(method, path, operation) as answer:
                response = self.resolve(operation["responses"][str(answer.status)])
                kind = answer.headers["Content-Type"].split(";")[0]
                self.assertIn(kind, response["content"])
                schema = self.resolve(response["content"][kind]["schema"])
                if kind == "text/plain":
                    self.assertIn("rankscope_", answer.read().decode())
                    continue
                lines = [answer.readline()] if operation.get("x-endless") else answer.readlines()
                self.assertTrue(lines)
                for line in lines:
                    self.check(json.loads(line), schema, path)

    def status(self, method, path, **parameters):
        url = f"http://{self.server.http}{path.replace('{job_id}', 'j')}?" + urllib.parse.urlencode(parameters)
        request = urllib.request.Request(url, b"" if method == "post" else None, method=method.upper())
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def test_every_number_has_the_bounds_that_the_server_holds(self):
        for method, path, operation in self.operations():
            parameters = list(map(self.resolve, operation.get("parameters", [])))
            needed = {p["name"]: p["example"] for p in parameters if p.get("required") and p["in"] == "query"}
            for parameter in parameters:
                name, schema = parameter["name"], parameter["schema"]
                if schema["type"] != "integer":
                    continue
                self.assertIn("minimum", schema, (path, name))
                for beyond in {schema["minimum"] - 1, schema.get("maximum", schema["minimum"] - 2) + 1}:
                    with self.subTest(f"{method} {path}?{name}={beyond}"):
                        self.assertEqual(self.status(method, path, **needed, **{name: beyond}), 400)

    def test_a_project_and_a_token_may_be_given_wherever_they_count(self):
        self.assertEqual(self.api["security"], [{}, {"token": []}])
        for method, path, operation in self.operations():
            names = [p["name"] for p in map(self.resolve, operation.get("parameters", []))]
            with self.subTest(f"{method} {path}"):
                public = operation.get("security") == []
                self.assertEqual("project" in names, not public)
                self.assertEqual(self.status(method, path, project="No Name", job_id="j"), 200 if public else 403)

    def test_what_is_required_is_missed(self):
        for method, path, operation in self.operations():
            needed = [p["name"] for p in map(self.resolve, operation.get("parameters", []))
                      if p.get("required") and p["in"] == "query"]
            for name in needed:
                with self.subTest(f"{method} {path} without {name}"):
                    with self.ask(method, path, operation, leave_out=(name,)) as answer:
                        self.assertEqual(answer.status, 400)
                        self.assertIn(name, json.load(answer)["error"])


if __name__ == "__main__":
    unittest.main()
