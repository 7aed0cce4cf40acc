import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import check_interfaces

PAGE = (
    "Virtual interfaces, the complete list: Reader and,\nin the server, Writer. Each is called.\n"
)


class InterfacesTest(unittest.TestCase):
    def test_a_class_with_a_pure_virtual_function_is_one(self):
        text = (
            "namespace a {\n"
            "class Reader : public Base {\n public:\n"
            "  virtual ~Reader() = default;\n"
            "  virtual int read(\n      int a\n  ) const = 0;\n  virtual void end() = 0;\n};\n}\n"
        )
        self.assertEqual(check_interfaces.interfaces(text), ["Reader"])

    def test_others_are_none(self):
        text = (
            "class Open;\nstruct A final : Reader {\n  void read() override {}\n  int a = 0;\n};\n"
            "class B { virtual void f() {} };\n// class C { virtual void f() = 0; };\n"
        )
        self.assertEqual(check_interfaces.interfaces(text), [])

    def test_a_class_inside_of_another_is_a_detail(self):
        text = "class A {\n  struct B {\n    virtual void f() = 0;\n  };\n};\n"
        self.assertEqual(check_interfaces.interfaces(text), [])

    def test_the_scopes_before_a_class_have_ended(self):
        text = "class A {\n  void f() { if (x) { g(); } }\n};\nclass B { virtual void f() = 0; };\n"
        self.assertEqual(check_interfaces.interfaces(text), ["B"])


class ListTest(unittest.TestCase):
    def test_the_page_names_all_and_no_other(self):
        both = {"Reader": "r.h", "Writer": "w.h"}
        self.assertEqual(list(check_interfaces.problems(PAGE, both)), [])
        self.assertEqual(
            list(check_interfaces.problems(PAGE, {"Reader": "r.h", "Pump": "p.h"})),
            [
                "p.h: Pump is not in ARCHITECTURE.md's list of virtual interfaces",
                "ARCHITECTURE.md: Writer is listed as a virtual interface, but is none",
            ],
        )

    def test_a_page_without_the_list_is_a_problem(self):
        self.assertEqual(len(list(check_interfaces.problems("Nothing.\n", {}))), 1)


if __name__ == "__main__":
    unittest.main()
