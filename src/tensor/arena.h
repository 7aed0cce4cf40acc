#pragma once

#include <initializer_list>

#include "tensor/storage.h"

namespace quire {

// Workspace of one step: allocations are a bump of a pointer, all given back at once. Its size is
// set once, so addresses are the same in every step of the same shape.
class Arena {
 public:
  explicit Arena(size_t num_bytes, Device device = {}) : storage_(num_bytes, device) {}

  // Contents are undefined. A full arena is a bug of whoever sized it: InternalError.
  Tensor allocate(DType dtype, std::initializer_list<int64_t> shape);
  // What such a tensor takes of an arena: pieces start at cache lines.
  static size_t bytes_for(DType dtype, int64_t num_elements);
  void reset() { used_ = 0; }
  size_t used_bytes() const { return used_; }
  size_t num_bytes() const { return storage_.num_bytes(); }

  // Gives everything allocated after its construction back.
  class Scope {
   public:
    explicit Scope(Arena& arena) : arena_(arena), used_(arena.used_) {}
    ~Scope() { arena_.used_ = used_; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Arena& arena_;
    size_t used_;
  };

 private:
  Storage storage_;
  size_t used_ = 0;
};

}  // namespace quire
