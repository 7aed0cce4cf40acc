#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

// Which instruction set the CPU kernels use: the one process-wide choice of the back end.
namespace quire::cpu {

enum class IsaLevel : uint8_t { kGeneric, kAvx2, kAvx512 };

std::string_view isa_name(IsaLevel isa);  // "generic", "avx2", "avx512", as --cpu-isa spells them
bool is_isa_available(IsaLevel isa);  // on this CPU, in this build

// What a name stands for; "auto": the best that the CPU has. Throws InvalidArgument for an unknown
// name.
IsaLevel find_isa(std::string_view name);

// Chooses for the ops that run from now on. Throws InvalidArgument for an unknown name, for an
// instruction set that the CPU lacks, and for another one than a lease holds. Kernels of different
// sets sum in different orders: results differ in the last bits.
void select_isa(std::string_view name);
void select_isa(IsaLevel isa);

IsaLevel current_isa();

// Selects, and holds the choice while it lives: one per engine. "auto" is what others hold, if any
// do. Throws as select_isa does.
class IsaLease {
 public:
  explicit IsaLease(std::string_view name);
  ~IsaLease();
  IsaLease(const IsaLease&) = delete;
  IsaLease& operator=(const IsaLease&) = delete;
};

}  // namespace quire::cpu
