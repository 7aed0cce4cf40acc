#pragma once

// `quire bench …`: argv[0] is "bench", argv[1] the benchmark. Exit code and errors as in
// apps/commands.h.
int run_bench(int argc, char** argv);
