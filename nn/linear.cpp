#include "nn/linear.hpp"

#include <stdexcept>

namespace eqp::nn {

Linear::Linear(ad::Params& params, std::string name, const Fan& fan, ad::Key key, const Init& init,
               WeightMap map)
    : name_(std::move(name)), map_(std::move(map)) {
  if (fan.in == 0 || fan.out == 0) {
    throw std::invalid_argument("linear \"" + name_ + "\": " + std::to_string(fan.in) +
                                " inputs and " + std::to_string(fan.out) +
                                " outputs; need at least 1 of each");
  }
  arrays_ = add_arrays(params, name_, {fan.out, fan.in}, fan.out, fan, init, key);
}

ad::Var Linear::operator()(ad::Var x) const {
  return (*this)(x, {0, n_inputs()}, {0, n_outputs()});
}

ad::Var Linear::operator()(ad::Var x, const Columns& in, const Columns& out) const {
  const ad::Scope scope(*x.tape, name_);
  const ad::Var w = weight(*x.tape, in, out);
  if (!arrays_.bias.params) return matmul(x, w, {.b = true});
  return affine(x, w, slice(arrays_.bias.on(*x.tape), 0, out.begin, out.end), {.b = true});
}

ad::Var Linear::product(ad::Var x, const Columns& in) const {
  const ad::Scope scope(*x.tape, name_);
  return matmul(x, weight(*x.tape, in, {0, n_outputs()}), {.b = true});
}

ad::Var Linear::weight(ad::Tape& tape, const Columns& in, const Columns& out) const {
  // What depends on parameters only runs once per update, so the map and slices cost nothing.
  const ad::Var whole = map_ ? map_(arrays_.weight.on(tape)) : arrays_.weight.on(tape);
  return slice(slice(whole, 0, out.begin, out.end), 1, in.begin, in.end);
}

ad::Var Linear::transposed(ad::Var x) const {
  const ad::Scope scope(*x.tape, name_);
  ad::Tape& tape = *x.tape;
  const ad::Var w = weight(tape, {0, n_inputs()}, {0, n_outputs()});
  const ad::Var product = matmul(w, transpose(x));
  return arrays_.bias.params ? product + reshape(arrays_.bias.on(tape), {n_outputs(), 1}) : product;
}

}  // namespace eqp::nn
