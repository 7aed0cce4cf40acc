#pragma once

#include <filesystem>
#include <optional>

namespace quire::test {

// tests/data of the source tree.
std::filesystem::path test_data_dir();

// models/ of the source tree: small-chat and small-chat-draft.
std::filesystem::path bundled_models_dir();

// The folder that the environment variable QUIRE_TEST_DATA names: real data that the repository may
// not carry. Tests that need it call GTEST_SKIP() when it is empty.
std::optional<std::filesystem::path> external_data_dir();

}  // namespace quire::test
