#pragma once

#include <cmath>
#include <functional>
#include <optional>
#include <stdexcept>

#include "mcmc/chains.hpp"
#include "mcmc/path.hpp"

// What annealed importance sampling and sequential Monte Carlo share: chains of any kernel at a
// temperature that moves.
namespace eqp::mcmc {

/// Makes the kernel of an annealed sampler on the energy that it is given, such as
/// [](const Energy& u) { return Mala(u, dim, {.step_size = 0.1}); }.
template <class Make>
concept AnnealedMaker = requires(const Make make, const Energy& energy) {
  { make(energy) } -> Kernel;
};

/// Chains that stand wherever their owner puts them, at the path's temperature b.
template <class Make>
class AnnealedChains {
 public:
  using K = std::invoke_result_t<Make, const Energy&>;

  AnnealedChains(const Path& path, const Make& make, ad::Key key)
      : temperature_(path), kernel_(make(temperature_.energy())), key_(key) {}

  /// x (n, d) <- `moves` steps from x at b; the counts are of these steps. Steps are numbered from
  /// 0 on, call after call. Throws std::invalid_argument or ad::NonFinite if the energy is not
  /// finite where a chain is, naming the chain.
  Counts move(ad::Tensor& x, double b, std::uint32_t moves) {
    temperature_.set(b);
    if (chains_) {
      chains_->set(kernel_, x);
    } else {
      chains_.emplace(kernel_, x);
    }
    chains_->reset_counts();
    chains_->advance(kernel_, step_, moves, key_);
    step_ += moves;
    x = chains_->positions();
    return chains_->counts();
  }

  /// Where the chains stand (n, d). They must have moved.
  ad::Tensor positions() { return chains_->positions(); }

  /// The chains must have moved. Throws std::invalid_argument for a kernel that is not Resumable.
  void archive(ad::Archive& a) {
    if constexpr (Resumable<K>) {
      a("step", step_);
      if constexpr (requires { kernel_.archive(a); }) a("kernel", kernel_);
      if constexpr (Adaptable<K>) a("step_size", kernel_.step_size());
      a("chains", *chains_);
    } else {
      throw std::invalid_argument("annealing: a keeper for a kernel whose state has no archive");
    }
  }

  /// 0 for a kernel that has none.
  double step_size() {
    if constexpr (Adaptable<K>) return kernel_.step_size();
    return 0;
  }
  /// Nothing for a kernel that has none.
  void set_step_size([[maybe_unused]] double h) {
    if constexpr (Adaptable<K>) kernel_.step_size() = h;
  }

 private:
  Temperature temperature_;
  K kernel_;
  std::optional<Chains<K>> chains_;
  ad::Key key_;
  std::uint32_t step_ = 0;
};

/// Between two temperatures: keeps the state of an annealed sampler now and then, and when it has
/// `ended`. Only after the first temperature is there a state of the chains to replace by the one
/// that was kept, so that a sampler that goes on does that one again. Returns whether to go on.
bool keep_between(ad::Keeper* keeper, const ad::State& state, bool first,
                  const std::function<bool()>& ended);

/// The step size for the next temperature, from the acceptance at this one: h exp(2 (a - target)).
inline double adapted(double h, double acceptance, double target) {
  return target > 0 ? h * std::exp(2 * (acceptance - target)) : h;
}

/// log_weights += gained
inline void add(std::vector<double>& log_weights, const std::vector<double>& gained) {
  for (std::size_t i = 0; i < gained.size(); ++i) log_weights[i] += gained[i];
}

/// Throws std::invalid_argument, in the name of `who`, unless there are no step sizes or one for
/// each temperature but the first, all positive, of a kernel that takes them.
void check_step_sizes(const std::string& who, std::span<const double> step_sizes,
                      std::size_t temperatures, bool adaptable);

/// Throws std::invalid_argument, in the name of `who`, unless moves >= 1, 0 <= target_accept < 1,
/// and a kernel that is to be adapted can be.
void check_moves(const std::string& who, std::uint32_t moves, double target_accept, bool adaptable);

}  // namespace eqp::mcmc
