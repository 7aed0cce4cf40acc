#include "support/reference_ops.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tensor/half.h"

namespace quire::reference {
namespace {

double element(const Tensor& tensor, int64_t index) {
  switch (tensor.dtype()) {
    case DType::kBFloat16:
      return to_float(tensor.data<BFloat16>()[index]);
    case DType::kFloat16:
      return to_float(tensor.data<Float16>()[index]);
    default:
      return tensor.data<float>()[index];
  }
}

double score(
    const Matrix& q,
    const Matrix& k,
    const AttentionOptions& options,
    int64_t row,
    int64_t column,
    int head
) {
  const int kv_head = head / (options.num_heads / options.num_kv_heads);
  double sum = 0;
  for (int d = 0; d < options.head_dim; ++d) {
    sum += q.at(row, head * options.head_dim + d) * k.at(column, kv_head * options.head_dim + d);
  }
  sum *= options.scale;
  return options.softcap > 0 ? options.softcap * std::tanh(sum / options.softcap) : sum;
}

}  // namespace

Matrix::Matrix(const Tensor& tensor) : Matrix(tensor.size(0), tensor.size(1)) {
  for (int64_t row = 0; row < num_rows; ++row) {
    for (int64_t column = 0; column < num_columns; ++column) {
      at(row, column) = element(tensor, row * tensor.stride(0) + column * tensor.stride(1));
    }
  }
}

Matrix rms_norm(const Matrix& x, const std::vector<float>& weight, double eps) {
  Matrix out(x.num_rows, x.num_columns);
  for (int64_t row = 0; row < x.num_rows; ++row) {
    double sum = 0;
    for (int64_t i = 0; i < x.num_columns; ++i) {
      sum += x.at(row, i) * x.at(row, i);
    }
    const double scale = 1.0 / std::sqrt(sum / static_cast<double>(x.num_columns) + eps);
    for (int64_t i = 0; i < x.num_columns; ++i) {
      out.at(row, i) = x.at(row, i) * scale * weight[i];
    }
  }
  return out;
}

double silu(double x) {
  return x / (1.0 + std::exp(-x));
}

double gelu_tanh(double x) {
  return 0.5 * x * (1.0 + std::tanh(std::sqrt(2.0 / M_PI) * (x + 0.044715 * x * x * x)));
}

Matrix gated(const Matrix& gate_up, double (*activation)(double)) {
  Matrix out(gate_up.num_rows, gate_up.num_columns / 2);
  for (int64_t row = 0; row < out.num_rows; ++row) {
    for (int64_t i = 0; i < out.num_columns; ++i) {
      out.at(row, i) = activation(gate_up.at(row, i)) * gate_up.at(row, out.num_columns + i);
    }
  }
  return out;
}

Matrix linear(const Matrix& x, const Matrix& weight) {
  Matrix out(x.num_rows, weight.num_rows);
  for (int64_t row = 0; row < out.num_rows; ++row) {
    for (int64_t n = 0; n < out.num_columns; ++n) {
      for (int64_t k = 0; k < x.num_columns; ++k) {
        out.at(row, n) += x.at(row, k) * weight.at(n, k);
      }
    }
  }
  return out;
}

Matrix linear_magnitude(const Matrix& x, const Matrix& weight) {
  Matrix abs_x = x;
  Matrix abs_weight = weight;
  const auto absolute = [](double value) { return std::abs(value); };
  std::ranges::transform(abs_x.values, abs_x.values.begin(), absolute);
  std::ranges::transform(abs_weight.values, abs_weight.values.begin(), absolute);
  return linear(abs_x, abs_weight);
}

Matrix log_softmax(const Matrix& logits) {
  Matrix out(logits.num_rows, logits.num_columns);
  for (int64_t row = 0; row < out.num_rows; ++row) {
    double top = -std::numeric_limits<double>::infinity();
    for (int64_t i = 0; i < out.num_columns; ++i) {
      top = std::max(top, logits.at(row, i));
    }
    double sum = 0;
    for (int64_t i = 0; i < out.num_columns; ++i) {
      sum += std::exp(logits.at(row, i) - top);
    }
    for (int64_t i = 0; i < out.num_columns; ++i) {
      out.at(row, i) = logits.at(row, i) - top - std::log(sum);
    }
  }
  return out;
}

void rotate(double* head, int rotary_dim, int position, double theta) {
  const int half = rotary_dim / 2;
  for (int i = 0; i < half; ++i) {
    const double angle = position * std::pow(theta, -2.0 * i / rotary_dim);
    const double a = head[i];
    const double b = head[i + half];
    head[i] = a * std::cos(angle) - b * std::sin(angle);
    head[i + half] = b * std::cos(angle) + a * std::sin(angle);
  }
}

Matrix attention(
    const Matrix& q, const Matrix& k, const Matrix& v, const AttentionOptions& options
) {
  Matrix out(q.num_rows, q.num_columns);
  const int group_size = options.num_heads / options.num_kv_heads;
  for (int64_t row = 0; row < q.num_rows; ++row) {
    const int64_t window = options.sliding_window.value_or(static_cast<int>(row) + 1);
    const int64_t begin = std::max<int64_t>(0, row - window + 1);
    for (int head = 0; head < options.num_heads; ++head) {
      Matrix scores(1, row + 1 - begin);
      for (int64_t i = begin; i <= row; ++i) {
        scores.at(0, i - begin) = score(q, k, options, row, i, head);
      }
      const Matrix log_weights = log_softmax(scores);
      for (int64_t i = begin; i <= row; ++i) {
        const double weight = std::exp(log_weights.at(0, i - begin));
        for (int d = 0; d < options.head_dim; ++d) {
          const int64_t column = head / group_size * options.head_dim + d;
          out.at(row, head * options.head_dim + d) += weight * v.at(i, column);
        }
      }
    }
  }
  return out;
}

}  // namespace quire::reference
