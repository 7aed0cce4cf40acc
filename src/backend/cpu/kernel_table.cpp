#include "backend/cpu/kernel_table.h"

#include <array>
#include <atomic>
#include <iterator>
#include <mutex>

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

const Choice& choice_of(IsaLevel isa) {
  static const std::array<Choice, std::size(kLevels)> choices = [] {
    std::array<Choice, std::size(kLevels)> all{};
    for (const IsaLevel level : kLevels) {
      if (is_isa_available(level)) all[static_cast<size_t>(level)] = {level, &table_of(level)};
    }
    return all;
  }();
  return choices[static_cast<size_t>(isa)];
}

// Ops read it on every thread, while another engine may be loading.
std::atomic<const Choice*>& choice() {
  static std::atomic<const Choice*> chosen = &choice_of(best_isa());
  return chosen;
}

std::mutex lease_mutex;
int num_leases = 0;  // guarded by lease_mutex

void refuse_second_isa(IsaLevel isa) {
  if (num_leases == 0 || isa == current_isa()) return;
  throw InvalidArgument(
      "cpu_isa",
      fmt::format(
          "cpu_isa: an engine of this process runs with {}; use {} or auto for this one too, or a "
          "process of its own",
          isa_name(current_isa()),
          isa_name(current_isa())
      )
  );
}

void select_unless_leased(IsaLevel isa) {
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
  refuse_second_isa(isa);
  choice().store(&choice_of(isa), std::memory_order_release);
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
  std::lock_guard lock(lease_mutex);
  select_unless_leased(isa);
}

void select_isa(std::string_view name) {
  select_isa(find_isa(name));
}

IsaLease::IsaLease(std::string_view name) {
  std::lock_guard lock(lease_mutex);
  select_unless_leased(name == "auto" && num_leases > 0 ? current_isa() : find_isa(name));
  ++num_leases;
}

IsaLease::~IsaLease() {
  std::lock_guard lock(lease_mutex);
  --num_leases;
}

IsaLevel find_isa(std::string_view name) {
  if (name == "auto") return best_isa();
  for (const IsaLevel isa : kLevels) {
    if (name == isa_name(isa)) return isa;
  }
  throw InvalidArgument(
      "cpu_isa", fmt::format("cpu_isa: '{}' is unknown; use auto, generic, avx2 or avx512", name)
  );
}

IsaLevel current_isa() {
  return choice().load(std::memory_order_acquire)->isa;
}

const KernelTable& kernels() {
  return *choice().load(std::memory_order_acquire)->table;
}

}  // namespace quire::cpu
