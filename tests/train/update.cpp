#include "train/update.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/message.hpp"
#include "tests/train/methods.hpp"
#include "tests/train/support.hpp"

using namespace eqp;
using namespace eqp::train;

namespace {

constexpr bool kSingle = sizeof(Real) == 4;

std::vector<Real> after_training(std::size_t threads, std::size_t method, std::size_t batch) {
  return ad::with_threads(threads, [&] {
    Method m = std::move(all_methods(batch)[method]);
    fit(*m.params, m.objective, adam(), {.steps = 4, .learning_rate = constant(0.01)});
    std::vector<Real> values(m.params->values().begin(), m.params->values().end());
    values.insert(values.end(), m.flow_params->values().begin(), m.flow_params->values().end());
    return values;
  });
}

// theta f(x) for x (n, 1)
struct Model {
  ad::Params params;
  ad::Param theta = scalar(params, "theta", 0.5);
  Update update;

  explicit Model(ad::Var (*f)(ad::Var), Update::Options options = {})
      : update(
            "model", params, {{1}},
            [this, f](std::span<const ad::Var> in) {
              return sum(theta.on(*in[0].tape) * f(in[0]), 1);
            },
            sgd(), options) {}
  Update::Result step(const ad::Tensor& x, double rate = 1) {
    const ad::ConstView batch[] = {x};
    return update.step(batch, rate);
  }
  double value() const { return params.values()[0]; }
};

ad::Tensor column(std::size_t n, double value) {
  ad::Tensor x({n, 1});
  std::ranges::fill(x.flat(), Real(value));
  return x;
}

// The message of the error, empty if there is none.
std::string error(Model& m, const ad::Tensor& x) {
  return eqp::test::message<std::runtime_error>([&] { m.step(x); });
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_method_has_the_same_bits_on_any_number_of_threads) {
  // Blocks of 32 and a last one of 22; and of 64, several to a group.
  for (const auto& [batch, n_methods] :
       {std::pair<std::size_t, std::size_t>{150, all_methods(150).size()}, {1000, 3}}) {
    for (std::size_t k = 0; k < n_methods; ++k) {
      const std::vector<Real> one = after_training(1, k, batch);
      BOOST_TEST_CONTEXT("method " << k << ", batch " << batch) {
        BOOST_TEST(after_training(2, k, batch) == one, boost::test_tools::per_element());
        BOOST_TEST(after_training(4, k, batch) == one, boost::test_tools::per_element());
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(blocks_change_nothing_but_rounding) {
  const double tolerance = kSingle ? 2e-6 : 1e-14;
  for (Method& m : all_methods(150)) {
    Inputs inputs(m.objective);
    inputs.feed(m.objective, 0);
    const auto gradient = [&](std::size_t block) {
      std::vector<double> g;
      Update update(m.name, *m.params, m.objective.row_shapes, m.objective.loss,
                    std::make_unique<Probe>(g), {.block = block});
      const double loss = update.step(inputs.read(), 1).loss;
      g.push_back(loss);
      return g;
    };
    const std::vector<double> whole = gradient(150);
    for (const std::size_t block : {1, 64, 149, 1000}) {  // a last block of 1, 22, 1 and 150 rows
      const std::vector<double> parts = gradient(block);
      for (std::size_t i = 0; i < whole.size(); ++i) {
        BOOST_TEST(std::abs(parts[i] - whole[i]) < tolerance * (1 + std::abs(whole[i])));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(an_update_serves_batches_of_any_size) {
  Model m(ad::square);
  for (const std::size_t n : {3, 100, 3, 1}) {
    const double before = m.value();
    ad::Tensor x = column(n, 2);
    x[0] = 0;  // mean of x^2: 4 (n - 1) / n
    const double mean = 4 * double(n - 1) / double(n);
    const Update::Result result = m.step(x, 0.1);
    BOOST_TEST(std::abs(result.loss - before * mean) < 1e-6);
    BOOST_TEST(std::abs(m.value() - (before - 0.1 * mean)) < 1e-6);
  }
}

BOOST_AUTO_TEST_CASE(a_long_gradient_is_clipped_and_reported_unclipped) {
  Model m(ad::square, {.clip_norm = 0.25});
  BOOST_TEST(m.step(column(70, 3), 1).gradient_norm == 9);
  BOOST_TEST(m.value() == 0.25);
}

BOOST_AUTO_TEST_CASE(a_value_that_is_not_finite_is_named_and_moves_nothing) {
  Model m(ad::log);
  ad::Tensor x = column(100, 1);
  x[70] = -1;
  const std::string message = error(m, x);
  BOOST_TEST(contains(message, "model"), message);
  BOOST_TEST(contains(message, "log"), message);
  BOOST_TEST(contains(message, "in row 70 of the batch"), message);
  BOOST_TEST(contains(message, "row 6 "), message);
  BOOST_TEST(contains(message, "[-1, 1]"), message);  // the range of the op's input
  BOOST_TEST(!contains(message, "\n"), message);
  BOOST_TEST(m.value() == 0.5);

  x[70] = std::numeric_limits<Real>::quiet_NaN();
  BOOST_TEST(contains(error(m, x), "input 0"));
  BOOST_TEST(m.value() == 0.5);

  x[70] = 1;
  BOOST_TEST(error(m, x) == "");  // the next batch is served
}

BOOST_AUTO_TEST_CASE(a_gradient_that_is_not_finite_is_an_error_too) {
  Model m(ad::square);
  const double large = std::sqrt(std::numeric_limits<Real>::max()) / 1.1;
  m.params.mutate()[0] = 0;  // the loss stays 0
  BOOST_TEST(error(m, column(2, large)) != "");
  Model rows(ad::square, {.block = 1});  // no row overflows, the sum over the blocks does
  rows.params.mutate()[0] = 0;
  BOOST_TEST(contains(error(rows, column(2, large)), "model: the sum"));
  BOOST_TEST(rows.value() == 0);
}

// The negative log-likelihood of a softmax over the rows: every row is coupled to all others.
struct Contrast {
  ad::Params params;
  ad::Param w = params.add("w", {3, 4}, [](std::span<Real> v) {
    ad::Draws draws({41});
    for (Real& x : v) x = Real(0.5 * draws.normal());
  });
  std::vector<double> gradient;

  static ad::Var loss(ad::Var score) { return logsumexp(score, 0) - mean(score); }
  ad::Var score(ad::Var x) const { return sum(silu(matmul(x, w.on(*x.tape))), 1); }

  Update::Result step(const ad::Tensor& x, std::size_t block = 0) {
    Update update("contrast", params, {{3}},
                  [this](std::span<const ad::Var> in) { return loss(score(in[0])); },
                  std::make_unique<Probe>(gradient), {.block = block});
    const ad::ConstView batch[] = {x};
    return update.step(batch, 1);
  }
};

BOOST_AUTO_TEST_CASE(a_loss_that_couples_rows_is_of_the_whole_batch) {
  Contrast model;
  const ad::Tensor x = ad::normal({300, 3}, {42});
  const Update::Result result = model.step(x, 64);
  BOOST_TEST(result.block == 300);
  // The chain rule through the scores, whose gradients are rows of their own: p_i - 1/n.
  const std::vector<ad::Tensor> r = ad::evaluate(
      [&](std::span<const ad::Var> in) -> ad::Vars { return {model.score(in[0])}; }, {x});
  double top = -1e30, sum = 0, mean = 0;
  for (const Real s : r[0].flat()) top = std::max(top, double(s));
  for (const Real s : r[0].flat()) {
    sum += std::exp(double(s) - top);
    mean += double(s) / 300;
  }
  BOOST_TEST(std::abs(result.loss - (top + std::log(sum) - mean)) < (kSingle ? 1e-5 : 1e-12));
  ad::Tensor weight({300});
  for (std::size_t i = 0; i < 300; ++i) {
    weight[i] = Real(std::exp(double(r[0][i]) - top) / sum - 1.0 / 300);
  }
  const ad::Tensor expected = ad::evaluate(
      [&](std::span<const ad::Var> in) -> ad::Vars {
        return {ad::grad(ad::sum(model.score(in[0]) * in[1]), model.params)};
      },
      {x, weight})[0];
  for (std::size_t k = 0; k < expected.size(); ++k) {
    BOOST_TEST(std::abs(model.gradient[k] - expected[k]) < (kSingle ? 1e-5 : 1e-12));
  }
}

BOOST_AUTO_TEST_CASE(a_loss_per_row_that_couples_rows_is_refused) {
  ad::Params params;
  const ad::Param theta = scalar(params, "theta", 1);
  const ad::Tensor one = ad::normal({1, 1}, {44}), many = ad::normal({40, 1}, {43});
  for (const std::size_t block : {0, 1, 40}) {
    Update update("softmax", params, {{1}},
                  [&](std::span<const ad::Var> in) {
                    const ad::Var score = sum(theta.on(*in[0].tape) * in[0], 1);
                    return logsumexp(score, 0) - score;
                  },
                  sgd(), {.block = block});
    const ad::ConstView alone[] = {one}, batch[] = {many};
    update.step(alone, 1);  // which tells nothing yet
    BOOST_CHECK_EXCEPTION(update.step(batch, 1), std::invalid_argument, [](const auto& e) {
      return std::string(e.what()) ==
             "softmax: the loss of a row changes with the rows beside it; return one loss of the "
             "batch, (), as by mean(loss)";
    });
  }
  BOOST_TEST(params.values()[0] == 1);
}

BOOST_AUTO_TEST_CASE(a_loss_of_any_other_shape_is_refused) {
  ad::Params params;
  const ad::Param theta = scalar(params, "theta", 1);
  Update update("column", params, {{1}},
                [&](std::span<const ad::Var> in) { return theta.on(*in[0].tape) * in[0]; }, sgd(),
                {});
  const ad::Tensor x = column(40, 1);
  const ad::ConstView batch[] = {x};
  BOOST_CHECK_EXCEPTION(update.step(batch, 1), std::invalid_argument, [](const auto& e) {
    return std::string(e.what()) == "column: the loss of 32 rows is (32, 1); need (32) or ()";
  });
}
