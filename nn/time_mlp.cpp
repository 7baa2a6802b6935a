#include "nn/time_mlp.hpp"

#include <stdexcept>

#include "nn/embedding.hpp"

namespace eqp::nn {
namespace {

const TimeMlpSizes& checked(const std::string& name, const TimeMlpSizes& sizes) {
  if (sizes.width % 2 == 0) return sizes;
  throw std::invalid_argument("time mlp \"" + name + "\": width " + std::to_string(sizes.width) +
                              "; need an even number");
}

}  // namespace

TimeMlp::TimeMlp(ad::Params& params, const std::string& name, const TimeMlpSizes& sizes,
                 ad::Key key, const TimeMlpOptions& options)
    : name_(name),
      input_(params, name + ".input_embed", {checked(name, sizes).inputs, sizes.width},
             key.fork(0)),
      blocks_([&] {
        std::vector<Block> blocks;
        const Fan square{sizes.width, sizes.width};
        for (std::size_t k = 0; k < options.blocks; ++k) {
          const std::string at = "." + std::to_string(k);
          const ad::Key own = key.fork(2).fork(std::uint32_t(k));
          blocks.push_back(
              {Linear(params, name + ".layers" + at, square, own.fork(0)),
               Linear(params, name + ".layers_post_time_skip" + at, square, own.fork(1))});
        }
        return blocks;
      }()),
      output_(params, name + ".out_layer", {sizes.width, sizes.outputs}, key.fork(1), options.last),
      activation_(options.activation) {}

ad::Var TimeMlp::operator()(ad::Var t, ad::Var x) const {
  const ad::Scope scope(*x.tape, name_);
  const ad::Var e = sinusoidal_embedding(t, input_.n_outputs());
  ad::Var z = input_(x) + e;
  for (const auto& [first, second] : blocks_) {
    z = z + second(activation_(e + first(activation_(z))));
  }
  return output_(activation_(z));
}

}  // namespace eqp::nn
