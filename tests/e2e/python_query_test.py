"""rankscope.query(): rows from a real server."""
import importlib.util
import math
import os
import sys
import unittest
import warnings
from datetime import datetime, timedelta, timezone

from harness import RANKSCOPE, OneServerCase, Server
from query_test import run_two_ranks

sys.path.insert(0, os.path.join(os.path.dirname(RANKSCOPE), "../lib/rankscope/python"))
import rankscope  # noqa: E402

HAS_PANDAS = importlib.util.find_spec("pandas") is not None


class PythonQueryTest(OneServerCase):
    @classmethod
    def new_server(cls):
        return Server(cls.place, options=("--query-rows", "150"))

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        run_two_ranks(cls.place, cls.server, "j")
        script = cls.place.write("nan.py", "print('step: 1 loss: nan')\n")
        cls.place.cli("run", "--server", cls.server.http, "--job_id", "bad", "--", "/usr/bin/python3", script)

    def query(self, text, **more):
        return rankscope.query(text, server=self.server.http, frame=False, **more)

    def test_rows_are_dicts(self):
        self.assertEqual(self.query("job:j loss:* | stats count() as n, max(loss) by (rank)"),
                         [{"rank": 0, "n": 100, "max(loss)": 5}, {"rank": 1, "n": 100, "max(loss)": 99}])
        self.assertTrue(math.isnan(self.query("job:bad loss:NaN")[0]["loss"]))

    def test_times_and_limits(self):
        hour_ago = datetime.now(timezone.utc) - timedelta(hours=1)
        self.assertEqual(len(self.query("job:j loss:*", start=hour_ago, limit=3)), 3)
        self.assertEqual(self.query("job:j loss:*", end=hour_ago), [])

    def test_the_server_of_the_environment(self):
        os.environ["RANKSCOPE_SERVER"] = self.server.http
        try:
            self.assertEqual(len(rankscope.query("job:j loss:*", limit=1, frame=False)), 1)
        finally:
            del os.environ["RANKSCOPE_SERVER"]

    def test_the_project_and_the_token_may_be_arguments(self):
        self.server.ingest("mine", [{"msg": "x", "rank": 0}], project="lab")
        self.assertEqual(len(self.query("job:mine", project="lab")), 1)
        self.assertEqual(self.query("job:mine"), [])
        made = self.place.cli("token", "create", "--data-dir", self.place.path + "/server", "--project", "empty", "--role", "viewer")
        token = made.stdout.split()[-1]
        self.assertEqual(self.query("job:*", token=token), [], "a project of which there is a token and no record yet")
        with self.assertRaisesRegex(rankscope.QueryError, "not for project lab"):
            self.query("job:*", token=token, project="lab")

    def test_a_wrong_query_names_its_column(self):
        with self.assertRaisesRegex(rankscope.QueryError, "column 9"):
            self.query("job:j | nosuch")
        with self.assertRaisesRegex(rankscope.QueryError, "127.0.0.1:1"):
            rankscope.query("x", server="127.0.0.1:1")

    def test_a_partial_answer_warns(self):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            self.assertEqual(len(self.query("job:j loss:*")), 150)
        self.assertEqual([w.category for w in caught], [rankscope.PartialAnswer])

    @unittest.skipUnless(HAS_PANDAS, "pandas is not installed")
    def test_a_frame_where_pandas_is(self):
        frame = rankscope.query("job:j loss:>50", server=self.server.http)
        self.assertEqual(list(frame["loss"]), [99])
        self.assertEqual(str(frame["timestamp"].dt.tz), "UTC")
        self.server.ingest("some", [{"rank": 3, "msg": "x"}, {"msg": "of no rank"}])
        ranks = rankscope.query("job:some", server=self.server.http)["rank"]
        self.assertEqual((str(ranks.dtype), list(ranks.dropna())), ("Int64", [3]))


if __name__ == "__main__":
    unittest.main()
