#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>

#include "mcmc/diagnostics.hpp"
#include "mcmc/draws_writer.hpp"
#include "mcmc/netcdf_draws.hpp"
#include "mcmc/nuts.hpp"
#include "mcmc/random_walk.hpp"
#include "mcmc/run.hpp"
#include "mcmc/running.hpp"
#include "mcmc/targets/gaussian_mixture.hpp"
#include "tests/memory.hpp"
#include "tests/message.hpp"
#include "tests/netcdf_reader.hpp"

// Draws that leave a run as they come, and runs that are killed and gone on with.
using namespace eqp;
using namespace eqp::mcmc;

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kChains = 6, kDim = 2;
const auto kEach = boost::test_tools::per_element();

/// A folder that is gone with the test.
struct Folder {
  fs::path path =
      fs::temp_directory_path() / ("equipoise_run_sinks_" + std::to_string(sizeof(Real)));
  Folder() { fs::remove_all(path); }
  ~Folder() { fs::remove_all(path); }
};

RandomWalk walk() { return {gaussian({{1, -1}, {1, 0, 0, 2}}).energy, kDim, {.step_size = 1}}; }
Nuts no_u_turn() { return {gaussian({{1, -1}, {1, 0, 0, 2}}).energy, kDim, {.step_size = 0.5}}; }
ad::Tensor start() { return ad::normal({kChains, kDim}, {5, 0}); }

RunOptions options() { return {.steps = 200, .warmup = 40, .thin = 3, .key = {5, 1}}; }

using Files = std::map<std::string, std::string>;

/// The files of a folder, by name, and what they hold.
Files files(const fs::path& folder) {
  Files all;
  for (const auto& entry : fs::directory_iterator(folder)) {
    std::ifstream in(entry.path(), std::ios::binary);
    all[entry.path().filename()] = {std::istreambuf_iterator<char>(in), {}};
  }
  return all;
}

struct Killed : std::runtime_error {
  Killed() : std::runtime_error("killed") {}
};

/// Keeps a state at some offers only, and dies at a later one, or when the run has ended.
class Mortal final : public ad::Keeper {
 public:
  Mortal(std::string& kept, std::size_t keep_at, std::size_t die_at)
      : kept_(kept), keep_at_(keep_at), die_at_(die_at) {}

  void restore(const ad::State& state) override {
    eqp::test::Memory memory;
    memory.kept = kept_;
    memory.restore(state);
  }
  bool offer(const ad::State& state) override {
    ++offers_;
    if (offers_ == keep_at_) write(state);
    if (offers_ == die_at_) throw Killed();
    return true;
  }
  void keep(const ad::State& state) override {
    write(state);
    if (die_at_ == kAtTheEnd) throw Killed();
  }

  static constexpr std::size_t kNever = 1'000'000, kAtTheEnd = 2'000'000;

 private:
  void write(const ad::State& state) {
    ad::Archive a;
    state(a);
    kept_ = a.bytes();
  }

  std::string& kept_;
  std::size_t keep_at_, die_at_, offers_ = 0;
};

/// Two sinks and the draws they are made for.
struct Writers {
  DrawsWriter shards;
  NetcdfDraws netcdf;
  Running running{kChains, kDim, {.covariance = true}};
  Sinks all{{&shards, &netcdf, &running}};

  template <Kernel K>
  Writers(const K&, const fs::path& folder, bool resumed)
      : shards(folder, kChains, kDim,
               {.shard_bytes = kChains * (kDim + stats_of<K>().size()) * 10 * sizeof(Real),
                .stats = stats_of<K>(),
                .resumed = resumed}),
        netcdf(folder / "draws.nc", kChains, kDim, {.stats = stats_of<K>(), .resumed = resumed}) {}
};

struct Moments {
  std::vector<double> mean, covariance, rhat;
  explicit Moments(const Running& r)
      : mean(r.mean()), covariance(r.covariance()), rhat(r.split_rhat()) {}
  bool operator==(const Moments&) const = default;
};

/// Kills the run in several places of its life, in every way that leaves other files behind.
template <class Make>
void check_killed(const Make& make) {
  const Folder folder;
  fs::create_directories(folder.path);
  RunOptions how = options();
  Writers left_alone(make(), folder.path / "whole", false);
  how.sink = &left_alone.all;
  const RunResult whole = run(make(), start(), how);
  const Files wanted = files(folder.path / "whole");
  BOOST_TEST(wanted.count("draws.nc") == 1u);
  BOOST_TEST(wanted.count("draws-00006.npy") == 1u);

  // 2 offers in warm-up, which does not adapt, and 6 in the recorded phase; a shard takes 30 steps.
  const std::size_t never = Mortal::kNever, end = Mortal::kAtTheEnd;
  for (const auto& [keep_at, die_at] : std::vector<std::pair<std::size_t, std::size_t>>{
           {never, 5}, {1, 4}, {3, 3}, {3, 5}, {5, 7}, {7, end}, {7, never}}) {
    BOOST_TEST_CONTEXT("kept " << keep_at << ", died " << die_at) {
      const fs::path cut = folder.path / "cut";
      fs::remove_all(cut);
      std::string kept;
      Mortal mortal(kept, keep_at, die_at);
      how.keeper = &mortal;
      const auto first = [&] {
        Writers writers(make(), cut, false);
        how.sink = &writers.all;
        run(make(), start(), how);
      };
      if (die_at == never) {
        first();  // has ended, and goes on all the same
      } else {
        BOOST_CHECK_THROW(first(), Killed);
      }
      Writers again(make(), cut, true);
      Mortal immortal(kept, never, never);
      how.sink = &again.all;
      how.keeper = &immortal;
      const RunResult result = ad::with_threads(3, [&] { return run(make(), start(), how); });
      BOOST_TEST(result.draws.flat() == whole.draws.flat(), kEach);
      BOOST_TEST((result.stats == whole.stats));
      BOOST_TEST((Moments(again.running) == Moments(left_alone.running)));
      const Files found = files(cut);
      BOOST_TEST(found.size() == wanted.size());
      for (const auto& [name, bytes] : wanted) {
        BOOST_TEST((found.contains(name) && found.at(name) == bytes), name);
      }
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(run_sinks)

BOOST_AUTO_TEST_CASE(a_sink_gets_the_draws_that_a_run_keeps) {
  const Folder folder;
  Running running(kChains, kDim);
  DrawsWriter writer(folder.path, kChains, kDim);
  Sinks both({&running, &writer});
  RunOptions how = options();
  const RunResult kept = run(walk(), start(), how);
  how.sink = &both;
  how.keep_draws = false;
  const RunResult streamed = run(walk(), start(), how);
  BOOST_TEST((kept.draws.shape() == ad::Shape{kChains, 66, kDim}));
  BOOST_TEST((streamed.draws.shape() == ad::Shape{kChains, 0, kDim}));
  BOOST_TEST(streamed.last.flat() == kept.last.flat(), kEach);
  BOOST_TEST(running.draws() == 66u);
  BOOST_TEST(read_shards(folder.path).flat() == kept.draws.flat(), kEach);
  BOOST_TEST(kept.stats.empty());
}

// A kernel that does not tell of its transitions has no statistics; NUTS runs chains ahead of each
// other, and has.
BOOST_AUTO_TEST_CASE(statistics_of_transitions_go_with_the_draws) {
  BOOST_TEST(stats_of<RandomWalk>().empty());
  const Folder folder;
  DrawsWriter writer(folder.path, kChains, kDim, {.stats = stats_of<Nuts>()});
  RunOptions how = options();
  how.sink = &writer;
  const RunResult result = run(no_u_turn(), start(), how);
  BOOST_TEST(read_shards(folder.path).flat() == result.draws.flat(), kEach);
  for (std::size_t s = 0; s < result.stats.size(); ++s) {
    const ad::Tensor values = read_shards(folder.path, stats_of<Nuts>()[s].name);
    BOOST_TEST((values.shape() == ad::Shape{kChains, 66}));
    for (std::size_t i = 0; i < values.size(); ++i) {
      BOOST_TEST(values[i] == Real(result.stats[s][i]));
    }
  }
  for (std::size_t i = 0; i < result.stats[0].size(); ++i) {
    BOOST_TEST((result.stats[1][i] > 0 && result.stats[1][i] <= 1));
    BOOST_TEST((result.stats[3][i] >= 1 && result.stats[2][i] >= result.stats[3][i]));
    BOOST_TEST(result.stats[4][i] == 0);
  }
  // U + kinetic energy is above U, and what E-BFMI is of.
  const ad::Tensor energy = ad::evaluate(
      [](std::span<const ad::Var> in) -> ad::Vars {
        return {gaussian({{1, -1}, {1, 0, 0, 2}}).energy(in[0])};
      },
      {ad::Tensor(result.draws).reshaped({kChains * 66, kDim})})[0];
  for (std::size_t i = 0; i < energy.size(); ++i) {
    BOOST_TEST(result.stats[0][i] > double(energy[i]) - 1e-5);
  }
  BOOST_TEST(result.facts.e_bfmi == e_bfmi({kChains, 66, result.stats[0]}), kEach);
  BOOST_TEST(result.facts.e_bfmi[5] > 0.3);
  BOOST_TEST(result.facts.max_depth == 10u);
  BOOST_TEST(result.facts.transitions == kChains * 200);
}

BOOST_AUTO_TEST_CASE(netcdf_has_the_draws_and_statistics_that_a_run_keeps) {
  const Folder folder;
  fs::create_directories(folder.path);
  NetcdfDraws file(folder.path / "draws.nc", kChains, kDim, {.stats = stats_of<Nuts>()});
  RunOptions how = options();
  how.sink = &file;
  const RunResult result = run(no_u_turn(), start(), how);
  const eqp::test::NetcdfReader reader(folder.path / "draws.nc");
  const std::vector<double> draws(result.draws.flat().begin(), result.draws.flat().end());
  BOOST_TEST(reader.values("posterior", "x") == draws, kEach);
  for (std::size_t s = 0; s < result.stats.size(); ++s) {
    const std::string name = stats_of<Nuts>()[s].name;
    BOOST_TEST(reader.values("sample_stats", name.c_str()) == result.stats[s], kEach);
  }
}

BOOST_AUTO_TEST_CASE(a_run_that_is_stopped_leaves_what_it_had) {
  const Folder folder;
  DrawsWriter writer(folder.path, kChains, kDim);
  RunOptions how = options();
  how.sink = &writer;
  int asked = 0;
  how.stop = [&] { return ++asked == 5; };
  const RunResult result = run(walk(), start(), how);
  BOOST_TEST((result.draws.shape() ==
              ad::Shape{kChains, 21, kDim}));  // of 64 steps, after 2 slices of warm-up
  BOOST_TEST(read_shards(folder.path).flat() == result.draws.flat(), kEach);
}

BOOST_AUTO_TEST_CASE(files_of_a_killed_run_become_those_of_one_left_alone) {
  check_killed(walk);
  check_killed(no_u_turn);
}

BOOST_AUTO_TEST_CASE(a_state_whose_files_are_gone_or_of_other_sizes_is_refused) {
  const Folder folder;
  fs::create_directories(folder.path);
  std::string kept;
  RunOptions how = options();
  const auto killed = [&] {
    fs::remove_all(folder.path);
    kept.clear();
    Mortal mortal(kept, 6, 6);
    how.keeper = &mortal;
    Writers writers(walk(), folder.path, false);
    how.sink = &writers.all;
    BOOST_CHECK_THROW(run(walk(), start(), how), Killed);
  };
  const auto resumed = [&](DrawSink& sink) {
    Mortal immortal(kept, Mortal::kNever, Mortal::kNever);
    how.keeper = &immortal;
    how.sink = &sink;
    return eqp::test::refusal([&] { run(walk(), start(), how); });
  };
  killed();
  fs::remove(folder.path / "draws-00001.npy");
  Writers no_shard(walk(), folder.path, true);
  BOOST_TEST(resumed(no_shard.all) == (folder.path / "draws-00001.npy").string() +
                                          ": no such file, which the state relies on");
  killed();
  const fs::path waiting = folder.path / "draws.nc.draws";
  fs::resize_file(waiting, fs::file_size(waiting) - 1);
  Writers cut_short(walk(), folder.path, true);
  BOOST_TEST(resumed(cut_short.all) ==
             waiting.string() + ": is cut short; need the draws that the state relies on");
  killed();
  Writers other(walk(), folder.path, true);
  DrawsWriter larger(folder.path, kChains, kDim, {.resumed = true});
  Sinks shards_differ({&larger, &other.netcdf, &other.running});
  BOOST_TEST(
      resumed(shards_differ).starts_with(folder.path.string() + ": has shards of 10 draws; need "));
  // Moments without a covariance, and a sink less.
  Running plain(kChains, kDim);
  Sinks moments_differ({&other.shards, &other.netcdf, &plain}), fewer({&other.shards});
  BOOST_TEST(resumed(moments_differ).find("all_mean") != std::string::npos);
  BOOST_TEST(resumed(fewer) != "");
  // Without --resume nothing that is there is touched.
  BOOST_CHECK_THROW(Writers(walk(), folder.path, false), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
