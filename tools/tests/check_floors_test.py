import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import check_floors

Path = pathlib.PurePosixPath


def include_problems(path, text):
    return list(check_floors.include_problems(Path(path), text))


def code_problems(path, text):
    return list(check_floors.code_problems(Path(path), text))


class IncludesTest(unittest.TestCase):
    def test_a_lower_floor_may_be_included(self):
        self.assertEqual(include_problems("src/core/a.cpp", '#include "base/check.h"\n'), [])

    def test_the_other_tower_may_not(self):
        problems = include_problems("src/core/a.cpp", '\n#include "tensor/tensor.h"\n')
        self.assertEqual(problems, ["src/core/a.cpp:2: core must not include tensor/tensor.h"])

    def test_the_worker_sees_one_header_of_core(self):
        self.assertEqual(
            include_problems("src/worker/a.h", '#include "core/scheduler_output.h"\n'), []
        )
        self.assertEqual(len(include_problems("src/worker/a.h", '#include "core/request.h"\n')), 1)

    def test_only_listed_public_headers_may_be_included(self):
        self.assertEqual(
            include_problems("src/core/a.h", '#include "quire/sampling_params.h"\n'), []
        )
        self.assertEqual(len(include_problems("src/tensor/a.h", '#include "quire/llm.h"\n')), 1)

    def test_v0_is_a_leaf_that_one_file_includes(self):
        text = '#include "v0/make_v0.h"\n'
        self.assertEqual(include_problems("src/engine/make_scheduler.cpp", text), [])
        self.assertEqual(len(include_problems("src/engine/engine_core.cpp", text)), 1)
        self.assertEqual(len(include_problems("src/core/scheduler.cpp", text)), 1)

    def test_endpoints_of_the_server_know_what_they_share_but_not_each_other(self):
        shared = '#include "server/calls/chat_call.h"\n#include "server/handler.h"\n'
        self.assertEqual(include_problems("src/server/responses/a.cpp", shared), [])
        self.assertEqual(len(include_problems("src/server/requests/a.cpp", shared)), 1)
        routes = '#include "server/openai/openai_routes.h"\n'
        self.assertEqual(include_problems("src/server/routes.cpp", routes), [])
        self.assertEqual(include_problems("src/server/openai/a.cpp", routes), [])
        for folder in ("responses", "calls"):
            self.assertEqual(
                include_problems(f"src/server/{folder}/a.cpp", routes),
                [
                    f"src/server/{folder}/a.cpp:1: server/{folder} must not include "
                    "server/openai/openai_routes.h"
                ],
            )

    def test_benchmarks_see_everything_but_the_program(self):
        text = '#include "cli/command_line.h"\n#include "v0/scheduler.h"\n'
        self.assertEqual(include_problems("bench/a.cpp", text), [])
        self.assertEqual(len(include_problems("bench/a.cpp", '#include "apps/jsonl.h"\n')), 1)

    def test_an_include_in_a_comment_does_not_count(self):
        self.assertEqual(include_problems("src/core/a.h", '// #include "tensor/tensor.h"\n'), [])

    def test_system_headers_do_not_count(self):
        self.assertEqual(include_problems("src/core/a.h", "#include <sys/mman.h>\n"), [])


class TableTest(unittest.TestCase):
    def setUp(self):
        root = pathlib.Path(__file__).resolve().parent.parent.parent
        self.page = (root / "ARCHITECTURE.md").read_text(encoding="utf-8")

    def problems(self, old, new):
        self.assertEqual(self.page.count(old), 1, old)
        return list(check_floors.table_problems(self.page.replace(old, new)))

    def test_the_page_says_what_is_checked(self):
        self.assertEqual(list(check_floors.table_problems(self.page)), [])

    def test_a_row_may_not_say_more_or_less(self):
        self.assertEqual(
            self.problems("| client | base |", "| client | base, config |"),
            [
                "ARCHITECTURE.md: client may include base, config there, and base in "
                "tools/check_floors.py"
            ],
        )
        public = "| chat_template.h, tokenizer.h |"
        self.assertEqual(len(self.problems(public, "| tokenizer.h |")), 1)
        self.assertEqual(len(self.problems("| all but apps |", "| all |")), 1)

    def test_rows_are_neither_missing_nor_of_no_folder(self):
        self.assertEqual(
            self.problems("| client | base |", "| clients | base |"),
            [
                "ARCHITECTURE.md: the table of floors has no row for client",
                "ARCHITECTURE.md: tools/check_floors.py has no row for clients",
            ],
        )
        self.assertEqual(
            len(list(check_floors.table_problems(""))), len(check_floors.MAY_INCLUDE) + 1
        )


class CodeTest(unittest.TestCase):
    def test_the_environment_is_read_in_one_file(self):
        text = 'auto home = std::getenv("HOME");\n'
        self.assertEqual(code_problems("src/base/env.cpp", text), [])
        self.assertEqual(code_problems("tests/support/paths.cpp", text), [])
        self.assertEqual(len(code_problems("src/hub/hub.cpp", text)), 1)

    def test_device_conditions_stay_in_the_back_end(self):
        text = "#ifdef __AVX512F__\n#endif\n"
        self.assertEqual(code_problems("src/backend/cpu/norm.cpp", text), [])
        self.assertEqual(len(code_problems("src/ops/norm.cpp", text)), 1)


class FoldersTest(unittest.TestCase):
    def test_a_folder_needs_a_row(self):
        self.assertEqual(len(list(check_floors.folder_problems({("src", "misc")}))), 1)

    def test_tests_mirror_src(self):
        self.assertEqual(
            list(check_floors.folder_problems({("src", "core"), ("tests", "core")})), []
        )
        self.assertEqual(len(list(check_floors.folder_problems({("tests", "kernels")}))), 1)

    def test_targets_link_what_their_row_allows(self):
        def problems(dependency):
            text = f"quire_library(core SOURCES a.cpp DEPS quire_base {dependency})"
            return list(check_floors.link_problems(Path("src/core/CMakeLists.txt"), text))

        self.assertEqual(problems("quire_config"), [])
        self.assertEqual(len(problems("quire_tensor")), 1)


if __name__ == "__main__":
    unittest.main()
