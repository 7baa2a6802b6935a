#include "experiments/common/posterior_draws.hpp"

#include <boost/test/unit_test.hpp>

#include "experiments/common/earlier_run.hpp"
#include "experiments/common/sample_posterior.hpp"
#include "mcmc/draws_writer.hpp"
#include "tests/experiments/support.hpp"
#include "tests/netcdf_reader.hpp"

using namespace eqp;
using namespace eqp::test;

namespace {

constexpr std::size_t kChains = 3, kSteps = 40;
const auto kEach = boost::test_tools::per_element();

/// Samples the eight schools into a run folder; draws (chains, steps, 10) of the quantities.
ad::Tensor sampled(const fs::path& out, const std::string& format, mcmc::RunResult& result) {
  Arguments arguments({"--out", out, "--threads", "2"});
  Cli cli(arguments.argc(), arguments.argv.data(), "A demonstration");
  cli.done();
  const RunFolder folder(cli);
  const auto posterior = mcmc::make_posterior("eight_schools_noncentered");
  const auto sink = posterior_draws(folder, format, posterior, kChains);
  result = sample(
      posterior,
      {.chains = kChains, .warmup = 40, .steps = kSteps, .key = {cli.seed()}, .sink = sink.get()});
  return quantities(posterior, result.draws);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(posterior_draw_files)

BOOST_AUTO_TEST_CASE(shards_hold_the_quantities_that_memory_does) {
  const Scratch scratch;
  mcmc::RunResult result;
  const ad::Tensor q = sampled(scratch.path / "run", "npy", result);
  const fs::path draws = scratch.path / "run" / "draws" / "eight_schools_noncentered";
  BOOST_TEST(mcmc::read_shards(draws).flat() == q.flat(), kEach);
  const ad::Tensor leapfrogs = mcmc::read_shards(draws, "n_steps");
  const std::vector<double> as_double(leapfrogs.flat().begin(), leapfrogs.flat().end());
  BOOST_TEST(as_double == result.stats[2], kEach);
  // They belong to the run: the same bytes every time, and gone with it on --overwrite.
  BOOST_TEST(reproducible("draws/eight_schools_noncentered/draws-00000.npy"));
  const std::string bytes = read(draws / "draws-00000.npy");
  sampled(scratch.path / "other", "npy", result);
  BOOST_TEST(
      (read(scratch.path / "other/draws/eight_schools_noncentered/draws-00000.npy") == bytes));
  Arguments again({"--out", scratch.path / "run", "--overwrite"});
  Cli cli(again.argc(), again.argv.data(), "A demonstration");
  cli.done();
  const RunFolder folder(cli);
  BOOST_TEST(!fs::exists(scratch.path / "run" / "draws"));
}

BOOST_AUTO_TEST_CASE(netcdf_holds_them_under_their_names_with_the_configuration) {
  const Scratch scratch;
  mcmc::RunResult result;
  const ad::Tensor q = sampled(scratch.path / "run", "netcdf", result);
  const NetcdfReader reader(scratch.path / "run/draws/eight_schools_noncentered.nc");
  const std::vector<double> theta = reader.values("posterior", "theta"),
                            mu = reader.values("posterior", "mu"),
                            tau = reader.values("posterior", "tau");
  BOOST_REQUIRE(theta.size() == 8 * kChains * kSteps);
  BOOST_REQUIRE(tau.size() == kChains * kSteps);
  for (std::size_t i = 0; i < tau.size(); ++i) {
    for (std::size_t j = 0; j < 8; ++j) BOOST_TEST(theta[i * 8 + j] == double(q[i * 10 + j]));
    BOOST_TEST(mu[i] == double(q[i * 10 + 8]));
    BOOST_TEST(tau[i] == double(q[i * 10 + 9]));
  }
  BOOST_TEST(reader.values("sample_stats", "energy") == result.stats[0], kEach);
  const Row configuration = Row::parse(reader.text("configuration"));
  BOOST_TEST(configuration["experiment"] == "demo");
  BOOST_TEST(configuration["posterior"] == "eight_schools_noncentered");
  BOOST_TEST(configuration["options"]["seed"] == 1);
  BOOST_TEST(configuration["build"].contains("commit"));
  // Nothing that differs between equal runs.
  for (const char* option : {"out", "threads", "resume"}) {
    BOOST_TEST(!configuration["options"].contains(option));
  }
  sampled(scratch.path / "other", "netcdf", result);
  const fs::path file = "draws/eight_schools_noncentered.nc";
  BOOST_TEST((read(scratch.path / "other" / file) == read(scratch.path / "run" / file)));
}

BOOST_AUTO_TEST_CASE(no_format_is_no_sink) {
  const Scratch scratch;
  mcmc::RunResult result;
  sampled(scratch.path / "run", "none", result);
  BOOST_TEST(!fs::exists(scratch.path / "run" / "draws"));
}

BOOST_AUTO_TEST_SUITE_END()
