"""tools/layers.py catches each breach that it is there for."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

LAYERS = pathlib.Path(__file__).parent.parent / "tools/layers.py"


class LayersTest(unittest.TestCase):
    def check(self, rooms, files):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "rooms").mkdir()
            for room, text in rooms.items():
                (root / "rooms" / room).write_text(text)
            for name, text in files.items():
                path = root / "src" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            run = subprocess.run([sys.executable, LAYERS, root, root / "rooms"], capture_output=True, text=True)
            return run.returncode, run.stdout

    def test_clean(self):
        rooms = {"base": "uses\nhides\n", "model": "uses base\nhides\n"}
        self.assertEqual(self.check(rooms, {"model/a.h": '#include "base/status.h"\n'})[0], 0)

    def test_undeclared_include(self):
        rooms = {"base": "uses\nhides\n", "model": "uses\nhides\n"}
        code, out = self.check(rooms, {"model/a.cc": '\n#include "base/status.h"\n'})
        self.assertEqual(code, 1)
        self.assertIn("src/model/a.cc:2", out)

    def test_header_shows_hidden_room(self):
        rooms = {"base": "uses\nhides\n", "model": "uses\nhides base\n"}
        self.assertEqual(self.check(rooms, {"model/a.h": '#include "base/status.h"\n'})[0], 1)
        self.assertEqual(self.check(rooms, {"model/a.cc": '#include "base/status.h"\n'})[0], 0)

    def test_protobuf_outside_wire(self):
        self.assertEqual(self.check({"model": "uses\nhides\n"}, {"model/a.cc": "#include <rankscope/v1/x.pb.h>\n"})[0], 1)

    def test_forbidden_edge_and_cycle(self):
        code, out = self.check({"base": "uses model\nhides\n", "model": "uses base\nhides\n"}, {})
        self.assertEqual(code, 1)
        self.assertIn("base may not use model", out)
        self.assertIn("cycle", out)


if __name__ == "__main__":
    unittest.main()
