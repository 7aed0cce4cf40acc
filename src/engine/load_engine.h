#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "backend/cpu_isa.h"
#include "config/model_config.h"
#include "config/resolve.h"
#include "engine/engine_core.h"
#include "engine/engine_core_client.h"
#include "engine/engine_metrics.h"
#include "engine/input_processor.h"
#include "quire/chat_template.h"
#include "quire/engine_config.h"
#include "quire/tokenizer.h"

namespace quire {

// What stands behind an AsyncEngine: a running engine core, and what the front end must know of its
// model.
struct LoadedEngine {
  EngineConfig config;  // as the user gave it
  ModelConfig model;  // with the sampling defaults that config.generation_config chose
  int max_model_len = 0;
  int max_num_seqs = 0;
  CacheConfig cache;
  KVCacheConfig kv_cache;
  std::filesystem::path tokenizer_dir;  // where the model's own chat template is looked for
  std::shared_ptr<const ChatTemplate> chat_template;  // the one asked for; nullptr: none was
  std::shared_ptr<const Tokenizer> tokenizer;  // nullptr with skip_tokenizer_init
  std::shared_ptr<const cpu::IsaLease> isa;  // the core's kernels: it outlives the core
  std::unique_ptr<EngineCoreClient> core;
};

// For measuring: what to put around the parts of an engine before it runs.
struct EngineHooks {
  // Gives the executor that the core uses. Default: the one it is given.
  std::function<std::unique_ptr<Executor>(std::unique_ptr<Executor>)> wrap_executor;
  // Runs the core; may keep it and return nullptr. Default: make_inproc_client.
  std::function<std::unique_ptr<EngineCoreClient>(std::unique_ptr<EngineCore>)> start_core;
};

// Finds or downloads the model, resolves the options, loads tokenizer and weights side by side and
// starts the engine core. Throws InvalidArgument or EnvironmentError.
LoadedEngine load_engine(
    const EngineConfig& config,
    UsageContext usage = UsageContext::kLlm,
    const EngineHooks& hooks = {}
);

// What the requests of the engine are checked against.
InputProcessorConfig input_processor_config(const LoadedEngine& loaded);

// What its metrics say of it.
EngineMetricsConfig engine_metrics_config(const LoadedEngine& loaded);

}  // namespace quire
