import base64
import gzip
import hashlib
import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import check_page

HTML = "<html><style>a{}</style><script>f()</script></html>"


def policy_hash(text):
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


class CheckPageTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        (self.root / "ui/src").mkdir(parents=True)
        (self.root / "ui/src/a.ts").write_text("f()")
        (self.root / "ui/README.md").write_text("no source")
        (self.root / check_page.FOLDER).mkdir(parents=True)
        self.write(HTML, {"ui/src/a.ts": check_page.sha256(b"f()")}, "a{}", "f()")

    def write(self, html, sources, style, script):
        folder = self.root / check_page.FOLDER
        digest = check_page.sha256(html.encode())
        (folder / "index.html.gz").write_bytes(gzip.compress(html.encode()))
        (folder / "bundle.json").write_text(json.dumps({"page": digest, "sources": sources}))
        (folder / "page_bundle.h").write_text(
            f'inline constexpr char kPageEtag[] = "\\"{digest[:32]}\\"";\n'
            "inline constexpr char kPagePolicy[] =\n"
            "    \"default-src 'none'; \"\n"
            f"    \"script-src 'sha256-{policy_hash(script)}'; \"\n"
            f"    \"style-src 'sha256-{policy_hash(style)}'; \"\n"
            '    "img-src data:";\n'
        )

    def problems(self):
        files = (path for path in self.root.rglob("*") if path.is_file())
        paths = [pathlib.PurePosixPath(path.relative_to(self.root)) for path in files]
        return list(check_page.problems_of(self.root, paths))

    def test_a_page_made_of_its_sources_is_right(self):
        self.assertEqual(self.problems(), [])

    def test_a_changed_a_new_and_a_lost_source_are_found(self):
        (self.root / "ui/src/a.ts").write_text("g()")
        (self.root / "ui/src/b.ts").write_text("")
        self.assertEqual(
            self.problems(),
            [
                "ui/src/a.ts: changed since the page was bundled",
                "ui/src/b.ts: is not in the bundle",
            ],
        )
        (self.root / "ui/src/a.ts").unlink()
        self.assertIn("ui/src/a.ts: was bundled, and is not in the tree", self.problems())

    def test_another_page_than_the_manifest_tells_of_is_found(self):
        page = self.root / check_page.FOLDER / "index.html.gz"
        page.write_bytes(gzip.compress(HTML.replace("<html>", "<html >").encode()))
        problems = self.problems()
        self.assertEqual(len(problems), 2)  # the manifest and the ETag
        self.assertTrue(all("is not" in problem for problem in problems))

    def test_a_policy_for_another_script_is_found(self):
        self.write(HTML, {"ui/src/a.ts": check_page.sha256(b"f()")}, "a{}", "g()")
        (problem,) = self.problems()
        self.assertIn("script-src", problem)

    def test_a_second_script_is_found(self):
        html = HTML.replace("</html>", "<script src=x></script></html>")
        self.write(html, {"ui/src/a.ts": check_page.sha256(b"f()")}, "a{}", "f()")
        self.assertIn("exactly one <script>", self.problems()[0])

    def test_a_lax_policy_is_found(self):
        header = self.root / check_page.FOLDER / "page_bundle.h"
        header.write_text(header.read_text().replace("img-src data:", "img-src 'unsafe-inline'"))
        self.assertEqual(len(self.problems()), 1)


if __name__ == "__main__":
    unittest.main()
