# The commands of README.md. What they do stands in scripts/, tools/ and CMakePresets.json.
BUILD := build/release

# As typed, so that a $ or a quote in the prompt survives.
override PROMPT := $(value PROMPT)
export PROMPT
export MODEL

.PHONY: help run build test test-all bench format lint clean

help:  ## This list
	@sed -nE 's/^([a-z-]+):.*## (.*)/make \1	\2/p' Makefile | expand -t 16

run: build  ## Generate with the bundled model: example prompts, or PROMPT="…" (MODEL=… for another)
	@scripts/run_demo.sh $(BUILD)/quire

build: build/dependencies.stamp $(BUILD)/build.ninja  ## Build the program: build/release/quire
	@cmake --build $(BUILD) --target quire

test:  ## Every test but the long ones, lint, the Python package, sanitizers of the bookkeeping, a short fuzzing
	@scripts/install_dependencies.sh --test
	@python3 tools/run_tests.py lint tools rust release clients python asan-ubsan fuzz

# Takes hours; STAGES="tsan fuzz" runs a part of it.
test-all: STAGES := lint tools rust release clients python page asan-ubsan tsan fuzz
test-all:  ## make test, the long tests, the web page, all sanitizers, long fuzzing; writes docs/test-all-result.txt
	@scripts/install_dependencies.sh --test-all
	@python3 tools/run_tests.py --long --result docs/test-all-result.txt $(STAGES)

bench:  ## Build the benchmarks of bench/ and run them
	@scripts/install_dependencies.sh --test
	@scripts/run_bench.sh $(BUILD)

format:  ## Rewrite the C++ files in the project's format
	@tools/check_format.sh --fix

lint:  ## Floors, sizes, words and format of the tree
	@python3 tools/run_tests.py lint tools

clean:  ## Remove everything that was built
	@rm -rf build

build/dependencies.stamp: scripts/install_dependencies.sh scripts/find_rust.sh
	@scripts/install_dependencies.sh
	@mkdir -p build && touch $@

# Tests and benchmarks need more packages; make test switches them on in the same folder.
$(BUILD)/build.ninja: build/dependencies.stamp
	@test -f $@ || cmake --preset release -DQUIRE_BUILD_TESTS=OFF -DQUIRE_BUILD_BENCH=OFF
	@touch $@
