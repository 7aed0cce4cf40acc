#include "backend/cpu/kernel_table.h"

#include "base/check.h"

namespace quire::cpu {
namespace {

constexpr IsaLevel kLevels[] = {IsaLevel::kGeneric, IsaLevel::kAvx2, IsaLevel::kAvx512};

IsaLevel best_isa() {
  IsaLevel best = IsaLevel::kGeneric;
  for (const IsaLevel isa : kLevels) {
    if (is_isa_available(isa)) best = isa;
  }
  return best;
}

const KernelTable& table_of([[maybe_unused]] IsaLevel isa) {
#if defined(QUIRE_X86_KERNELS)
  switch (isa) {
    case IsaLevel::kAvx512:
      return avx512_kernels();
    case IsaLevel::kAvx2:
      return avx2_kernels();
    case IsaLevel::kGeneric:
      break;
  }
#endif
  return generic_kernels();
}

struct Choice {
  IsaLevel isa;
  const KernelTable* table;
};

// Written by select_isa() only, while no op runs.
Choice& choice() {
  static Choice chosen = [] {
    const IsaLevel best = best_isa();
    return Choice{best, &table_of(best)};
  }();
  return chosen;
}

}  // namespace

std::string_view isa_name(IsaLevel isa) {
  switch (isa) {
    case IsaLevel::kGeneric:
      return "generic";
    case IsaLevel::kAvx2:
      return "avx2";
    case IsaLevel::kAvx512:
      return "avx512";
  }
  return "";
}

bool is_isa_available(IsaLevel isa) {
  switch (isa) {
    case IsaLevel::kGeneric:
      return true;
#if defined(QUIRE_X86_KERNELS)
    case IsaLevel::kAvx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case IsaLevel::kAvx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
#else
    case IsaLevel::kAvx2:
    case IsaLevel::kAvx512:
      return false;
#endif
  }
  return false;
}

void select_isa(IsaLevel isa) {
  if (!is_isa_available(isa)) {
    throw InvalidArgument(
        "cpu_isa",
        fmt::format(
            "cpu_isa: this CPU or build has no {}; the best it has is {} (use auto)",
            isa_name(isa),
            isa_name(best_isa())
        )
    );
  }
  choice() = {isa, &table_of(isa)};
}

void select_isa(std::string_view name) {
  if (name == "auto") return select_isa(best_isa());
  for (const IsaLevel isa : kLevels) {
    if (name == isa_name(isa)) return select_isa(isa);
  }
  throw InvalidArgument(
      "cpu_isa", fmt::format("cpu_isa: '{}' is unknown; use auto, generic, avx2 or avx512", name)
  );
}

IsaLevel current_isa() {
  return choice().isa;
}

const KernelTable& kernels() {
  return *choice().table;
}

}  // namespace quire::cpu
