#include "train/flow_samplers.hpp"

#include "autodiff/program.hpp"

namespace eqp::train {
namespace {

// Draws that `from` makes of standard normals (n, noise_dim).
mcmc::Sampler sampler(std::size_t noise_dim, const std::function<ad::Var(ad::Var noise)>& from) {
  const ad::Batched draw({{noise_dim}},
                         [from](std::span<const ad::Var> in) -> ad::Vars { return {from(in[0])}; });
  return [draw](ad::View out, ad::Key key, std::uint32_t first) {
    ad::Workspace at = draw.workspace(out.rows());
    ad::BlockRng{key, 0, first}.normal(at.in(0));
    at.run();
    std::ranges::copy(at.out(0).flat(), out.data);
  };
}

}  // namespace

mcmc::Sampler base_sampler(flows::Flow flow) {
  return sampler(flow.noise_dim(), [flow](ad::Var noise) { return flow.base().draw(noise); });
}

mcmc::Sampler flow_sampler(flows::Flow flow) {
  return sampler(flow.noise_dim(), [flow](ad::Var noise) { return flow.sample(noise).x; });
}

}  // namespace eqp::train
