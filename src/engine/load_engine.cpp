#include "engine/load_engine.h"

#include <future>

#include <fmt/format.h>

#include "backend/cpu_isa.h"
#include "base/env.h"
#include "base/file.h"
#include "base/log.h"
#include "base/progress_bar.h"
#include "engine/inproc_client.h"
#include "engine/make_scheduler.h"
#include "engine/threaded_executor.h"
#include "hub/model_dir.h"
#include "quire/error.h"

namespace quire {
namespace {

namespace fs = std::filesystem;
using TokenizerPtr = std::shared_ptr<const Tokenizer>;

// The folder of a repository; a bar shows a download.
fs::path find_folder(
    const EngineConfig& config,
    const std::string& name,
    const std::optional<std::string>& revision,
    bool tokenizer_only
) {
  std::optional<ProgressBar> bar;
  HubOptions options;
  options.revision = revision;
  options.token = config.hf_token;
  options.tokenizer_only = tokenizer_only;
  if (config.download_dir) options.download_dir = *config.download_dir;
  options.on_progress = [&](const HubProgress& progress) {
    if (!bar) bar.emplace("Downloading " + name, 0, config.use_tqdm_on_load, ProgressUnit::kBytes);
    bar->set_total(progress.total_bytes);
    bar->update(progress.done_bytes, progress.file);
  };
  return resolve_model_dir(name, options);
}

// The model's folder, unless the tokenizer has a name or a revision of its own.
fs::path find_tokenizer_folder(const EngineConfig& config, const fs::path& model_dir) {
  if (!config.tokenizer && !config.tokenizer_revision) return model_dir;
  return find_folder(
      config, config.tokenizer.value_or(config.model), config.tokenizer_revision, true
  );
}

// The model's folder and what --generation-config names.
ModelConfig load_files(const fs::path& dir, const EngineConfig& config) {
  const std::string overrides = config.hf_overrides.value_or("");
  if (config.generation_config == "auto" || config.generation_config == "vllm") {
    return load_model_config(dir, overrides);
  }
  const fs::path other = fs::path(config.generation_config) / "generation_config.json";
  std::error_code ignored;
  if (!fs::is_regular_file(other, ignored)) {
    throw InvalidArgument(
        "generation_config",
        fmt::format(
            "generation_config='{}' has no generation_config.json. Use auto, vllm or a folder that "
            "has one.",
            config.generation_config
        )
    );
  }
  return parse_model_config(read_model_config_file(dir, overrides), read_file(other));
}

// config.json with the sampling defaults that the options name.
ModelConfig load_config(const fs::path& dir, const EngineConfig& config) {
  ModelConfig model = load_files(dir, config);
  if (config.generation_config == "vllm") {
    model.default_temperature.reset();
    model.default_top_p.reset();
    model.default_top_k.reset();
    model.default_min_p.reset();
    model.default_repetition_penalty.reset();
    model.default_max_new_tokens.reset();
  }
  if (config.override_generation_config) {
    override_generation_config(model, *config.override_generation_config);
  }
  return model;
}

LogprobsMode logprobs_mode_of(const std::string& name) {
  if (const auto mode = parse_logprobs_mode(name)) return *mode;
  throw InvalidArgument(
      "logprobs_mode",
      fmt::format(
          "logprobs_mode='{}' is not known. Use one of: raw_logprobs, processed_logprobs, "
          "raw_logits, processed_logits.",
          name
      )
  );
}

WeightSource open_weights(const EngineConfig& config, const fs::path& dir, DType dtype) {
  if (config.load_format == "dummy") {
    return WeightSource::dummy(dtype, static_cast<uint64_t>(config.seed));
  }
  if (config.load_format == "auto" || config.load_format == "safetensors") {
    return WeightSource::open_safetensors(dir);
  }
  throw InvalidArgument(
      "load_format",
      fmt::format(
          "load_format='{}' is not supported. Use auto or safetensors (both read safetensors "
          "files), dummy (random weights) or null (no model).",
          config.load_format
      )
  );
}

// `wish`: a file, or the template's own text.
std::shared_ptr<const ChatTemplate> load_chat_template(
    const std::string& wish, const fs::path& dir
) {
  std::error_code ignored;
  if (fs::is_regular_file(wish, ignored)) return ChatTemplate::from_file(wish, dir);
  if (wish.find_first_of("{}\n") != std::string::npos) return ChatTemplate::from_source(wish);
  throw InvalidArgument(
      "chat_template",
      fmt::format("chat_template='{}' is neither a file nor the text of a template.", wish)
  );
}

bool is_null(const EngineConfig& config) {
  return config.load_format == "null";
}

std::unique_ptr<Worker> load_worker(
    const EngineConfig& config, const ResolvedConfig& resolved, const fs::path& dir
) {
  auto worker = std::make_unique<Worker>(WorkerConfig{
      .num_threads = is_null(config) ? 1 : resolved.num_threads,
      .dtype = resolved.dtype,
      .max_model_len = resolved.scheduler.max_model_len,
      .max_num_seqs = resolved.scheduler.max_num_seqs,
      .max_num_batched_tokens = resolved.scheduler.max_num_batched_tokens,
      .logprobs_mode = logprobs_mode_of(config.logprobs_mode),
      .seed = resolved.seed,
      .kv_cache_population = resolved.cache.population,
  });
  if (is_null(config)) {
    worker->load_null_model(resolved.model);
    return worker;
  }
  WeightSource weights = open_weights(config, dir, resolved.dtype);
  ProgressBar bar(
      "Loading weights",
      weights.num_bytes(),
      config.use_tqdm_on_load && weights.num_bytes() > 0,
      ProgressUnit::kBytes
  );
  weights.on_progress([&bar](int64_t done, int64_t) { bar.update(done); });
  worker->load_model(resolved.model, std::move(weights));
  return worker;
}

std::unique_ptr<EngineCoreClient> start_core(
    const ResolvedConfig& wish,
    std::unique_ptr<Worker> worker,
    const EngineHooks& hooks,
    LoadedEngine& loaded
) {
  KVCacheConfig& cache = loaded.kv_cache;
  cache = size_kv_cache(wish, worker->kv_cache_specs(), worker->workspace_bytes());
  const ResolvedConfig resolved = fit_max_model_len(wish, cache);
  loaded.max_model_len = resolved.scheduler.max_model_len;
  loaded.max_num_seqs = resolved.scheduler.max_num_seqs;
  loaded.cache = resolved.cache;
  worker->initialize_kv_cache(cache);
  const double concurrency = max_concurrency(cache, resolved.scheduler);
  QUIRE_LOG_INFO(
      "KV cache: {} tokens in {} blocks, {}; {:.1f} requests of {} tokens fit.",
      static_cast<int64_t>(concurrency * resolved.scheduler.max_model_len),
      cache.num_blocks,
      format_gib(kv_cache_num_bytes(cache)),
      concurrency,
      resolved.scheduler.max_model_len
  );
  std::unique_ptr<Executor> executor = std::make_unique<UniprocExecutor>(std::move(worker));
  if (hooks.wrap_executor) executor = hooks.wrap_executor(std::move(executor));
  // The step that runs, and the one that is planned meanwhile.
  const int max_concurrent_batches = resolved.scheduler.async_scheduling ? 2 : 1;
  if (max_concurrent_batches > 1) {
    executor = std::make_unique<ThreadedExecutor>(std::move(executor), max_concurrent_batches);
  }
  auto core = std::make_unique<EngineCore>(
      make_scheduler(resolved, cache), std::move(executor), cache.num_blocks, max_concurrent_batches
  );
  return hooks.start_core ? hooks.start_core(std::move(core)) : make_inproc_client(std::move(core));
}

EngineConfig with_environment(EngineConfig config) {
  if (config.cpu_isa == "auto") config.cpu_isa = env::cpu_isa().value_or("auto");
  config.batch_invariant = config.batch_invariant || env::batch_invariant();
  const auto gib = env::cpu_kv_cache_space_gib();
  if (gib && !config.kv_cache_memory_bytes) config.kv_cache_memory_bytes = *gib << 30;
  if (const auto use_v1 = env::use_v1(); use_v1 && !config.scheduler) {
    config.scheduler = *use_v1 ? "v1" : "v0";
  }
  return config;
}

}  // namespace

LoadedEngine load_engine(const EngineConfig& wish, UsageContext usage, const EngineHooks& hooks) {
  const EngineConfig config = with_environment(wish);
  LoadedEngine loaded;
  loaded.isa = std::make_shared<const cpu::IsaLease>(config.cpu_isa);
  const fs::path dir = find_folder(config, config.model, config.revision, false);
  loaded.config = config;
  loaded.tokenizer_dir = find_tokenizer_folder(config, dir);
  if (config.chat_template)
    loaded.chat_template = load_chat_template(*config.chat_template, loaded.tokenizer_dir);
  std::future<TokenizerPtr> tokenizer = std::async(std::launch::async, [&]() -> TokenizerPtr {
    return config.skip_tokenizer_init ? nullptr : Tokenizer::from_dir(loaded.tokenizer_dir);
  });
  loaded.model = load_config(dir, config);
  const ResolvedConfig resolved =
      resolve(config, loaded.model, query_device_info(), usage, env::allow_long_max_model_len());
  for (const std::string& note : resolved.notes)
    QUIRE_LOG_INFO("{}", note);
  for (const std::string& warning : resolved.warnings)
    QUIRE_LOG_WARN("{}", warning);
  std::unique_ptr<Worker> worker = load_worker(config, resolved, dir);
  loaded.tokenizer = tokenizer.get();
  loaded.core = start_core(resolved, std::move(worker), hooks, loaded);
  return loaded;
}

InputProcessorConfig input_processor_config(const LoadedEngine& loaded) {
  InputProcessorConfig config;
  config.max_model_len = loaded.max_model_len;
  config.vocab_size = loaded.model.vocab_size;
  config.max_logprobs = loaded.config.max_logprobs;
  config.eos_token_ids = loaded.model.eos_token_ids;
  config.has_priorities = loaded.config.scheduling_policy == "priority";
  config.has_logits = loaded.config.load_format != "null";
  return config;
}

}  // namespace quire
