#include "autodiff/params.hpp"

#include <stdexcept>

namespace eqp::ad {

Param Params::add(const std::string& name, const Shape& shape,
                  const std::function<void(std::span<Real>)>& init) {
  for (const Entry& e : entries_) {
    if (e.name == name) throw std::invalid_argument("params: \"" + name + "\" exists already");
  }
  // Nothing changes until nothing can throw any more.
  const std::size_t offset = size_, n = shape.size();
  AlignedArray grown = aligned_array(size_ + n);
  std::ranges::copy(values(), grown.get());
  init({grown.get() + offset, n});
  entries_.push_back({name, shape, offset});
  data_ = std::move(grown);
  size_ += n;
  ++version_;
  return {this, offset, shape};
}

}  // namespace eqp::ad
