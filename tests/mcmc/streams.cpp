#include <boost/test/unit_test.hpp>
#include <cmath>
#include <filesystem>
#include <limits>

#include "autodiff/npy.hpp"
#include "autodiff/parallel.hpp"
#include "mcmc/diagnostics.hpp"
#include "mcmc/draws_writer.hpp"
#include "mcmc/running.hpp"

// Draws that are handed over in slabs: running moments and files of arrays.
using namespace eqp;
using namespace eqp::mcmc;

namespace {

/// A folder that is gone with the test.
struct Folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() /
                               ("equipoise_streams_" + std::to_string(sizeof(Real)));
  Folder() { std::filesystem::remove_all(path); }
  ~Folder() { std::filesystem::remove_all(path); }
};

/// Draws [first, first + k) of every chain.
ad::Tensor slab(const ad::Tensor& draws, std::size_t first, std::size_t k) {
  const std::size_t d = draws.shape()[2];
  ad::Tensor part({draws.rows(), k, d});
  for (std::size_t c = 0; c < draws.rows(); ++c) {
    std::ranges::copy(draws.row(c).subspan(first * d, k * d), part.row(c).begin());
  }
  return part;
}

/// In slabs of growing size, with statistics 10 t and 10 t + 1 of draw t.
void feed(DrawSink& sink, const ad::Tensor& draws, std::size_t n_stats, std::size_t step = 1) {
  const std::size_t n = draws.shape()[1];
  for (std::size_t first = 0, k = 1; first < n; first += k, k += step) {
    k = std::min(k, n - first);
    std::vector<StatValues> stats(n_stats);
    for (std::size_t s = 0; s < n_stats; ++s) {
      for (std::size_t i = 0; i < draws.rows() * k; ++i) {
        stats[s].push_back(double(10 * (first + i % k) + s));
      }
    }
    sink.append(slab(draws, first, k), stats);
  }
}

const auto kNear = boost::test_tools::tolerance(1e-10);
const auto kEach = boost::test_tools::per_element();

}  // namespace

BOOST_AUTO_TEST_CASE(running_moments_are_those_of_all_draws) {
  ad::Tensor draws = ad::normal({3, 421, 2}, {1, 0});
  for (std::size_t i = 0; i < draws.size(); i += 2) draws[i + 1] += 1000 + draws[i];
  Running running(3, 2, {.covariance = true});
  feed(running, draws, 0);
  const ChainValues a = coordinate(draws, 0), b = coordinate(draws, 1);
  const MeanVariance m = mean_variance(a.values), l = mean_variance(b.values);
  BOOST_TEST(running.draws() == 421);
  BOOST_TEST(running.mean()[0] == m.mean, kNear);
  BOOST_TEST(running.mean()[1] == l.mean, kNear);
  BOOST_TEST(running.variance()[1] == l.variance, kNear);
  double mixed = 0;
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    mixed += (a.values[i] - m.mean) * (b.values[i] - l.mean) / double(a.values.size() - 1);
  }
  const std::vector<double> covariance = running.covariance();
  BOOST_TEST(covariance[0] == m.variance, kNear);
  BOOST_TEST(covariance[1] == mixed, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(covariance[2] == covariance[1]);
  BOOST_TEST(covariance[3] == l.variance, kNear);
}

BOOST_AUTO_TEST_CASE(running_split_rhat_is_that_of_the_draws_kept) {
  ad::Tensor draws = ad::normal({4, 640, 1}, {2, 0});
  for (std::size_t t = 0; t < 640; ++t) draws[640 + t] += Real(0.3);
  Running known(4, 1, {.batch = 320}), unknown(4, 1);
  feed(known, draws, 0);
  feed(unknown, draws, 0);
  const double exact = split_rhat(coordinate(draws, 0));
  BOOST_TEST(known.split_rhat()[0] == exact, kNear);
  BOOST_TEST(unknown.split_rhat()[0] == exact, kNear);  // 10 batches of 64
  // 11 batches of 64 and a rest: the middle batch and the rest are dropped.
  ad::Tensor more = ad::normal({4, 720, 1}, {2, 0});
  Running odd(4, 1);
  feed(odd, more, 0);
  ad::Tensor halves({4, 640, 1});
  for (std::size_t c = 0; c < 4; ++c) {
    std::ranges::copy(more.row(c).first(320), halves.row(c).begin());
    std::ranges::copy(more.row(c).subspan(384, 320), halves.row(c).begin() + 320);
  }
  BOOST_TEST(odd.split_rhat()[0] == split_rhat(coordinate(halves, 0)), kNear);
}

BOOST_AUTO_TEST_CASE(running_moments_have_the_same_bits_for_any_slabs_and_threads) {
  const ad::Tensor draws = ad::normal({5, 333, 3}, {3, 0});
  Running whole(5, 3, {.covariance = true}), parts = whole, threads = whole;
  whole.append(draws);
  feed(parts, draws, 0);
  ad::with_threads(1, [&] { feed(threads, draws, 0, 7); });
  for (const Running* other : {&parts, &threads}) {
    BOOST_TEST(other->mean() == whole.mean(), kEach);
    BOOST_TEST(other->variance() == whole.variance(), kEach);
    BOOST_TEST(other->covariance() == whole.covariance(), kEach);
    BOOST_TEST(other->split_rhat() == whole.split_rhat(), kEach);
  }
}

BOOST_AUTO_TEST_CASE(running_moments_of_few_constant_or_broken_draws) {
  Running few(2, 1);
  BOOST_CHECK_THROW(few.mean(), std::logic_error);
  BOOST_CHECK_THROW(few.covariance(), std::logic_error);
  ad::Tensor draws({2, 3, 1});
  std::ranges::fill(draws.flat(), Real(0.1));
  few.append(draws);
  BOOST_TEST(few.mean()[0] == double(Real(0.1)));
  BOOST_TEST(few.variance()[0] == 0);
  BOOST_TEST(std::isnan(few.split_rhat()[0]));
  few.append(draws);
  BOOST_TEST(std::isnan(few.split_rhat()[0]));  // equal draws, as in split_rhat
  draws[1] = std::numeric_limits<Real>::quiet_NaN();
  few.append(draws);
  BOOST_TEST(std::isnan(few.mean()[0]));
  BOOST_CHECK_THROW(few.append(ad::Tensor({3, 1, 1})), std::invalid_argument);
  BOOST_CHECK_THROW(few.append(ad::Tensor({2, 1, 2})), std::invalid_argument);
  BOOST_CHECK_THROW(Running(0, 1), std::invalid_argument);
  BOOST_CHECK_THROW(Running(1, 0), std::invalid_argument);
  BOOST_CHECK_THROW(Running(1, 1, {.batch = 0}), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(shards_hold_all_draws_and_statistics_and_are_bounded) {
  const Folder folder;
  const ad::Tensor draws = ad::normal({3, 100, 2}, {4, 0});
  DrawsWriter writer(
      folder.path, 3, 2,
      {.shard_bytes = 3 * (2 + 2) * 30 * sizeof(Real), .stats = {{"lp"}, {"energy"}}});
  BOOST_TEST(writer.shard_draws() == 30);
  feed(writer, draws, 2);
  BOOST_TEST(!std::filesystem::exists(folder.path / "draws-00003.npy"));
  writer.finish();
  BOOST_TEST(ad::read_npy(folder.path / "draws-00002.npy").shape()[1] == 30);
  BOOST_TEST(ad::read_npy(folder.path / "draws-00003.npy").shape()[1] == 10);
  BOOST_TEST(read_shards(folder.path).flat() == draws.flat(), kEach);
  const ad::Tensor energy = read_shards(folder.path, "energy");
  BOOST_TEST((energy.shape() == ad::Shape{3, 100}));
  BOOST_TEST(energy(2, 99) == 991);
  BOOST_TEST(energy(1, 31) == 311);
  for (const auto& file : std::filesystem::directory_iterator(folder.path)) {
    BOOST_TEST(file.path().extension() == ".npy");  // nothing temporary is left
  }
}

BOOST_AUTO_TEST_CASE(shards_are_not_mixed_with_older_ones_and_bad_slabs_are_refused) {
  const Folder folder;
  BOOST_CHECK_THROW(read_shards(folder.path), std::invalid_argument);
  DrawsWriter writer(folder.path, 1, 1, {.shard_bytes = 1});
  BOOST_TEST(writer.shard_draws() == 1);
  writer.append(ad::Tensor({1, 2, 1}), {});
  BOOST_CHECK_THROW(DrawsWriter(folder.path, 1, 1), std::invalid_argument);
  BOOST_CHECK_THROW(writer.append(ad::Tensor({1, 2, 2}), {}), std::invalid_argument);
  const std::vector<StatValues> stats(1);
  BOOST_CHECK_THROW(writer.append(ad::Tensor({1, 2, 1}), stats), std::invalid_argument);
  ad::write_npy(folder.path / "draws-00002.npy", ad::Tensor({2, 1, 1}));
  BOOST_CHECK_THROW(read_shards(folder.path), std::invalid_argument);
  ad::write_npy(folder.path / "one-00000.npy", ad::Tensor({3}));
  BOOST_CHECK_THROW(read_shards(folder.path, "one"), std::invalid_argument);
  const auto other = folder.path / "other";
  BOOST_CHECK_THROW(DrawsWriter(other, 0, 1), std::invalid_argument);
  BOOST_CHECK_THROW(DrawsWriter(other, 1, 1, {.stats = {{"draws"}}}), std::invalid_argument);
  BOOST_CHECK_THROW(DrawsWriter(other, 1, 1, {.stats = {{"../lp"}}}), std::invalid_argument);
  DrawsWriter gone(other, 1, 1, {.stats = {{"lp"}}});
  const std::vector<StatValues> two(1, StatValues(2)), three(1, StatValues(3));
  BOOST_CHECK_THROW(gone.append(ad::Tensor({1, 2, 1}), three), std::invalid_argument);
  gone.append(ad::Tensor({1, 2, 1}), two);
  std::filesystem::remove_all(other);
  BOOST_CHECK_THROW(gone.finish(), std::runtime_error);
}
