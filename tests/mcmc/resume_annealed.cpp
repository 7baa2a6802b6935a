#include <boost/test/unit_test.hpp>
#include <cstring>

#include "autodiff/parallel.hpp"
#include "mcmc/ais.hpp"
#include "mcmc/baoab.hpp"
#include "mcmc/isir.hpp"
#include "mcmc/smc.hpp"
#include "tests/mcmc/annealing.hpp"
#include "tests/memory.hpp"

using namespace eqp;
using namespace eqp::mcmc;
using namespace eqp::mcmc::test;
using eqp::test::Memory;

// Annealing that is stopped between two temperatures and goes on in another process, which has made
// everything anew, against one that was never stopped.
namespace {

constexpr std::size_t kParticles = 300, kTemperatures = 9;

bool same(const ad::Tensor& a, const ad::Tensor& b) {
  return a.shape() == b.shape() &&
         std::memcmp(a.flat().data(), b.flat().data(), a.flat().size_bytes()) == 0;
}

void check_same(const AisResult& a, const AisResult& b) {
  BOOST_TEST(b.complete);
  BOOST_TEST(same(a.x, b.x));
  BOOST_TEST(a.log_weight == b.log_weight);
  BOOST_TEST(a.log_z.value == b.log_z.value);
  BOOST_TEST(a.acceptance == b.acceptance);
  BOOST_TEST(a.step_sizes == b.step_sizes);
}

void check_same(const SmcResult& a, const SmcResult& b) {
  BOOST_TEST(b.complete);
  BOOST_TEST(same(a.x, b.x));
  BOOST_TEST(a.log_weight == b.log_weight);
  BOOST_TEST(a.ancestor == b.ancestor);
  BOOST_TEST(a.resamplings == b.resamplings);
  BOOST_TEST(a.log_z.value == b.log_z.value);
  BOOST_TEST(a.log_z.error == b.log_z.error);
  BOOST_TEST(a.temperatures() == b.temperatures());
  BOOST_TEST(a.step_sizes() == b.step_sizes());
  for (std::size_t k = 0; k < a.levels.size(); ++k) {
    BOOST_TEST(a.levels[k].ess == b.levels[k].ess);
    BOOST_TEST(a.levels[k].resampled == b.levels[k].resampled);
    BOOST_TEST(a.levels[k].acceptance == b.levels[k].acceptance);
  }
}

/// sample(keeper) is the sampler.
template <class Sample>
void check_resume(const std::string& name, const Sample& sample) {
  const auto whole = sample(nullptr);
  BOOST_TEST_CONTEXT(name) {
    for (const std::size_t stop_after : {1, 2, 6}) {
      Memory memory;
      memory.stop_after = stop_after;
      BOOST_TEST(!sample(&memory).complete);
      BOOST_TEST(memory.steps == stop_after);
      memory.stop_after = std::size_t(-1);
      check_same(whole, ad::with_threads(3, [&] { return sample(&memory); }));
      // What has ended needs only its first temperature.
      const std::size_t steps = memory.steps;
      check_same(whole, sample(&memory));
      BOOST_TEST(memory.steps == steps);
    }
  }
}

/// All three samplers with the kernel that `make` makes, whose step sizes adapt where it has one.
template <AnnealedMaker Make>
void check_resume_of(const std::string& kernel, const Make& make) {
  using K = std::invoke_result_t<Make, const Energy&>;
  const GaussianPath gaussian;
  const AisOptions options{.temperatures = even_temperatures(kTemperatures),
                           .moves = 2,
                           .particles = kParticles,
                           .key = {.seed = 21}};
  check_resume("ais with " + kernel, [&](ad::Keeper* keeper) {
    AisOptions own = options;
    if (Adaptable<K>) own.target_accept = 0.6;
    own.keeper = keeper;
    return ais(gaussian.path(), make, own);
  });
  check_resume("reverse ais with " + kernel, [&](ad::Keeper* keeper) {
    AisOptions own = options;
    own.keeper = keeper;
    return reverse_ais(gaussian.path(), make, gaussian.sample(kParticles, {.seed = 22}), own);
  });
  check_resume("smc with " + kernel, [&](ad::Keeper* keeper) {
    return smc(gaussian.path(), make,
               {.particles = kParticles,
                .conditional_ess = 0.98,
                .resample_below = 0.8,
                .moves = 2,
                .target_accept = Adaptable<K> ? 0.6 : 0,
                .key = {.seed = 23},
                .keeper = keeper});
  });
}

/// Of a kernel whose states have no archive.
struct Forgetful {
  struct State {
    ad::Tensor position;
    Counts counts = {};
    ad::View x() { return position; }
    ad::ConstView x() const { return position; }
  };
  std::size_t block(std::size_t chains) const { return chains; }
  State init(ad::ConstView x0, std::size_t) const { return {ad::Tensor(x0)}; }
  void refresh(State&) const {}
  void step(State&, const ad::BlockRng&) const {}
};

}  // namespace

BOOST_AUTO_TEST_SUITE(resume_annealed)

BOOST_AUTO_TEST_CASE(annealing_goes_on_with_the_bits_it_would_have_had) {
  check_resume_of("mala", mala_of(3, 0.3));
  check_resume_of("i-sir",
                  [](const Energy& u) { return Isir(u, GaussianPath().base(), {.particles = 4}); });
  // Its momenta are state that no position tells.
  check_resume_of("baoab", [](const Energy& u) { return Baoab(u, 3, {.step_size = 0.1}); });
}

BOOST_AUTO_TEST_CASE(the_state_of_another_sampler_is_refused) {
  const GaussianPath gaussian;
  Memory memory;
  const AisOptions options{
      .temperatures = even_temperatures(3), .particles = 20, .keeper = &memory};
  ais(gaussian.path(), mala_of(3, 0.3), options);
  BOOST_CHECK_THROW(smc(gaussian.path(), mala_of(3, 0.3), {.particles = 20, .keeper = &memory}),
                    std::invalid_argument);
  AisOptions more = options;
  more.particles = 21;
  BOOST_CHECK_THROW(ais(gaussian.path(), mala_of(3, 0.3), more), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_kernel_without_an_archive_cannot_be_kept) {
  Memory memory;
  const auto make = [](const Energy&) { return Forgetful(); };
  BOOST_CHECK_THROW(ais(GaussianPath().path(), make, {.particles = 20, .keeper = &memory}),
                    std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
