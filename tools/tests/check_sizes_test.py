import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import check_sizes

LONG_BODY = "  f();\n" * check_sizes.MAX_FUNCTION_LINES


def cpp(text):
    return list(check_sizes.cpp_functions(text))


def problems(path, text):
    return list(check_sizes.problems_of(pathlib.PurePosixPath(path), text))


class CppFunctionsTest(unittest.TestCase):
    def test_a_function_runs_from_its_signature_to_its_brace(self):
        self.assertEqual(cpp("\nint f(\n  int a\n) {\n  return a;\n}\n"), [("f", 2, 6)])

    def test_methods_in_classes_and_namespaces_are_found(self):
        text = "namespace a {\nclass B : public C {\n public:\n  void f() const {\n  }\n};\n}\n"
        self.assertEqual(cpp(text), [("f", 4, 5)])

    def test_a_brace_after_a_member_initializer_is_not_the_body(self):
        self.assertEqual(cpp("A::A(int b)\n : b_{b}, c_{1} {\n  f();\n}\n"), [("A::A", 1, 4)])

    def test_braces_in_strings_and_comments_do_not_count(self):
        text = 'void f() {\n  g("{", R"x({{)x", \'{\');  // {\n}\nvoid h() {\n}\n'
        self.assertEqual(cpp(text), [("f", 1, 3), ("h", 4, 5)])

    def test_tables_and_members_are_no_functions(self):
        self.assertEqual(cpp("constexpr int a[] = {\n 1,\n};\nstruct B { int c{1}; };\n"), [])

    def test_a_lambda_held_by_a_variable_counts(self):
        self.assertEqual(len(cpp("const auto f = [](int a) {\n  return a;\n};\n")), 1)

    def test_a_default_argument_makes_no_variable(self):
        self.assertEqual(cpp("void f(int a = 1) {\n}\n"), [("f", 1, 2)])

    def test_operators_are_found(self):
        self.assertEqual(len(cpp("bool operator==(const A& a, const A& b) {\n}\n")), 1)


class ProblemsTest(unittest.TestCase):
    def test_a_long_function_is_a_problem_in_every_language(self):
        self.assertEqual(len(problems("a.cpp", "void f() {\n" + LONG_BODY + "}\n")), 1)
        self.assertEqual(len(problems("a.rs", "fn f<'a>() -> u8 {\n" + LONG_BODY + "}\n")), 1)
        self.assertEqual(len(problems("a.py", "def f():\n" + LONG_BODY)), 1)

    def test_a_function_of_the_limit_is_none(self):
        body = "  f();\n" * (check_sizes.MAX_FUNCTION_LINES - 2)
        self.assertEqual(problems("a.cpp", "void f() {\n" + body + "}\n"), [])

    def test_a_long_file_is_a_problem(self):
        self.assertEqual(problems("a.sh", "true\n" * check_sizes.MAX_FILE_LINES), [])
        self.assertEqual(len(problems("a.sh", "true\n" * (check_sizes.MAX_FILE_LINES + 1))), 1)


if __name__ == "__main__":
    unittest.main()
