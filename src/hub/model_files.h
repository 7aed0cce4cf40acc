#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

// Which files of a repository quire reads.
namespace quire {

inline constexpr const char* kWeightIndexFile = "model.safetensors.index.json";

// Whether a name that a hub sent stays within the folder it is written to.
bool is_safe_file_name(const std::string& name);

// Of `names`, the configuration and the tokenizer's files (and the index of the weights).
std::vector<std::string> text_files(const std::vector<std::string>& names, bool tokenizer_only);

// Of `names`, the weights: model.safetensors; else `shards`, those that the index names; else every
// .safetensors file of the top folder.
std::vector<std::string> weight_files(
    const std::vector<std::string>& names, const std::vector<std::string>& shards
);

// The files that an index (model.safetensors.index.json) distributes the weights over, sorted.
// Throws InvalidArgument when it is no such index or names a file outside its folder.
std::vector<std::string> shards_of_index(const std::filesystem::path& index);
std::vector<std::string> parse_index(std::string_view json, const std::string& path_for_errors);

}  // namespace quire
