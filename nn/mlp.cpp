#include "nn/mlp.hpp"

#include <algorithm>
#include <stdexcept>

namespace eqp::nn {
namespace {

void check_widths(const std::string& name, const std::vector<std::size_t>& widths) {
  if (widths.size() >= 2 && std::ranges::find(widths, std::size_t(0)) == widths.end()) return;
  std::string list;
  for (std::size_t w : widths) list += (list.empty() ? "" : ", ") + std::to_string(w);
  throw std::invalid_argument("mlp \"" + name + "\": widths {" + list +
                              "}; need at least 2, each at least 1");
}

std::string position(const std::string& name, std::size_t i) {
  return name + "." + std::to_string(i);
}

}  // namespace

Mlp::Mlp(ad::Params& params, const std::string& name, const std::vector<std::size_t>& widths,
         Activation activation, ad::Key key, const MlpOptions& options)
    : name_(name), activation_(std::move(activation)) {
  check_widths(name, widths);
  const std::size_t n_layers = widths.size() - 1;
  for (std::size_t i = 0; i < n_layers; ++i) {
    const Init& init = i + 1 == n_layers && options.last ? *options.last : options.init;
    layers_.emplace_back(params, position(name, 2 * i), Fan{widths[i], widths[i + 1]},
                         key.fork(std::uint32_t(i)), init, options.map);
  }
}

ad::Var Mlp::operator()(ad::Var x) const { return (*this)(x, {0, n_inputs()}, {0, n_outputs()}); }

ad::Var Mlp::hidden(ad::Var x, const Columns& in) const {
  for (std::size_t i = 0; i + 1 < layers_.size(); ++i) {
    const Linear& layer = layers_[i];
    x = layer(x, i == 0 ? in : Columns{0, layer.n_inputs()}, {0, layer.n_outputs()});
    const ad::Scope scope(*x.tape, position(name_, 2 * i + 1));
    x = activation_(x);
  }
  return x;
}

ad::Var Mlp::operator()(ad::Var x, const Columns& in, const Columns& out) const {
  const Linear& last = layers_.back();
  return last(hidden(x, in), layers_.size() == 1 ? in : Columns{0, last.n_inputs()}, out);
}

ad::Var Mlp::transposed(ad::Var x) const {
  return layers_.back().transposed(hidden(x, {0, n_inputs()}));
}

}  // namespace eqp::nn
