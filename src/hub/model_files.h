#pragma once

#include <string>
#include <vector>

// Which files of a repository quire reads.
namespace quire {

// Whether a name that a hub sent stays within the folder it is written to.
bool is_safe_file_name(const std::string& name);

// Of `names`, the configuration and the tokenizer's files (and the index of the weights).
std::vector<std::string> text_files(const std::vector<std::string>& names, bool tokenizer_only);

// Of `names`, the weights: model.safetensors; else `shards`, those that the index names; else every
// .safetensors file of the top folder.
std::vector<std::string> weight_files(
    const std::vector<std::string>& names, const std::vector<std::string>& shards
);

}  // namespace quire
