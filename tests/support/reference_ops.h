#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tensor/storage.h"
#include "tensor/tensor.h"

// Every op once more: plain loops in float64, and the error that float32 may make.
namespace quire::reference {

// A row-major matrix of doubles.
struct Matrix {
  int64_t num_rows = 0;
  int64_t num_columns = 0;
  std::vector<double> values;

  Matrix(int64_t rows, int64_t columns)
      : num_rows(rows), num_columns(columns), values(rows * columns) {}
  // float32, bfloat16 or float16 of two dimensions; rows may be strided.
  explicit Matrix(const Tensor& tensor);

  double& at(int64_t row, int64_t column) { return values[row * num_columns + column]; }
  double at(int64_t row, int64_t column) const { return values[row * num_columns + column]; }
};

// Half the distance between 1 and the next float32.
inline constexpr double kEpsilon = 0x1p-24;

Matrix rms_norm(const Matrix& x, const std::vector<float>& weight, double eps);
double silu(double x);
double gelu_tanh(double x);
Matrix gated(const Matrix& gate_up, double (*activation)(double));  // [M, 2K] → [M, K]

// x · Wᵀ.
Matrix linear(const Matrix& x, const Matrix& weight);
// Sum of |x| |w| per output: the scale of its rounding errors.
Matrix linear_magnitude(const Matrix& x, const Matrix& weight);

Matrix log_softmax(const Matrix& logits);

// Pairs (i, i + rotary_dim / 2) of a head turned by position * theta^(-2i / rotary_dim).
void rotate(double* head, int rotary_dim, int position, double theta);

struct AttentionOptions {
  int num_heads = 0;
  int num_kv_heads = 0;
  int head_dim = 0;
  double scale = 0.0;
  double softcap = 0.0;
  std::optional<int> sliding_window;
};

// One whole sequence: q [T, num_heads * head_dim], k and v [T, num_kv_heads * head_dim], rotated.
Matrix attention(
    const Matrix& q, const Matrix& k, const Matrix& v, const AttentionOptions& options
);

}  // namespace quire::reference
