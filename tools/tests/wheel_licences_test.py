import base64
import hashlib
import pathlib
import sys
import tempfile
import unittest
import unittest.mock
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import crate_licences
import wheel_licences


def package(kind="lib"):
    return {"targets": [{"kind": [kind]}]}


def node(name, *dependencies):
    deps = [{"pkg": one, "dep_kinds": [{"kind": kind}]} for one, kind in dependencies]
    return {"id": name, "deps": deps}


class LinkedCratesTest(unittest.TestCase):
    def test_what_builds_or_tests_a_crate_is_not_linked(self):
        packages = {name: package() for name in ("root", "a", "b", "builder", "tester", "syn")}
        packages["macro"] = package("proc-macro")
        nodes = [
            node("root", ("a", None), ("builder", "build"), ("tester", "dev"), ("macro", None)),
            node("a", ("b", None), ("root", "dev")),
            node("b"),
            node("builder", ("syn", None)),
            node("tester"),
            node("macro", ("syn", None)),
            node("syn"),
        ]
        metadata = {"resolve": {"root": "root", "nodes": nodes}}
        self.assertEqual(crate_licences.linked_ids(metadata, packages), {"a", "b"})


class TextsTest(unittest.TestCase):
    def test_equal_texts_are_kept_once(self):
        texts = wheel_licences.Texts()
        self.assertEqual(texts.add("crates/a-LICENSE", b"Be free.\n"), "crates/a-LICENSE")
        self.assertEqual(texts.add("crates/b-LICENSE", b"Be free.\n\n"), "crates/a-LICENSE")
        self.assertEqual(texts.add("crates/b-NOTICE", b"By B.\n"), "crates/b-NOTICE")
        self.assertEqual(list(texts.files), ["crates/a-LICENSE", "crates/b-NOTICE"])


class AddLicencesTest(unittest.TestCase):
    def test_the_record_has_what_was_added(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        wheel = pathlib.Path(folder.name) / "quire-1-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("quire.libs/libcurl-02fbea31.so.4", b"code")
            archive.writestr("quire-1.dist-info/RECORD", "quire-1.dist-info/RECORD,,\n")
        given = []

        def licence_files(libraries):
            given.extend(libraries)
            return {"crates/a-LICENSE": b"Be free.\n"}

        with unittest.mock.patch.object(wheel_licences, "licence_files", licence_files):
            wheel_licences.add_licences(wheel)
        self.assertEqual(given, ["libcurl-02fbea31.so.4"])
        with zipfile.ZipFile(wheel) as archive:
            self.assertEqual(archive.read("quire.libs/libcurl-02fbea31.so.4"), b"code")
            name = "quire-1.dist-info/licenses/crates/a-LICENSE"
            text = archive.read(name)
            lines = archive.read("quire-1.dist-info/RECORD").decode().splitlines()
        digest = base64.urlsafe_b64encode(hashlib.sha256(text).digest()).decode().rstrip("=")
        self.assertEqual(lines[1:], [f"{name},sha256={digest},{len(text)}"])
        self.assertEqual(list(wheel.parent.iterdir()), [wheel])


if __name__ == "__main__":
    unittest.main()
