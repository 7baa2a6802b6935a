#include "tests/mcmc/rows.hpp"

#include "flows/base.hpp"
#include "flows/linear.hpp"
#include "mcmc/defensive.hpp"
#include "mcmc/proposal.hpp"
#include "tests/mcmc/bend.hpp"

namespace eqp::mcmc::test {
namespace {

template <class Make>
Row row(const std::string& name, Make make) {
  using K = decltype(make(Problem()));
  return {.name = name,
          .run = [=](const Problem& p, ad::ConstView x0,
                     const RunOptions& o) { return mcmc::run(make(p), x0, o); },
          .start =
              [=](const Problem& p, ad::ConstView x0) {
                const K kernel = make(p);
                const auto state = std::make_shared<typename K::State>(kernel.init(x0, 0));
                return [=](const ad::BlockRng& rng) {
                  kernel.step(*state, rng);
                  return state->x();
                };
              },
          .refreshed =
              [=](const Problem& p, ad::ConstView x0, const std::function<void()>& between,
                  ad::ConstView x, const ad::BlockRng& rng) {
                const K kernel = make(p);
                auto state = kernel.init(x0, 0);
                between();
                std::ranges::copy(x.flat(), state.x().data);
                kernel.refresh(state);
                kernel.step(state, rng);
                return ad::Tensor(state.x());
              }};
}

/// A kernel that biases a Gaussian as ULA with this step does, or not at all, and others somehow.
Row unadjusted(Row row, double ula_step) {
  row.ula_step = ula_step;
  row.unadjusted = true;
  return row;
}

Row shrinking(Row row) {
  row.shrinks = true;
  return row;
}

Row replicated(Row row) {
  row.replicas = true;
  return row;
}

}  // namespace

std::vector<Row> rows() {
  const auto mala = [](const Problem& p) { return Mala(p.energy, 2, {.step_size = 0.4}); };
  const auto walk = [](const Problem& p) { return RandomWalk(p.energy, 2, {.step_size = 1.2}); };
  const auto isir = [](std::size_t particles) {
    return [=](const Problem& p) { return Isir(p.energy, p.proposal, {.particles = particles}); };
  };
  const auto independent = [](const Problem& p) { return IndependentMh(p.energy, p.proposal); };
  return {
      unadjusted(row("ula", [](const Problem& p) { return Ula(p.energy, 2, {.step_size = 0.2}); }),
                 0.2),
      row("mala", mala),
      row("mala with a metric",
          [](const Problem& p) {
            const Metric metric = Metric::dense(std::vector{1.3, 0.4, 0.4, 0.7}, 2);
            return Mala(p.energy, 2, {.step_size = 0.4, .metric = metric});
          }),
      row("random walk", walk),
      row("hmc",
          [](const Problem& p) {
            return Hmc(p.energy, 2, {.step_size = 0.6, .leapfrog_steps = 3});
          }),
      row("hmc with a metric and jitter",
          [](const Problem& p) {
            const Metric metric = Metric::dense(std::vector{1.3, 0.4, 0.4, 0.7}, 2);
            return Hmc(p.energy, 2,
                       {.step_size = 0.6, .leapfrog_steps = 3, .jitter = 0.7, .metric = metric});
          }),
      row("nuts", [](const Problem& p) { return Nuts(p.energy, 2, {.step_size = 0.5}); }),
      row("nuts with a metric",
          [](const Problem& p) {
            const Metric metric = Metric::diagonal(std::vector{1.4, 0.6});
            return Nuts(p.energy, 2, {.step_size = 0.6, .metric = metric});
          }),
      row("barker", [](const Problem& p) { return Barker(p.energy, 2, {.step_size = 1.2}); }),
      unadjusted(
          row("baoab", [](const Problem& p) { return Baoab(p.energy, 2, {.step_size = 0.15}); }),
          0),
      shrinking(row("elliptical slice",
                    [](const Problem& p) {
                      const std::vector<double> scales{1.7, 1.4}, mean{1.3, -1.8};
                      return EllipticalSlice(
                          p.energy, std::make_shared<flows::DiagonalGaussian>(scales, mean), {});
                    })),
      row("independent mh", independent),
      row("isir 2", isir(2)),
      row("isir 40", isir(40)),
      row("isir and mala",
          [=](const Problem& p) {
            return Alternate(isir(5)(p), mala(p), {.global_steps = 2, .local_steps = 3});
          }),
      row("independent mh and random walk, move by move",
          [=](const Problem& p) {
            return Alternate(independent(p), walk(p), {.local_steps = 2, .step = Step::move});
          }),
      row("independent mh from a defensive mixture",
          [](const Problem& p) {
            return IndependentMh(p.energy, defensive_mixture(gaussian_proposal({1, 0}, {0.7, 0.9}),
                                                             p.proposal, {.alpha = 0.6}));
          }),
      row("mala, pulled back",
          [](const Problem& p) {
            const Transport map = transport(std::make_shared<Bend>());
            return Pulled(Mala(pull_back(p.energy, map), 2, {.step_size = 0.1}), map);
          }),
      replicated(row("parallel tempering",
                     [](const Problem& p) {
                       const auto local = [](const Energy& tempered, double beta) {
                         return Mala(tempered, 2, {.step_size = 0.4 / std::sqrt(beta)});
                       };
                       return ParallelTempering<Mala>(p.energy, 2, local,
                                                      {.betas = {1, 0.5, 0.2}, .local_steps = 1});
                     })),
  };
}

std::vector<Row> rows_on_a_line() {
  const auto mala = [](const Problem& p) { return Mala(p.energy, 1, {.step_size = 0.2}); };
  const auto isir = [](const Problem& p) { return Isir(p.energy, p.proposal, {.particles = 5}); };
  return {
      unadjusted(row("ula", [](const Problem& p) { return Ula(p.energy, 1, {.step_size = 0.1}); }),
                 0.1),
      row("mala", mala),
      row("random walk",
          [](const Problem& p) { return RandomWalk(p.energy, 1, {.step_size = 1.2}); }),
      row("hmc", [](const Problem& p) { return Hmc(p.energy, 1, {.step_size = 0.4}); }),
      row("nuts", [](const Problem& p) { return Nuts(p.energy, 1, {.step_size = 0.4}); }),
      row("barker", [](const Problem& p) { return Barker(p.energy, 1, {.step_size = 1}); }),
      unadjusted(
          row("baoab", [](const Problem& p) { return Baoab(p.energy, 1, {.step_size = 0.1}); }), 0),
      shrinking(row("elliptical slice",
                    [](const Problem& p) {
                      return EllipticalSlice(
                          p.energy,
                          std::make_shared<flows::DiagonalGaussian>(flows::standard_normal(1, 2)),
                          {});
                    })),
      row("independent mh", [](const Problem& p) { return IndependentMh(p.energy, p.proposal); }),
      row("isir", isir),
      row("isir and mala",
          [=](const Problem& p) { return Alternate(isir(p), mala(p), {.local_steps = 2}); }),
      row("mala, pulled back",
          [](const Problem& p) {
            static ad::Params params;
            static const auto map = std::make_shared<flows::Whitening>(params, "w", 1);
            const Transport t = transport(map);
            return Pulled(Mala(pull_back(p.energy, t), 1, {.step_size = 0.2}), t);
          }),
      replicated(row("parallel tempering",
                     [](const Problem& p) {
                       const auto local = [](const Energy& tempered, double beta) {
                         return Mala(tempered, 1, {.step_size = 0.2 / beta});
                       };
                       return ParallelTempering<Mala>(p.energy, 1, local, {.betas = {1, 0.4}});
                     })),
  };
}

}  // namespace eqp::mcmc::test
