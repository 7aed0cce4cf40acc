"""A wheel for other machines brings the licences of all that is in it and not quire's own."""

import json
import re
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

import quire
from conftest import ROOT

PACKAGE = Path(quire.__file__).parent
LIBRARIES = PACKAGE.parent / "quire.libs"


@pytest.fixture(scope="module")
def folder() -> Path:
    """Where the wheel's licences are."""
    if not LIBRARIES.exists():
        pytest.skip("this is no wheel for other machines: it has no libraries of its own")
    (listing,) = [file for file in metadata.files("quire") if file.name == "third_party.json"]
    return Path(listing.locate()).parent


@pytest.fixture(scope="module")
def listed(folder) -> dict[str, list[dict]]:
    return json.loads((folder / "third_party.json").read_text(encoding="utf-8"))


def versions(crates: list[dict]) -> set[str]:
    return {f"{crate['name']}-{crate['version']}" for crate in crates}


def test_every_library_is_listed_with_its_licence(listed):
    names = {library["file"] for library in listed["libraries"]}
    assert names == {path.name for path in LIBRARIES.glob("lib*")}
    assert {"libcurl", "libssl"} <= {name.split("-")[0] for name in names}
    assert all(one["licences"] for one in listed["libraries"] + listed["headers"])


def test_every_file_is_listed_and_has_a_text_of_its_own(folder, listed):
    paths = {path for group in listed.values() for one in group for path in one["licences"]}
    files = [path for place in ("libraries", "crates") for path in (folder / place).iterdir()]
    assert paths == {f"{file.parent.name}/{file.name}" for file in files}
    texts = [file.read_text(encoding="utf-8").strip() for file in files]
    assert len(set(texts)) == len(texts)
    assert min(map(len, texts)) > 80


def test_a_crate_has_its_licence_or_says_whose_it_is(listed):
    for crate in listed["crates"]:
        assert crate["licence"], crate
        assert crate["licences"] or crate["authors"], crate


def test_every_crate_whose_code_is_in_the_library_is_listed(listed):
    """Messages of panics name the source files that they come from (scripts/cargo.sh)."""
    code = (PACKAGE / "libquire.so").read_bytes()
    linked = set(re.findall(rb"crates/[^/\0]+/([\w.+-]+-\d[\w.+-]*)/", code))
    assert len(linked) > 20
    assert {name.decode() for name in linked} <= versions(listed["crates"])


def test_every_crate_that_cargo_links_is_listed(listed):
    found = subprocess.run(
        [ROOT / "scripts/find_rust.sh"], check=False, capture_output=True, text=True
    )
    if found.returncode != 0:
        pytest.skip("cargo is not installed")
    cargo = Path(found.stdout.strip()) / "cargo"
    options = ["--locked", "--offline", "--edges", "normal,no-proc-macro", "--prefix", "none"]
    tree = subprocess.run(
        [cargo, "tree", *options], check=True, cwd=ROOT / "rust", capture_output=True, text=True
    )
    linked = set(map("-".join, re.findall(r"^(\S+) v(\S+)", tree.stdout, re.MULTILINE)))
    assert len(linked) > 50
    assert {name for name in linked if not name.startswith("quire_text-")} <= versions(
        listed["crates"]
    )


def test_no_crate_is_listed_that_is_not_locked(listed):
    lock = (ROOT / "rust/Cargo.lock").read_text(encoding="utf-8")
    locked = set(
        map("-".join, re.findall(r'^name = "(.*)"\nversion = "(.*)"$', lock, re.MULTILINE))
    )
    listed_versions = versions(one for one in listed["crates"] if one["name"] != "std")
    assert listed_versions < locked
