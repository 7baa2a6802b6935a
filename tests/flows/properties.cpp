#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "autodiff/grad.hpp"
#include "tests/flows/cases.hpp"
#include "tests/flows/numerics.hpp"

using namespace eqp;
using flows::Flow;
using flows::test::Case;

namespace {

constexpr bool kDouble = sizeof(Real) == 8;
constexpr double kRoundTrip = kDouble ? 1e-10 : 1e-5;

// A case with parameters far from the identity, and contexts where it takes them.
class Built {
 public:
  explicit Built(const Case& c) : flow(c.build(params)) { flows::test::randomise(params, c.size); }

  flows::Mapped forward(ad::Var z) const { return flow.forward(z, context(z)); }
  flows::Mapped inverse(ad::Var x) const { return flow.inverse(x, context(x)); }
  Flow::Sample sample(ad::Var noise) const { return flow.sample(noise, context(noise)); }
  ad::Var log_prob(ad::Var x) const { return flow.log_prob(x, context(x)); }

  ad::Params params;
  Flow flow;

 private:
  ad::Var context(ad::Var x) const {
    if (flow.context_dim() == 0) return {};
    return x.tape->constant(ad::normal({x.shape()[0], flow.context_dim()}, {6, 0}));
  }
};

template <class Check>
void for_all_cases(Check check) {
  for (const Case& c : flows::test::all_cases()) {
    BOOST_TEST_CONTEXT(c.name) {
      const Built built(c);
      check(built, c.dim);
    }
  }
}

// Relative to the size of the numbers compared.
double largest_difference(const ad::Tensor& a, const ad::Tensor& b) {
  BOOST_REQUIRE(a.size() == b.size());
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double scale = 1 + std::abs(double(a[i]));
    largest = std::max(largest, std::abs(double(a[i]) - double(b[i])) / scale);
  }
  return largest;
}

// Row j of every Jacobian: the derivative of output j.
ad::Var jacobian_row(ad::Var y, ad::Var x, std::size_t j) {
  ad::Tensor unit(y.shape());
  for (std::size_t i = 0; i < unit.rows(); ++i) unit(i, j) = 1;
  return ad::vjp(y, x, x.tape->constant(unit));
}

void check_log_det(const ad::Function& map, const ad::Tensor& x, std::size_t dim) {
  const auto values = ad::evaluate(
      [&](auto in) {
        const ad::Vars mapped = map(in);
        ad::Vars out = {mapped[1]};
        for (std::size_t j = 0; j < dim; ++j) out.push_back(jacobian_row(mapped[0], in[0], j));
        return out;
      },
      {x});
  for (std::size_t i = 0; i < x.rows(); ++i) {
    std::vector<std::vector<double>> jacobian;
    for (std::size_t j = 0; j < dim; ++j) {
      const auto row = values[1 + j].row(i);
      jacobian.emplace_back(row.begin(), row.end());
    }
    BOOST_TEST(std::abs(values[0][i] - flows::test::log_abs_det(jacobian)) <
               (kDouble ? 1e-10 : 1e-4));
  }
}

// Mass and first and second moments of exp(log_prob) over a square grid, whose edge the tails of
// every case are far inside of.
struct Moments {
  double mass = 0;
  std::array<double, 2> mean{};
  std::array<double, 3> second{};  // x^2, x y, y^2
};

Moments by_quadrature(const Built& flow) {
  constexpr std::size_t n = 401;
  constexpr double edge = 14, h = 2 * edge / (n - 1);
  ad::Tensor grid({n * n, 2});
  for (std::size_t i = 0; i < n * n; ++i) {
    grid(i, 0) = Real(-edge + h * double(i / n));
    grid(i, 1) = Real(-edge + h * double(i % n));
  }
  const ad::Tensor log_prob =
      ad::evaluate([&](auto in) { return ad::Vars{flow.log_prob(in[0])}; }, {grid})[0];
  Moments m;
  for (std::size_t i = 0; i < n * n; ++i) {
    const double p = h * h * std::exp(double(log_prob[i])), x = grid(i, 0), y = grid(i, 1);
    m.mass += p;
    m.mean[0] += p * x;
    m.mean[1] += p * y;
    m.second[0] += p * x * x;
    m.second[1] += p * x * y;
    m.second[2] += p * y * y;
  }
  return m;
}

// The capped form keeps weights that no value depends on: inputs from the moved half into the
// networks, and outputs of theirs for the copied half.
bool is_masked(const ad::Params::Entry& e, std::size_t element, std::size_t dim, bool moves_first) {
  const auto in_first_half = [&](std::size_t coordinate) { return coordinate < dim / 2; };
  const bool first_layer = e.name.find(".0.weight") != std::string::npos;
  if (first_layer) return in_first_half(element % dim) == moves_first;
  if (e.shape[0] != dim) return false;  // a hidden bias or weight
  const std::size_t output = e.shape.rank() == 2 ? element / e.shape[1] : element;
  return in_first_half(output) != moves_first;
}

// In a masked autoregressive network with d coordinates a unit sees those below its degree: inputs
// come first, hidden degrees go evenly from 1 (0 with a context or one coordinate) to d - 1, and
// output o is one of coordinate o % d (Germain et al. 2015, eqs. 12 and 13).
bool is_autoregressive(const Case& c) {
  return c.name.find("AF") != std::string::npos || c.name.starts_with("autoregressive");
}

bool is_masked(const Case& c, const ad::Params& params, const ad::Params::Entry& e,
               std::size_t element) {
  if (e.shape.rank() != 2) return false;
  const std::size_t d = c.dim, n_in = e.shape[1];
  const std::size_t dot = e.name.find('.', 5);  // of "flow.<i>.<layer>.weight"
  const std::string transform = e.name.substr(0, dot);
  const std::size_t layer = std::stoul(e.name.substr(dot + 1));
  std::size_t last_layer = 0, context = 0;
  for (const auto& other : params.entries()) {
    if (!other.name.starts_with(transform + ".")) continue;
    last_layer = std::max<std::size_t>(last_layer, std::stoul(other.name.substr(dot + 1)));
    if (other.name == transform + ".0.weight") context = other.shape[1] - d;
  }
  const std::size_t least = context > 0 || d == 1 ? 0 : 1;
  const auto hidden_degree = [&](std::size_t unit, std::size_t units) {
    return least + unit * (d - least) / units;
  };
  const std::size_t o = element / n_in, i = element % n_in;
  const std::size_t out = layer == last_layer ? o % d : hidden_degree(o, e.shape[0]);
  if (layer == 0) return i >= context && i - context >= out;
  return hidden_degree(i, n_in) > out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(properties)

BOOST_AUTO_TEST_CASE(inverse_undoes_forward_and_forward_undoes_inverse) {
  for_all_cases([](const Built& b, std::size_t dim) {
    const ad::Tensor x = ad::normal({64, dim}, {1, 0});
    const auto out = ad::evaluate(
        [&](auto in) {
          return ad::Vars{b.inverse(b.forward(in[0]).y).y, b.forward(b.inverse(in[0]).y).y,
                          b.forward(in[0]).y};
        },
        {x});
    BOOST_TEST(largest_difference(out[0], x) < kRoundTrip);
    BOOST_TEST(largest_difference(out[1], x) < kRoundTrip);
    BOOST_TEST(largest_difference(out[2], x) > 0.1);  // the parameters do something
  });
}

BOOST_AUTO_TEST_CASE(log_det_is_that_of_the_recorded_jacobian_in_both_directions) {
  for_all_cases([](const Built& b, std::size_t dim) {
    const ad::Tensor x = ad::normal({16, dim}, {1, 0});
    const auto both = [](const flows::Mapped& m) { return ad::Vars{m.y, m.log_det}; };
    check_log_det([&](auto in) { return both(b.forward(in[0])); }, x, dim);
    check_log_det([&](auto in) { return both(b.inverse(in[0])); }, x, dim);
  });
}

BOOST_AUTO_TEST_CASE(log_det_of_the_inverse_is_minus_that_of_forward) {
  for_all_cases([](const Built& b, std::size_t dim) {
    const auto out = ad::evaluate(
        [&](auto in) {
          const auto y = b.forward(in[0]);
          return ad::Vars{y.log_det, -b.inverse(y.y).log_det};
        },
        {ad::normal({64, dim}, {1, 0})});
    BOOST_TEST(largest_difference(out[0], out[1]) < kRoundTrip);
  });
}

BOOST_AUTO_TEST_CASE(a_sample_comes_with_its_own_log_prob) {
  for_all_cases([](const Built& b, std::size_t dim) {
    const auto out = ad::evaluate(
        [&](auto in) {
          const auto s = b.sample(in[0]);
          return ad::Vars{s.log_prob, b.log_prob(s.x)};
        },
        {ad::normal({64, dim}, {1, 0})});
    BOOST_TEST(largest_difference(out[0], out[1]) < kRoundTrip);
  });
}

BOOST_AUTO_TEST_CASE(the_score_at_a_sample_is_a_derivative_in_the_sample) {
  // The sample is itself recorded: a shortcut through it would make this gradient vanish.
  for_all_cases([](const Built& b, std::size_t dim) {
    const ad::Tensor noise = ad::normal({64, dim}, {1, 0});
    const auto out = ad::evaluate(
        [&](auto in) {
          const ad::Var x = b.sample(in[0]).x;
          return ad::Vars{x, ad::grad(b.log_prob(x), x)};
        },
        {noise});
    const auto score = ad::evaluate(
        [&](auto in) { return ad::Vars{ad::grad(b.log_prob(in[0]), in[0])}; }, {out[0]})[0];
    BOOST_TEST(largest_difference(out[1], score) < kRoundTrip);
  });
}

BOOST_AUTO_TEST_CASE(in_the_plane_the_density_integrates_to_one_and_the_samples_follow_it) {
  for_all_cases([](const Built& b, std::size_t dim) {
    if (dim != 2) return;
    const Moments exact = by_quadrature(b);
    // The trapezoid rule on a piecewise smooth density: an error of order h^2 where it has kinks.
    BOOST_TEST(std::abs(exact.mass - 1) < 5e-4);
    const ad::Tensor x = ad::evaluate([&](auto in) { return ad::Vars{b.sample(in[0]).x}; },
                                      {ad::normal({40000, 2}, {7, 0})})[0];
    const auto check = [&](double expected, auto f) {
      const auto [mean, error] = flows::test::mean_of(x, f);
      BOOST_TEST(std::abs(mean - expected) < 4 * error);
    };
    check(exact.mean[0], [](double u, double) { return u; });
    check(exact.mean[1], [](double, double v) { return v; });
    check(exact.second[0], [](double u, double) { return u * u; });
    check(exact.second[1], [](double u, double v) { return u * v; });
    check(exact.second[2], [](double, double v) { return v * v; });
  });
}

BOOST_AUTO_TEST_CASE(every_parameter_gets_a_gradient_but_the_masked_weights_of_the_capped_form) {
  for (const Case& c : flows::test::all_cases()) {
    const Built b(c);
    if (b.params.size() == 0) continue;
    // Inputs spread widely, so that no rectifier is off for all of them.
    const ad::Tensor gradient =
        ad::evaluate([&](auto in) { return ad::Vars{ad::grad(b.log_prob(3.0 * in[0]), b.params)}; },
                     {ad::normal({256, c.dim}, {1, 0})})[0];
    for (const auto& e : b.params.entries()) {
      const bool in_mixed = c.name.starts_with("composition");
      const bool capped = in_mixed ? e.name.starts_with("d.") : c.name.starts_with("capped");
      const bool first = in_mixed                      ? e.name.starts_with("d.1")
                         : e.name.starts_with("flow.") ? (e.name[5] - '0') % 2 == 0
                                                       : c.name.find("first") != std::string::npos;
      for (std::size_t i = 0; i < e.shape.size(); ++i) {
        BOOST_TEST_CONTEXT(c.name << ", " << e.name << "[" << i << "]") {
          const bool masked = is_autoregressive(c) ? is_masked(c, b.params, e, i)
                                                   : capped && is_masked(e, i, c.dim, first);
          BOOST_TEST((gradient[e.offset + i] == 0) == masked);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_batch_of_another_width_is_refused) {
  for_all_cases([](const Built& b, std::size_t dim) {
    ad::Tape tape;
    for (const ad::Var bad : {tape.input({4, dim + 1}), tape.input({dim})}) {
      BOOST_CHECK_THROW(b.flow.forward(bad), std::invalid_argument);
      BOOST_CHECK_THROW(b.flow.inverse(bad), std::invalid_argument);
      BOOST_CHECK_THROW(b.flow.sample(bad), std::invalid_argument);
    }
  });
}

BOOST_AUTO_TEST_SUITE_END()
