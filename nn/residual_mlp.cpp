#include "nn/residual_mlp.hpp"

namespace eqp::nn {

ResidualMlp::ResidualMlp(ad::Params& params, const std::string& name, const ResidualMlpSizes& sizes,
                         Activation activation, ad::Key key, const MlpOptions& options)
    : name_(name),
      input_(params, name + ".input", {sizes.inputs, sizes.width}, key.fork(0), options.init,
             options.map),
      blocks_([&] {
        std::vector<Block> blocks;
        const Fan square{sizes.width, sizes.width};
        for (std::size_t k = 0; k < sizes.blocks; ++k) {
          const std::string block = name + ".blocks." + std::to_string(k);
          const ad::Key own = key.fork(2).fork(std::uint32_t(k));
          blocks.push_back(
              {block, Linear(params, block + ".1", square, own.fork(0), options.init, options.map),
               Linear(params, block + ".3", square, own.fork(1), options.init, options.map)});
        }
        return blocks;
      }()),
      output_(params, name + ".output", {sizes.width, sizes.outputs}, key.fork(1),
              options.last.value_or(options.init), options.map),
      activation_(std::move(activation)) {}

ad::Var ResidualMlp::operator()(ad::Var x) const {
  const ad::Scope scope(*x.tape, name_);
  ad::Var h = input_(x);
  for (const auto& [name, first, second] : blocks_) {
    const ad::Scope block(*x.tape, name);
    h = h + second(activation_(first(activation_(h))));
  }
  return output_(activation_(h));
}

}  // namespace eqp::nn
