#include "config/model_config.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/file.h"
#include "config/json_fields.h"
#include "config/model_families.h"
#include "quire/error.h"

namespace quire {
namespace {

// Far above any model, low enough that products of a few sizes fit in 64 bits.
constexpr int kMaxSize = 1 << 24;
constexpr int kMaxLayers = 4096;
constexpr int kMaxHeads = 1 << 14;
constexpr int kMaxHeadDim = 512;
constexpr int kMaxPositions = 1 << 24;  // tables of rotary embeddings have a row for each
constexpr int64_t kMaxFileBytes = 16 << 20;
constexpr int kMaxInt = std::numeric_limits<int>::max();

// The names that checkpoints use for their context length; the smallest one counts.
constexpr std::string_view kLengthFields[] = {
    "max_position_embeddings",
    "n_positions",
    "max_seq_len",
    "seq_length",
    "model_max_length",
    "max_target_positions",
    "max_sequence_length",
    "max_seq_length",
    "seq_len",
};

simdjson::dom::object parse_object(
    simdjson::dom::parser& parser, std::string_view text, const char* file
) {
  simdjson::dom::object object;
  const auto error = parser.parse(simdjson::padded_string(text)).get(object);
  if (error == simdjson::SUCCESS) return object;
  throw InvalidArgument(
      "model", fmt::format("{}: no JSON object ({})", file, simdjson::error_message(error))
  );
}

std::string read_architecture(const JsonFields& fields) {
  const auto list = fields.array("architectures");
  std::string_view name;
  if (!list || list->size() == 0) {
    fields.fail(
        "architectures", "is missing: it names the model class, for example LlamaForCausalLM"
    );
  }
  if (list->at(0).get(name) != simdjson::SUCCESS) fields.fail("architectures", "must hold strings");
  return std::string(name);
}

void refuse_quantized(const JsonFields& fields) {
  for (const char* name : {"quantization_config", "compression_config"}) {
    const auto quantization = fields.object(name);
    if (!quantization) continue;
    fields.fail(
        name,
        fmt::format(
            "(method {}) is not supported: use the unquantized checkpoint of the model",
            quantization->text("quant_method").value_or("unknown")
        )
    );
  }
}

int read_max_position_embeddings(const JsonFields& fields) {
  std::optional<int> smallest;
  for (const std::string_view name : kLengthFields) {
    const auto length = fields.integer(name, 1, kMaxPositions);
    if (length && (!smallest || *length < *smallest)) smallest = length;
  }
  if (!smallest) fields.fail("max_position_embeddings", "is missing");
  return *smallest;
}

void read_sizes(const JsonFields& fields, const ModelFamily& family, ModelConfig& config) {
  config.vocab_size = fields.required_integer("vocab_size", 1, kMaxSize);
  config.hidden_size = fields.required_integer("hidden_size", 1, kMaxSize);
  config.intermediate_size = fields.required_integer("intermediate_size", 1, kMaxSize);
  config.num_hidden_layers = fields.required_integer("num_hidden_layers", 1, kMaxLayers);
  config.num_attention_heads = fields.required_integer("num_attention_heads", 1, kMaxHeads);
  config.num_key_value_heads =
      fields.integer("num_key_value_heads", 1, kMaxHeads).value_or(config.num_attention_heads);
  if (config.num_attention_heads % config.num_key_value_heads != 0) {
    fields.fail(
        "num_attention_heads",
        fmt::format(
            "is {}, must be a multiple of num_key_value_heads ({})",
            config.num_attention_heads,
            config.num_key_value_heads
        )
    );
  }
  auto head_dim = fields.integer("head_dim", 2, kMaxHeads);
  if (!head_dim && !fields.has("head_dim")) head_dim = family.head_dim;
  if (!head_dim && config.hidden_size % config.num_attention_heads != 0) {
    fields.fail("head_dim", "is missing, and hidden_size is no multiple of num_attention_heads");
  }
  config.head_dim = head_dim.value_or(config.hidden_size / config.num_attention_heads);
  if (config.head_dim > kMaxHeadDim) {
    fields.fail(
        "head_dim", fmt::format("is {}, attention supports up to {}", config.head_dim, kMaxHeadDim)
    );
  }
  config.max_position_embeddings = read_max_position_embeddings(fields);
}

void read_layer_types(const JsonFields& fields, ModelConfig& config) {
  const auto types = fields.array("layer_types");
  if (!types) return;
  if (types->size() != static_cast<size_t>(config.num_hidden_layers)) {
    fields.fail(
        "layer_types", fmt::format("names {} layers of {}", types->size(), config.num_hidden_layers)
    );
  }
  int layer = 0;
  for (const simdjson::dom::element element : *types) {
    std::string_view type;
    if (element.get(type) != simdjson::SUCCESS) fields.fail("layer_types", "must hold strings");
    if (type != "full_attention" && type != "sliding_attention") {
      fields.fail(
          "layer_types", fmt::format("has '{}'; supported: full_attention, sliding_attention", type)
      );
    }
    config.is_sliding_layer[layer++] = type == "sliding_attention";
  }
}

void settle_windows(const JsonFields& fields, ModelConfig& config) {
  const bool has_window =
      std::ranges::find(config.is_sliding_layer, true) != config.is_sliding_layer.end();
  if (has_window && !config.sliding_window) {
    fields.fail("sliding_window", "is missing, though layers with a window are named");
  }
  if (!has_window) config.sliding_window.reset();
}

DType read_dtype(const JsonFields& fields) {
  for (const char* name : {"dtype", "torch_dtype"}) {
    const auto text = fields.text(name);
    if (!text) continue;
    if (const auto dtype = parse_dtype(*text)) return *dtype;
    fields.fail(name, fmt::format("'{}' is not known; known: float32, bfloat16, float16", *text));
  }
  return DType::kFloat32;
}

// An id, a list of ids, or null.
void append_token_ids(const JsonFields& fields, const char* name, std::vector<int32_t>& ids) {
  const auto value = fields.find(name);
  if (!value) return;
  const auto append = [&](simdjson::dom::element element) {
    int64_t id = -1;
    if (element.get(id) != simdjson::SUCCESS || id < 0 || id > kMaxInt) {
      fields.fail(name, "must be a token id or a list of them");
    }
    if (std::ranges::find(ids, id) == ids.end()) ids.push_back(static_cast<int32_t>(id));
  };
  simdjson::dom::array list;
  if (value->get(list) != simdjson::SUCCESS) return append(*value);
  for (const simdjson::dom::element element : list)
    append(element);
}

void read_config(const JsonFields& fields, ModelConfig& config) {
  config.architecture = read_architecture(fields);
  const ModelFamily& family = find_model_family(config.architecture);
  refuse_quantized(fields);
  config.model_type = fields.text("model_type").value_or("");
  read_sizes(fields, family, config);
  config.rms_norm_eps = fields.number("rms_norm_eps", 0.0, 1.0).value_or(family.rms_norm_eps);
  config.hidden_act = fields.text("hidden_act").value_or("silu");
  config.tie_word_embeddings =
      fields.boolean("tie_word_embeddings").value_or(family.tie_word_embeddings);
  config.attention_bias = fields.boolean("attention_bias").value_or(false);
  config.mlp_bias = fields.boolean("mlp_bias").value_or(false);
  config.dtype = read_dtype(fields);
  append_token_ids(fields, "eos_token_id", config.eos_token_ids);
  config.bos_token_id = fields.integer("bos_token_id", 0, kMaxInt);
  parse_rope(fields, family.rope, config);
  config.is_sliding_layer.assign(config.num_hidden_layers, false);
  read_layer_types(fields, config);
  family.read_quirks(fields, config);
  settle_windows(fields, config);
}

void read_sampling_defaults(const JsonFields& fields, ModelConfig& config) {
  config.default_temperature = fields.number("temperature", 0.0, 1e6);
  config.default_top_p = fields.number("top_p", 0.0, 1.0);
  config.default_top_k = fields.integer("top_k", -1, kMaxInt);
  config.default_min_p = fields.number("min_p", 0.0, 1.0);
  config.default_repetition_penalty = fields.number("repetition_penalty", 0.0, 1e6);
  config.default_max_new_tokens = fields.integer("max_new_tokens", 1, kMaxInt);
}

void read_generation_config(const JsonFields& fields, ModelConfig& config) {
  append_token_ids(fields, "eos_token_id", config.eos_token_ids);
  read_sampling_defaults(fields, config);
}

void check_generation_overrides(simdjson::dom::object overrides) {
  constexpr std::string_view kKnown[] = {
      "temperature", "top_p", "top_k", "min_p", "repetition_penalty", "max_new_tokens"};
  for (const auto& [name, value] : overrides) {
    if (std::ranges::find(kKnown, name) != std::end(kKnown)) continue;
    throw InvalidArgument(
        "override_generation_config",
        fmt::format(
            "'{}' is not known. Use some of: {}. Other parameters are given with each request.",
            name,
            fmt::join(kKnown, ", ")
        )
    );
  }
}

}  // namespace

int ModelConfig::derived_max_model_len() const {
  // Linear scaling stretches the positions that the checkpoint was trained on.
  // max_position_embeddings of llama3 scaling and of Gemma 3 has the stretch in it.
  const bool is_stretched =
      rope.scaling == RopeScaling::kLinear && architecture != "Gemma3ForCausalLM";
  const double length = max_position_embeddings * (is_stretched ? rope.factor : 1.0);
  return static_cast<int>(std::min<double>(length, kMaxPositions));
}

ModelConfig parse_model_config(std::string_view config, std::string_view generation_config) {
  ModelConfig result;
  simdjson::dom::parser parser;
  read_config(JsonFields(parse_object(parser, config, "config.json"), "config.json"), result);
  if (!generation_config.empty()) {
    constexpr const char* kFile = "generation_config.json";
    read_generation_config(
        JsonFields(parse_object(parser, generation_config, kFile), kFile), result
    );
  }
  return result;
}

void override_generation_config(ModelConfig& config, std::string_view overrides) {
  constexpr const char* kOption = "override_generation_config";
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  const auto error = parser.parse(simdjson::padded_string(overrides)).get(object);
  if (error != simdjson::SUCCESS) {
    throw InvalidArgument(
        kOption, fmt::format("'{}' is not a JSON object: {}.", overrides, error_message(error))
    );
  }
  check_generation_overrides(object);
  const JsonFields fields(object, kOption);
  ModelConfig wish;
  read_sampling_defaults(fields, wish);
  const auto take = [&](const char* name, auto member) {
    if (fields.has(name)) config.*member = wish.*member;
  };
  take("temperature", &ModelConfig::default_temperature);
  take("top_p", &ModelConfig::default_top_p);
  take("top_k", &ModelConfig::default_top_k);
  take("min_p", &ModelConfig::default_min_p);
  take("repetition_penalty", &ModelConfig::default_repetition_penalty);
  take("max_new_tokens", &ModelConfig::default_max_new_tokens);
}

std::string read_model_config_file(const std::filesystem::path& dir, std::string_view overrides) {
  std::string text = read_file(dir / "config.json", kMaxFileBytes);
  if (overrides.empty()) return text;
  return override_json_fields("config.json", text, "hf_overrides", overrides);
}

ModelConfig load_model_config(const std::filesystem::path& dir) {
  return load_model_config(dir, "");
}

ModelConfig load_model_config(const std::filesystem::path& dir, std::string_view hf_overrides) {
  const std::filesystem::path generation_path = dir / "generation_config.json";
  const bool has_generation = std::filesystem::exists(generation_path);
  return parse_model_config(
      read_model_config_file(dir, hf_overrides),
      has_generation ? read_file(generation_path, kMaxFileBytes) : ""
  );
}

}  // namespace quire
