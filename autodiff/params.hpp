#pragma once

#include <functional>
#include <string>
#include <vector>

#include "autodiff/tape.hpp"

namespace eqp::ad {

/// A named array among the parameters: what a layer keeps instead of the values themselves.
struct Param {
  const Params* params = nullptr;
  std::size_t offset = 0;
  Shape shape;

  /// This parameter as a value on `tape`.
  Var on(Tape& tape) const { return tape.parameter(*params, offset, shape); }
};

/// All parameters of a model: one flat array with a table of names. Optimisers, averages and files
/// are loops over it. Neither copyable nor movable, since layers and programs refer to it.
class Params {
 public:
  struct Entry {
    std::string name;
    Shape shape;
    std::size_t offset;
  };

  Params() = default;
  Params(const Params&) = delete;
  Params& operator=(const Params&) = delete;

  /// Appends a parameter; `init` fills it. Throws std::invalid_argument if the name is taken.
  Param add(const std::string& name, const Shape& shape,
            const std::function<void(std::span<Real>)>& init);

  /// Number of scalars.
  std::size_t size() const { return size_; }
  const std::vector<Entry>& entries() const { return entries_; }
  std::span<const Real> values() const { return {data_.get(), size_}; }
  ConstView view(const Entry& e) const { return {data_.get() + e.offset, e.shape}; }
  /// Write access. Programs notice, and redo what depends on parameters alone.
  std::span<Real> mutate() {
    ++version_;
    return {data_.get(), size_};
  }
  /// Grows with every write.
  std::uint64_t version() const { return version_; }

 private:
  std::vector<Entry> entries_;
  AlignedArray data_;
  std::size_t size_ = 0;
  std::uint64_t version_ = 1;
};

}  // namespace eqp::ad
