#include "nn/made.hpp"

#include <algorithm>
#include <stdexcept>

namespace eqp::nn {
namespace {

std::vector<std::size_t> spread(std::size_t units, std::size_t least, std::size_t end) {
  std::vector<std::size_t> degrees(units);
  for (std::size_t i = 0; i < units; ++i) degrees[i] = least + i * (end - least) / units;
  return degrees;
}

// Rows [begin, end) of a weight that use its first `columns` inputs.
ad::Var part(ad::Var weight, std::size_t begin, std::size_t end, std::size_t columns) {
  return slice(slice(weight, 0, begin, end), 1, 0, columns);
}

// One value per unit, for n columns.
ad::Var column(ad::Var bias) { return reshape(bias, {bias.shape()[0], 1}); }

ad::Var below(ad::Var above, ad::Var x) { return above ? concat(ad::Vars{above, x}, 0) : x; }

}  // namespace

Made::Made(ad::Params& params, const std::string& name, std::size_t dim, std::size_t n_params,
           const MadeOptions& options, ad::Key key)
    : name_(name),
      dim_(dim),
      n_params_(n_params),
      context_dim_(options.context_dim),
      activation_(options.activation) {
  if (dim == 0 || n_params == 0) {
    throw std::invalid_argument("made \"" + name + "\": " + std::to_string(dim) +
                                " coordinates with " + std::to_string(n_params) +
                                " outputs each; need at least 1 of both");
  }
  // Without a context a unit that sees nothing is a constant, of use for a single coordinate only.
  const std::size_t least = context_dim_ > 0 || dim == 1 ? 0 : 1;
  for (const std::size_t units : options.hidden) degrees_.push_back(spread(units, least, dim));

  std::size_t n_inputs = context_dim_ + dim;
  for (std::size_t l = 0; l <= options.hidden.size(); ++l) {
    const bool last = l == options.hidden.size();
    const std::size_t n_outputs = last ? n_params * dim : options.hidden[l];
    const std::string layer = name + "." + std::to_string(2 * l);
    const Linear linear(params, layer, {n_inputs, n_outputs}, key.fork(std::uint32_t(l)),
                        last ? options.last : options.init);
    Layer& added = layers_.emplace_back(Layer{layer, linear.weight(), linear.bias(), {}});
    for (std::size_t o = 0; o < n_outputs; ++o) {
      const std::size_t degree = last ? o % dim : degrees_[l][o];
      added.visible.push_back(l == 0 ? context_dim_ + degree : units_up_to(l - 1, degree));
    }
    n_inputs = n_outputs;
  }
}

std::size_t Made::units_up_to(std::size_t layer, std::size_t degree) const {
  const auto& degrees = degrees_[layer];
  return std::size_t(std::ranges::upper_bound(degrees, degree) - degrees.begin());
}

ad::Var Made::Layer::masked_weight(ad::Tape& tape) const {
  ad::Tensor mask(weight.shape);
  for (std::size_t o = 0; o < visible.size(); ++o) {
    std::fill_n(mask.row(o).begin(), visible[o], Real(1));
  }
  return weight.on(tape) * tape.constant(std::move(mask));
}

ad::Var Made::operator()(ad::Var x, ad::Var context) const {
  ad::Tape& tape = *x.tape;
  ad::Var h = context_dim_ > 0 ? concat(ad::Vars{context, x}, 1) : x;
  for (std::size_t l = 0; l + 1 < layers_.size(); ++l) {
    const ad::Scope scope(tape, layers_[l].name);
    h = activation_(
        affine(h, layers_[l].masked_weight(tape), layers_[l].bias.on(tape), {.b = true}));
  }
  const ad::Scope scope(tape, layers_.back().name);
  return matmul(layers_.back().masked_weight(tape), transpose(h)) +
         column(layers_.back().bias.on(tape));
}

Made::Sweep::Sweep(const Made& net, ad::Tape& tape, std::size_t n, ad::Var context)
    : net_(net), tape_(tape), n_(n), hidden_(net.degrees_.size()) {
  if (net_.context_dim_ > 0) inputs_ = transpose(context);
  compute_hidden();
}

// Empty: there are none yet.
ad::Var Made::Sweep::layer_inputs(std::size_t layer) const {
  return layer == 0 ? inputs_ : hidden_[layer - 1];
}

void Made::Sweep::compute_hidden() {
  for (std::size_t l = 0; l < hidden_.size(); ++l) {
    const Layer& layer = net_.layers_[l];
    const std::size_t begin = hidden_[l] ? hidden_[l].shape()[0] : 0;
    const std::size_t end = net_.units_up_to(l, next_);
    if (begin == end) continue;
    const ad::Scope scope(tape_, layer.name);
    const ad::Var bias = column(slice(layer.bias.on(tape_), 0, begin, end));
    const ad::Var in = layer_inputs(l);
    const ad::Var sum =
        in ? matmul(part(layer.weight.on(tape_), begin, end, in.shape()[0]), in) + bias
           : broadcast_to(bias, {end - begin, n_});
    hidden_[l] = below(hidden_[l], net_.activation_(sum));
  }
}

ad::Var Made::Sweep::outputs() const {
  const Layer& last = net_.layers_.back();
  const ad::Scope scope(tape_, last.name);
  std::vector<std::size_t> rows(net_.n_params_);
  for (std::size_t p = 0; p < rows.size(); ++p) rows[p] = p * net_.dim_ + next_;
  const ad::Var bias = column(gather(last.bias.on(tape_), 0, rows));
  const ad::Var in = layer_inputs(hidden_.size());
  if (!in) return broadcast_to(bias, {rows.size(), n_});
  const ad::Var weight = gather(last.weight.on(tape_), 0, rows);
  return matmul(slice(weight, 1, 0, in.shape()[0]), in) + bias;
}

void Made::Sweep::set(ad::Var x) {
  if (next_ == net_.dim_) throw std::logic_error("made \"" + net_.name_ + "\": no coordinate left");
  inputs_ = below(inputs_, reshape(x, {1, n_}));
  ++next_;
  if (next_ < net_.dim_) compute_hidden();
}

}  // namespace eqp::nn
