#include <boost/test/unit_test.hpp>
#include <cmath>
#include <map>
#include <string>

#include "tests/flows/cases.hpp"
#include "tests/message.hpp"

// The coupling maps against their formulas, written out in double with masks.
using namespace eqp;
using flows::CouplingForm;
using flows::Half;

namespace {

using Row = std::vector<double>;

struct Array {
  ad::Shape shape;
  std::vector<double> values;
};

std::map<std::string, Array> by_name(const ad::Params& params) {
  std::map<std::string, Array> arrays;
  for (const auto& e : params.entries()) {
    const auto v = params.view(e).flat();
    arrays[e.name] = {e.shape, {v.begin(), v.end()}};
  }
  return arrays;
}

Row linear(const Array& weight, const Array& bias, const Row& x) {
  Row y = bias.values;
  for (std::size_t o = 0; o < y.size(); ++o) {
    for (std::size_t i = 0; i < x.size(); ++i) y[o] += weight.values[o * x.size() + i] * x[i];
  }
  return y;
}

// One hidden layer of rectifiers.
Row network(const std::map<std::string, Array>& p, const std::string& name, const Row& x) {
  Row hidden = linear(p.at(name + ".0.weight"), p.at(name + ".0.bias"), x);
  for (double& h : hidden) h = std::max(h, 0.0);
  return linear(p.at(name + ".2.weight"), p.at(name + ".2.bias"), hidden);
}

struct Result {
  Row y;
  double log_det = 0;
};

// The capped form: s = c tanh(m net_s(x (1 - m))), t = c m net_t(x (1 - m)), with the
// networks reading and writing all d columns.
Result capped(const std::map<std::string, Array>& p, const Row& x, const Row& m, double c) {
  Row frozen = x;
  for (std::size_t j = 0; j < x.size(); ++j) frozen[j] *= 1 - m[j];
  Row net_s, net_t;
  if (p.contains("c.s.0.weight")) {
    net_s = network(p, "c.s", frozen), net_t = network(p, "c.t", frozen);
  } else {
    const Row both = network(p, "c", frozen);
    const auto middle = both.begin() + both.size() / 2;
    net_s = {both.begin(), middle}, net_t = {middle, both.end()};
  }
  Result r{x};
  for (std::size_t j = 0; j < x.size(); ++j) {
    const double s = c * std::tanh(m[j] * net_s[j]), t = c * m[j] * net_t[j];
    r.y[j] = (x[j] + t) * std::exp(s);
    r.log_det += s;
  }
  return r;
}

// Dinh's form on the columns that move, with networks from the columns that do not: two, or one
// whose outputs are log-scales and shifts.
Result plain(const std::map<std::string, Array>& p, const Row& x, const Row& m, double c) {
  Row frozen;
  for (std::size_t j = 0; j < x.size(); ++j) {
    if (m[j] == 0) frozen.push_back(x[j]);
  }
  Row net_s, net_t;
  if (p.contains("c.s.0.weight")) {
    net_s = network(p, "c.s", frozen), net_t = network(p, "c.t", frozen);
  } else {
    const Row both = network(p, "c", frozen);
    const auto middle = both.begin() + both.size() / 2;
    net_s = {both.begin(), middle}, net_t = {middle, both.end()};
  }
  Result r{x};
  std::size_t k = 0;
  for (std::size_t j = 0; j < x.size(); ++j) {
    if (m[j] == 0) continue;
    const double s = c * std::tanh(net_s[k] / c);
    r.y[j] = x[j] * std::exp(s) + net_t[k++];
    r.log_det += s;
  }
  return r;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(coupling)

BOOST_AUTO_TEST_CASE(all_forms_equal_their_formulas_written_with_masks) {
  const double tolerance = sizeof(Real) == 8 ? 1e-13 : 1e-5;
  using Make = std::shared_ptr<flows::CouplingChain> (*)(ad::Params&, Half);
  using Formula = decltype(&plain);
  const std::pair<Make, Formula> forms[] = {
      {[](ad::Params& p, Half half) {
         return flows::test::coupling(p, 5, half, CouplingForm::capped);
       },
       capped},
      {[](ad::Params& p, Half half) {
         return flows::test::coupling(p, 5, half, CouplingForm::plain);
       },
       plain},
      {[](ad::Params& p, Half half) {
         return std::make_shared<flows::CouplingChain>(
             "c", flows::test::Couplings{std::make_shared<flows::MonotoneCoupling>(
                      p, "c", 5, half, flows::affine_map(0.8),
                      flows::MonotoneCouplingOptions{.hidden = {8}}, ad::Key{3, 0})});
       },
       plain}};
  for (const auto& [make, formula] : forms) {
    for (const auto moved : {Half::first, Half::second}) {
      ad::Params params;
      const auto map = make(params, moved);
      flows::test::randomise(params);
      Row mask = {1, 1, 0, 0, 0};
      if (moved == Half::second) mask = {0, 0, 1, 1, 1};
      const ad::Tensor x = ad::normal({20, 5}, {1, 0});
      const auto out = ad::evaluate(
          [&](auto in) {
            const auto y = map->forward(in[0]);
            return ad::Vars{y.y, y.log_det};
          },
          {x});
      const auto arrays = by_name(params);
      for (std::size_t i = 0; i < x.rows(); ++i) {
        const Row row(x.row(i).begin(), x.row(i).end());
        const Result expected = formula(arrays, row, mask, 0.8);
        for (std::size_t j = 0; j < 5; ++j) {
          BOOST_TEST(std::abs(out[0](i, j) - expected.y[j]) < tolerance);
        }
        BOOST_TEST(std::abs(out[1][i] - expected.log_det) < tolerance);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(impossible_couplings_are_refused) {
  ad::Params params;
  const auto refusal = [&](std::size_t dim, double cap) {
    return eqp::test::refusal([&] {
      flows::AffineCoupling(params, "c", dim, Half::first, {.cap = cap}, {1, 0});
    });
  };
  BOOST_TEST(refusal(1, 1) == "coupling \"c\": dim 1 cannot be split; need at least 2");
  BOOST_TEST(refusal(0, 1) == "coupling \"c\": dim 0 cannot be split; need at least 2");
  for (double bad : {0.0, -1.0, std::nan("")}) {
    BOOST_TEST(refusal(2, bad).starts_with("coupling \"c\": cap "));
  }
  BOOST_CHECK_THROW(
      flows::AffineCoupling(params, "c", 2, Half::first, {.context_dim = 1}, ad::Key{1, 0}),
      std::invalid_argument);
  BOOST_TEST(params.size() == 0u);
}

BOOST_AUTO_TEST_CASE(a_chain_needs_couplings_of_one_dim_and_one_context) {
  ad::Params params;
  using flows::CouplingChain;
  using flows::CouplingForm;
  const auto make = [&](const char* name, std::size_t dim, std::size_t context) {
    return std::make_shared<flows::AffineCoupling>(
        params, name, dim, Half::first,
        flows::CouplingOptions{.form = CouplingForm::plain, .context_dim = context}, ad::Key{1, 0});
  };
  const auto two = make("two", 2, 0), three = make("three", 3, 0);
  const auto one_more = make("two and 1", 2, 1), two_more = make("two and 2", 2, 2);
  BOOST_CHECK_THROW(CouplingChain("c", {}), std::invalid_argument);
  BOOST_CHECK_THROW(CouplingChain("c", {two, three}), std::invalid_argument);
  BOOST_TEST(eqp::test::refusal([&] {
               CouplingChain("c", {two, one_more, two_more});
             }) == "c: \"two and 2\" takes a context of 2; those before it of 1");
  BOOST_TEST(CouplingChain("c", {two, one_more}).context_dim() == 1u);
}

BOOST_AUTO_TEST_CASE(a_flow_needs_layers_of_its_base_s_dim_and_a_context_that_fits) {
  ad::Params params;
  const auto base = std::make_shared<flows::DiagonalGaussian>(flows::standard_normal(2));
  const auto three = std::make_shared<flows::ElementwiseAffine>(params, "three", 3);
  BOOST_CHECK_THROW(flows::Flow(base, {three}), std::invalid_argument);
  flows::Layers layers = flows::maf(params, "one", 2, {.context_dim = 1}, {1, 0}).layers();
  layers.push_back(flows::maf(params, "two", 2, {.context_dim = 2}, {1, 0}).layers()[0]);
  BOOST_TEST(eqp::test::refusal([&] { flows::Flow(base, layers); }) ==
             "flow: \"two.0\" takes a context of 2; those before it of 1");
  const flows::Flow flow =
      flows::neural_spline(params, "flow", 2, {.hidden = {4}, .context_dim = 3}, {1, 0});
  ad::Tape tape;
  const ad::Var x = tape.input({5, 2});
  const auto refusal = [&](ad::Var context) {
    return eqp::test::refusal([&] { flow.log_prob(x, context); });
  };
  BOOST_TEST(refusal({}) == "flow: no context; need (5, 3)");
  BOOST_TEST(refusal(tape.input({5, 2})) == "flow: context (5, 2); need (5, 3)");
  BOOST_TEST(refusal(tape.input({5, 3})) == "");
}

BOOST_AUTO_TEST_CASE(orders_that_are_no_permutation_are_refused) {
  using flows::Permutation;
  BOOST_CHECK_THROW(Permutation({0, 0}), std::invalid_argument);
  BOOST_CHECK_THROW(Permutation({1, 2}), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_permutation_puts_coordinate_order_j_at_place_j) {
  ad::Tensor x({1, 3});
  for (std::size_t j = 0; j < 3; ++j) x[j] = Real(j);
  const auto out = ad::evaluate(
      [](auto in) {
        return ad::Vars{flows::Permutation({2, 0, 1}).forward(in[0]).y,
                        flows::reversal(3).forward(in[0]).y};
      },
      {x});
  const std::vector<Real> cycled = {2, 0, 1}, reversed = {2, 1, 0};
  BOOST_TEST(out[0].flat() == cycled, boost::test_tools::per_element());
  BOOST_TEST(out[1].flat() == reversed, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
