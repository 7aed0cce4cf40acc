"""Counts of test cases, and how to read them out of the reports that test programs write."""

import dataclasses
import re
import xml.etree.ElementTree


@dataclasses.dataclass
class Results:
    num_passed: int = 0
    failed: list[str] = dataclasses.field(default_factory=list)
    skipped: list[tuple[str, str]] = dataclasses.field(default_factory=list)  # (name, reason)

    def add(self, other):
        self.num_passed += other.num_passed
        self.failed += other.failed
        self.skipped += other.skipped

    def add_case(self, name, passed):
        if passed:
            self.num_passed += 1
        else:
            self.failed.append(name)

    def listing(self):
        """One line for each case that did not pass."""
        return [f"failed: {name}" for name in self.failed] + [
            f"skipped: {name}: {reason}" for name, reason in self.skipped
        ]

    def counts(self):
        return f"{self.num_passed} passed, {len(self.failed)} failed, {len(self.skipped)} skipped"


def read_gtest_xml(path):
    """The cases of one GoogleTest program, from the file that --gtest_output=xml:… wrote."""
    results = Results()
    for case in xml.etree.ElementTree.parse(path).iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        skipped = case.find("skipped")
        if case.find("failure") is not None:
            results.failed.append(name)
        elif skipped is not None:
            results.skipped.append((name, reason_of(skipped)))
        elif case.get("status") == "run":
            results.num_passed += 1
        else:
            results.skipped.append((name, "disabled"))
    return results


def read_pytest_xml(path):
    """The cases of a pytest run, from the file that --junit-xml wrote."""
    results = Results()
    for case in xml.etree.ElementTree.parse(path).iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        skipped = case.find("skipped")
        if skipped is not None:
            results.skipped.append((name, skipped.get("message", "") or "no reason given"))
        else:
            passed = case.find("failure") is None and case.find("error") is None
            results.add_case(name, passed)
    return results


def read_tap(text):
    """The cases of a Node.js test run, from what --test-reporter=tap wrote."""
    results = Results()
    for line in re.findall(r"^ *((?:not )?ok \d+ - .*)$", text, re.MULTILINE):
        status, name, skip = re.match(r"(.*?) \d+ - (.*?)(?: # SKIP ?(.*))?$", line).groups()
        if skip is not None:
            results.skipped.append((f"web page: {name}", skip or "no reason given"))
        elif status == "not ok" or not name.endswith(".mjs"):  # a file around its cases
            results.add_case(f"web page: {name}", status == "ok")
    return results


def reason_of(skipped):
    """GoogleTest puts the place in the first line of the message and the reason after it."""
    message = skipped.get("message", "").strip().splitlines()
    return " ".join(line.strip() for line in message[1:] or message) or "no reason given"
