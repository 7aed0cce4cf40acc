#pragma once

#include <cstddef>
#include <cstdint>

#include "backend/cpu/isa/gemm.h"
#include "backend/cpu/isa/rows.h"

// Attention of one tile of query rows over the groups of the cache (backend/cpu/panels.h).
namespace quire::cpu {

template <class V>
struct Float32Cache {
  using Panel = Float32Panel<V>;
  using Element = float;
  static constexpr int kStep = 1;
  static void convert(typename V::Reg a, Element* to) { V::store(to, a); }
};

template <class V>
struct BFloat16Cache {
  using Panel = BFloat16Panel<V>;
  using Element = uint16_t;
  static constexpr int kStep = 2;
  static void convert(typename V::Reg a, Element* to) { V::store_bf16(to, a); }
};

// The element of output `column` and depth k in a panel.
template <class C>
inline int64_t panel_index(int64_t k, int64_t column) {
  return (k / C::kStep * 16 + column) * C::kStep + k % C::kStep;
}

// x (i) and x (i + rotary_dim / 2) turn by the angle of pair i.
template <class V>
void rotate(float* x, const float* cos_sin, int rotary_dim) {
  const int half = rotary_dim / 2;
  for_each_vector<V>(half, [&](int64_t i, int count) {
    const auto cosine = load_part<V>(cos_sin + i, count);
    const auto sine = load_part<V>(cos_sin + half + i, count);
    const auto a = load_part<V>(x + i, count);
    const auto b = load_part<V>(x + half + i, count);
    store_part<V>(x + i, V::sub(V::mul(a, cosine), V::mul(b, sine)), count);
    store_part<V>(x + half + i, V::fma(b, cosine, V::mul(a, sine)), count);
  });
}

template <class V>
void prepare_head(const PrepareArgs& args, const float* norm_weight, float* head) {
  if (norm_weight != nullptr) {
    rms_norm<V>(head, norm_weight, args.norm_eps, args.head_dim, head);
  }
  rotate<V>(head, args.cos_sin, args.rotary_dim);
}

// head, converted and padded by zeros to a multiple of 16.
template <class V, class C>
void convert_head(const float* head, int head_dim, typename C::Element* to) {
  const int padded = (head_dim + 15) / 16 * 16;
  for (int d = 0; d < padded; d += V::kWidth) {
    const int left = head_dim - d;
    if (left >= V::kWidth) {
      C::convert(V::load(head + d), to + d);
    } else {
      C::convert(left > 0 ? V::load_n(head + d, left) : V::zero(), to + d);
    }
  }
}

template <class V, class C>
void write_key_value(const PrepareArgs& args, const float* key, const float* value, int kv_head) {
  const int padded = (args.head_dim + 15) / 16 * 16;
  typename C::Element converted[kMaxHeadDim];
  auto* keys = reinterpret_cast<typename C::Element*>(args.cache + kv_head * args.head_bytes);
  convert_head<V, C>(key, args.head_dim, converted);
  for (int d = 0; d < padded; d += C::kStep) {
    __builtin_memcpy(
        keys + panel_index<C>(d, args.slot), converted + d, C::kStep * sizeof(converted[0])
    );
  }
  auto* values = keys + int64_t{16} * padded + panel_index<C>(args.slot, 0);
  convert_head<V, C>(value, args.head_dim, converted);
  for (int panel = 0; panel < padded / 16; ++panel) {
    for (int column = 0; column < 16; ++column) {
      values[panel * 256 + column * C::kStep] = converted[panel * 16 + column];
    }
  }
}

template <class V, class C>
void prepare(const PrepareArgs& args) {
  float* q = args.qkv;
  float* k = q + args.num_heads * args.head_dim;
  float* v = k + args.num_kv_heads * args.head_dim;
  const int group_size = args.num_heads / args.num_kv_heads;
  for (int head = args.first_kv_head * group_size; head < args.last_kv_head * group_size; ++head) {
    prepare_head<V>(args, args.q_norm_weight, q + head * args.head_dim);
  }
  for (int head = args.first_kv_head; head < args.last_kv_head; ++head) {
    prepare_head<V>(args, args.k_norm_weight, k + head * args.head_dim);
    write_key_value<V, C>(args, k + head * args.head_dim, v + head * args.head_dim, head);
  }
}

// The state of the running softmax of a tile; sums has 16 partial sums a row.
struct AttendState {
  float* q;  // [rows, padded_head_dim], times scale
  float* out;  // [rows, padded_head_dim]
  float* scores;  // [rows, kAttendChunk]
  float* sums;  // [rows, 16]
  float* tops;  // [rows]
  int num_rows;
  int padded_head_dim;
};

// Positions [begin, end) of the groups that a chunk touches.
struct AttendRange {
  int chunk_begin;  // multiple of kAttendChunk
  int begin;  // multiple of 16
  int end;
};

template <class V>
AttendState start_attend(const AttendArgs& args) {
  AttendState state;
  state.num_rows = args.num_tokens * args.num_heads;
  state.padded_head_dim = (args.head_dim + 15) / 16 * 16;
  const int64_t size = int64_t{kMaxAttendRows} * state.padded_head_dim;
  state.q = args.scratch;
  state.out = state.q + size;
  state.scores = state.out + size;
  state.sums = state.scores + kMaxAttendRows * kAttendChunk;
  state.tops = state.sums + kMaxAttendRows * 16;
  for (int row = 0; row < state.num_rows; ++row) {
    const float* from =
        args.q + row / args.num_heads * args.q_stride + row % args.num_heads * args.head_dim;
    float* q = state.q + row * state.padded_head_dim;
    for (int d = args.head_dim; d < state.padded_head_dim; ++d) {
      q[d] = 0.0f;
    }
    scale_float32<V>(from, args.scale, args.head_dim, q);
    state.tops[row] = -1e30f;  // below every score, and finite: differences stay numbers
  }
  for (int64_t i = 0; i < int64_t{state.num_rows} * state.padded_head_dim; i += V::kWidth) {
    V::store(state.out + i, V::zero());
  }
  for (int i = 0; i < state.num_rows * 16; i += V::kWidth) {
    V::store(state.sums + i, V::zero());
  }
  return state;
}

template <class C>
const std::byte* group_of(const AttendArgs& args, int64_t keys_bytes, int group) {
  const int64_t block = args.block_table[group / args.groups_per_block];
  return args.cache + block * args.block_bytes + group % args.groups_per_block * 2 * keys_bytes;
}

// Scores of one row in columns [first, last) of its chunk, of which [begin, end) are visible,
// become weights relative to the row's new maximum. Rows without a visible column keep their state.
template <class V>
void update_row(
    const AttendArgs& args,
    const AttendState& state,
    int row,
    int first,
    int last,
    int begin,
    int end
) {
  using Reg = typename V::Reg;
  float* scores = state.scores + row * kAttendChunk;
  if (begin >= end) {
    for (int i = first; i < last; i += V::kWidth) {
      V::store(scores + i, V::zero());
    }
    return;
  }
  const Reg hidden = V::set1(-__builtin_inff());
  const Reg begins = V::set1(static_cast<float>(begin));
  const Reg ends = V::set1(static_cast<float>(end));
  const Reg cap = V::set1(args.softcap);
  const Reg inverse_cap = V::set1(args.softcap != 0.0f ? 1.0f / args.softcap : 0.0f);
  Reg top = hidden;
  for (int i = first; i < last; i += V::kWidth) {
    Reg score = V::load(scores + i);
    if (args.softcap != 0.0f) score = softcap<V>(score, cap, inverse_cap);
    const Reg column = V::add(V::iota(), V::set1(static_cast<float>(i)));
    score = V::select_less(column, begins, hidden, V::select_less(column, ends, score, hidden));
    V::store(scores + i, score);
    top = V::max(top, score);
  }
  const float old_top = state.tops[row];
  const float chunk_top = V::reduce_max(top);
  const float new_top = chunk_top > old_top ? chunk_top : old_top;
  float* sums = state.sums + row * 16;
  if (new_top > old_top) {
    state.tops[row] = new_top;
    const Reg factor = exp<V>(V::set1(old_top - new_top));
    float* out = state.out + int64_t{row} * state.padded_head_dim;
    for (int d = 0; d < state.padded_head_dim; d += V::kWidth) {
      V::store(out + d, V::mul(V::load(out + d), factor));
    }
    for (int i = 0; i < 16; i += V::kWidth) {
      V::store(sums + i, V::mul(V::load(sums + i), factor));
    }
  }
  const Reg shift = V::set1(new_top);
  for (int i = first; i < last; i += V::kWidth) {
    const Reg weight = exp<V>(V::sub(V::load(scores + i), shift));
    V::store(scores + i, weight);
    V::store(sums + i % 16, V::add(V::load(sums + i % 16), weight));
  }
}

template <class V>
void update_softmax(const AttendArgs& args, const AttendState& state, const AttendRange& range) {
  const int first = range.begin - range.chunk_begin;
  const int last = (range.end - range.chunk_begin + 15) / 16 * 16;
  for (int row = 0; row < state.num_rows; ++row) {
    const int position = args.first_position + row / args.num_heads;
    int begin = args.window > 0 ? position - args.window + 1 - range.chunk_begin : 0;
    int end = position + 1 - range.chunk_begin;
    begin = begin > first ? begin : first;
    end = end < last ? end : last;
    update_row<V>(args, state, row, first, last, begin, end);
  }
}

// The groups of a chunk, and for each how far the same group of the next chunk is.
struct AttendGroups {
  const std::byte* keys[kAttendChunk / 16];
  int64_t to_next[kAttendChunk / 16];
  int count;
};

template <class C>
AttendGroups find_groups(const AttendArgs& args, const AttendRange& range, int64_t keys_bytes) {
  constexpr int kGroups = kAttendChunk / 16;
  AttendGroups groups;
  const int first = range.begin / 16;
  const int num_groups = (args.first_position + args.num_tokens + 15) / 16;  // of the request
  groups.count = (range.end - range.begin + 15) / 16;
  for (int g = 0; g < groups.count; ++g) {
    groups.keys[g] = group_of<C>(args, keys_bytes, first + g);
    groups.to_next[g] = 0;
    if (first + g + kGroups < num_groups) {
      groups.to_next[g] = group_of<C>(args, keys_bytes, first + g + kGroups) - groups.keys[g];
    }
  }
  return groups;
}

// Positions of one chunk: scores, softmax, weighted sum of the values. A row's weights of positions
// that it does not see are exactly 0 and leave its sums as they are, whatever the tile's other
// rows. While keys are read their values are fetched, while values are read the next chunk's keys.
template <class V, class C>
void attend_chunk(const AttendArgs& args, const AttendState& state, const AttendRange& range) {
  const int padded = state.padded_head_dim;
  const auto keys_bytes = static_cast<int64_t>(16 * padded * sizeof(typename C::Element));
  const AttendGroups groups = find_groups<C>(args, range, keys_bytes);
  float* scores = state.scores + range.begin - range.chunk_begin;
  const Panels keys{
      .bases = groups.keys,
      .bases_per_panel = 1,
      .segment_depth = padded,
      .prefetch_offsets = &keys_bytes,
  };
  multiply<V, typename C::Panel>(
      {state.q, padded, keys, padded, scores, kAttendChunk, false}, state.num_rows, groups.count
  );
  update_softmax<V>(args, state, range);
  const std::byte* values[kAttendChunk / 16];
  for (int g = 0; g < groups.count; ++g) {
    values[g] = groups.keys[g] + keys_bytes;
  }
  const Panels value_panels{
      .bases = values,
      .panel_stride = static_cast<int64_t>(256 * sizeof(typename C::Element)),
      .segment_depth = 16,
      .prefetch_offsets = groups.to_next,
  };
  const int depth = range.end - range.begin;  // slots beyond are not written yet
  multiply<V, typename C::Panel>(
      {scores, kAttendChunk, value_panels, depth, state.out, padded, true},
      state.num_rows,
      padded / 16
  );
}

template <class V>
void finish_attend(const AttendArgs& args, const AttendState& state) {
  for (int row = 0; row < state.num_rows; ++row) {
    auto sum = V::zero();
    for (int i = 0; i < 16; i += V::kWidth) {
      sum = V::add(sum, V::load(state.sums + row * 16 + i));
    }
    float* to =
        args.out + row / args.num_heads * args.out_stride + row % args.num_heads * args.head_dim;
    const float* out = state.out + int64_t{row} * state.padded_head_dim;
    scale_float32<V>(out, 1.0f / V::reduce_add(sum), args.head_dim, to);
  }
}

template <class V, class C>
void attend(const AttendArgs& args) {
  const AttendState state = start_attend<V>(args);
  const int end = args.first_position + args.num_tokens;
  int begin = args.window > 0 ? args.first_position - args.window + 1 : 0;
  begin = begin > 0 ? begin / 16 * 16 : 0;
  while (begin < end) {
    const int chunk_begin = begin / kAttendChunk * kAttendChunk;
    const int chunk_end = chunk_begin + kAttendChunk;
    attend_chunk<V, C>(args, state, {chunk_begin, begin, chunk_end < end ? chunk_end : end});
    begin = chunk_end;
  }
  finish_attend<V>(args, state);
}

}  // namespace quire::cpu
