#include "config/rope_config.h"

#include <fmt/format.h>

namespace quire {
namespace {

constexpr double kMinTheta = 1.0;
constexpr double kMaxTheta = 1e12;
constexpr double kMaxFactor = 1e6;

std::string rope_type_of(const JsonFields& scaling) {
  if (const auto type = scaling.text("rope_type")) return *type;
  return scaling.text("type").value_or("default");
}

[[noreturn]] void refuse_rope_type(const JsonFields& scaling, const std::string& type) {
  if (type == "longrope" || type == "su") {
    scaling.fail(
        "rope_type",
        fmt::format(
            "'{}' is not supported: use the checkpoint of the same model for the short context "
            "(for example 4k instead of 128k)",
            type
        )
    );
  }
  scaling.fail(
      "rope_type",
      fmt::format(
          "'{}' is not supported (known: default, linear, llama3): use another checkpoint, or "
          "remove the scaling from config.json to run at the original context length",
          type
      )
  );
}

void parse_llama3(const JsonFields& scaling, RopeConfig& rope) {
  rope.scaling = RopeScaling::kLlama3;
  rope.factor = scaling.required_number("factor", 1.0, kMaxFactor);
  rope.low_freq_factor = scaling.required_number("low_freq_factor", 1e-6, kMaxFactor);
  rope.high_freq_factor = scaling.required_number("high_freq_factor", 1e-6, kMaxFactor);
  rope.original_max_position_embeddings =
      scaling.required_integer("original_max_position_embeddings", 1, 1 << 30);
  if (rope.low_freq_factor >= rope.high_freq_factor) {
    scaling.fail("low_freq_factor", "must be below high_freq_factor");
  }
}

// `scaling` is a rope_parameters or a rope_scaling object.
RopeConfig parse_scaling(const JsonFields& scaling, double theta, double partial_rotary_factor) {
  RopeConfig rope;
  rope.theta = scaling.number("rope_theta", kMinTheta, kMaxTheta).value_or(theta);
  rope.partial_rotary_factor =
      scaling.number("partial_rotary_factor", 0.0, 1.0).value_or(partial_rotary_factor);
  const std::string type = rope_type_of(scaling);
  if (type == "linear") {
    rope.scaling = RopeScaling::kLinear;
    rope.factor = scaling.required_number("factor", 1.0, kMaxFactor);
  } else if (type == "llama3") {
    parse_llama3(scaling, rope);
  } else if (type != "default") {
    refuse_rope_type(scaling, type);
  }
  return rope;
}

void require_rotary_dim(
    const JsonFields& fields, const RopeDefaults& defaults, const RopeConfig& rope, int head_dim
) {
  if (rope.partial_rotary_factor != 1.0 && !defaults.allows_partial) {
    fields.fail(
        "partial_rotary_factor",
        fmt::format(
            "is {}; this architecture rotates whole heads: it must be 1", rope.partial_rotary_factor
        )
    );
  }
  const int rotary_dim = static_cast<int>(head_dim * rope.partial_rotary_factor);
  if (rotary_dim < 2 || rotary_dim % 2 != 0 || head_dim % 2 != 0) {
    fields.fail(
        "head_dim",
        fmt::format(
            "of {} leaves {} dimensions to rotate; they must be pairs", head_dim, rotary_dim
        )
    );
  }
}

}  // namespace

void parse_rope(const JsonFields& fields, const RopeDefaults& defaults, ModelConfig& config) {
  const double theta = fields.number("rope_theta", kMinTheta, kMaxTheta).value_or(defaults.theta);
  const double partial = fields.number("partial_rotary_factor", 0.0, 1.0).value_or(1.0);
  config.rope.theta = theta;
  config.rope.partial_rotary_factor = partial;
  if (defaults.local_theta) {
    config.rope_local = RopeConfig{
        .theta = fields.number("rope_local_base_freq", kMinTheta, kMaxTheta)
                     .value_or(*defaults.local_theta)};
  }
  auto parameters = fields.object("rope_parameters");
  if (!parameters) parameters = fields.object("rope_scaling");
  if (parameters) {
    const auto global = parameters->object("full_attention");
    const auto local = parameters->object("sliding_attention");
    config.rope = parse_scaling(global.value_or(*parameters), theta, partial);
    if (local) {
      config.rope_local = parse_scaling(*local, defaults.local_theta.value_or(theta), partial);
    }
  }
  require_rotary_dim(fields, defaults, config.rope, config.head_dim);
  if (config.rope_local) require_rotary_dim(fields, defaults, *config.rope_local, config.head_dim);
}

}  // namespace quire
