#include "train/clip.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "autodiff/ops.hpp"
#include "train/update.hpp"

using namespace eqp;
using namespace eqp::train;

namespace {

void check_close(const std::vector<Real>& found, const std::vector<double>& expected) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    BOOST_TEST(std::abs(found[i] - expected[i]) < (sizeof(Real) == 4 ? 1e-6 : 1e-14));
  }
}

// The loss p . x, whose gradient is the mean of the rows x (n, 2).
struct Model {
  ad::Params params;
  ad::Param p = params.add("p", {2}, [](std::span<Real>) {});
  Update update;

  explicit Model(Update::Options options)
      : update(
            "model", params, {{2}},
            [this](std::span<const ad::Var> in) { return sum(p.on(*in[0].tape) * in[0], 1); },
            sgd(), options) {}
};

}  // namespace

BOOST_AUTO_TEST_CASE(clipping_by_norm_shortens_long_gradients_only) {
  std::vector<Real> g{3, -4, 12};
  BOOST_TEST(clip_norm(g, 0) == 13);
  BOOST_TEST(clip_norm(g, 14) == 13);
  check_close(g, {3, -4, 12});
  BOOST_TEST(clip_norm(g, 2) == 13);
  check_close(g, {6. / 13, -8. / 13, 24. / 13});
}

BOOST_AUTO_TEST_CASE(clipping_by_value_cuts_large_entries_only) {
  std::vector<Real> g{3, -4, 12, 0};
  clip_value(g, 0);
  check_close(g, {3, -4, 12, 0});
  clip_value(g, 3.5);
  check_close(g, {3, -3.5, 3.5, 0});
}

BOOST_AUTO_TEST_CASE(an_update_clips_by_norm_and_then_by_value) {
  Model model({.clip_norm = 10, .clip_value = 7});
  ad::Tensor x({1, 2});
  x[0] = 30, x[1] = -40;  // of norm 50; then (6, -8), then (6, -7)
  const ad::ConstView batch[] = {x};
  BOOST_TEST(model.update.step(batch, 1).gradient_norm == 50);
  check_close({model.params.values().begin(), model.params.values().end()}, {-6, 7});
}

BOOST_AUTO_TEST_CASE(an_update_refuses_limits_that_are_none) {
  const auto refused = [](const Update::Options& options, const std::string& message) {
    BOOST_CHECK_EXCEPTION(Model{options}, std::invalid_argument,
                          [&](const auto& e) { return e.what() == message; });
  };
  const std::string size = "; need a finite number of at least 0";
  refused({.clip_norm = std::nan("")}, "model: clip_norm nan" + size);
  refused({.clip_value = -1}, "model: clip_value -1" + size);
}
