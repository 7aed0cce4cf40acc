#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

// Which instruction set the CPU kernels use: the one process-wide choice of the back end.
namespace quire::cpu {

enum class IsaLevel : uint8_t { kGeneric, kAvx2, kAvx512 };

std::string_view isa_name(IsaLevel isa);  // "generic", "avx2", "avx512", as --cpu-isa spells them
bool is_isa_available(IsaLevel isa);  // on this CPU, in this build

// Takes "auto" (the best that the CPU has) or a name, before the first op runs. Throws
// InvalidArgument for an unknown name and for an instruction set that the CPU lacks. Kernels of
// different sets sum in different orders: results differ in the last bits.
void select_isa(std::string_view name);
void select_isa(IsaLevel isa);

IsaLevel current_isa();

}  // namespace quire::cpu
