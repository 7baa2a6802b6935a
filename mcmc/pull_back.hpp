#pragma once

#include <memory>

#include "flows/flow.hpp"
#include "mcmc/metropolis.hpp"

// Sampling through an invertible map: NeuTra (Hoffman et al. 2019).
namespace eqp::mcmc {

/// An invertible map T from latent z to data x, both (n, dim), recorded in either direction.
struct Transport {
  std::size_t dim = 0;
  std::function<flows::Mapped(ad::Var z)> forward;
  std::function<flows::Mapped(ad::Var x)> inverse;
};
Transport transport(std::shared_ptr<const flows::Bijection> map);
/// Of all layers of a flow, whose base has no part in it. Throws std::invalid_argument for layers
/// that need a context.
Transport transport(const flows::Flow& flow);

/// The energy in latent space, U(T(z)) - log|det dT/dz|, of which z is a draw when T(z) is one of
/// exp(-U). A temperature belongs into U, and nowhere else: beta U, pulled back, is tempered once.
Energy pull_back(const Energy& energy, const Transport& map);

/// Any kernel on a pulled-back energy as one in data space: x() is T(z). Exact if the latent kernel
/// is; a step costs one more pass of T, a refresh one of its inverse.
///   Pulled kernel(Mala(pull_back(energy, map), dim, {}), map);
template <Kernel K>
class Pulled {
 public:
  /// The latent state, with the latent positions in `latent()`; counts are the latent kernel's.
  struct State : K::State {
    ad::Workspace forward;  // in: z (n, d)  out: x (n, d)
    ad::Workspace inverse;  // in: x (n, d)  out: z (n, d)
    ad::Tensor data;        // x (n, d)
    ad::View x() { return data; }
    ad::ConstView x() const { return data; }
    ad::View latent() { return K::State::x(); }
    ad::ConstView latent() const { return K::State::x(); }
    void archive(ad::Archive& a) requires Resumable<K> {
      a("latent", static_cast<typename K::State&>(*this));
      a("data", data);
    }
  };

  Pulled(K kernel, const Transport& map)
      : dim_(map.dim),
        kernel_(std::move(kernel)),
        forward_(
            {ad::Shape{dim_}},
            [f = map.forward](std::span<const ad::Var> in) -> ad::Vars { return {f(in[0]).y}; }),
        inverse_({ad::Shape{dim_}}, [f = map.inverse](std::span<const ad::Var> in) -> ad::Vars {
          return {f(in[0]).y};
        }) {}
  double& step_size() requires Adaptable<K> { return kernel_.step_size(); }

  std::size_t block(std::size_t chains) const { return kernel_.block(chains); }

  State init(ad::ConstView x0, std::size_t first_chain = 0) const {
    ad::Workspace inverse = workspace_for("Pulled", inverse_, dim_, x0);
    evaluate(inverse, x0);
    check_start("Pulled", inverse, {"latent position"}, first_chain);
    return {kernel_.init(inverse.out(0), first_chain), forward_.workspace(x0.rows()),
            std::move(inverse), ad::Tensor(x0)};
  }

  void refresh(State& s) const {
    evaluate(s.inverse, s.data);
    check_refreshed("Pulled", s.inverse);
    std::ranges::copy(s.inverse.out(0).flat(), s.latent().data);
    kernel_.refresh(s);
  }

  void step(State& s, const ad::BlockRng& rng) const {
    kernel_.step(s, rng);
    evaluate(s.forward, s.latent());
    std::ranges::copy(s.forward.out(0).flat(), s.data.flat().begin());
  }

 private:
  std::size_t dim_;
  K kernel_;
  ad::Batched forward_, inverse_;
};

}  // namespace eqp::mcmc
