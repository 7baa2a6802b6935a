#include <boost/test/unit_test.hpp>

#include "autodiff/ops.hpp"
#include "tests/ranks.hpp"
#include "tests/train/methods.hpp"
#include "train/update.hpp"

using namespace eqp;
namespace test = eqp::test;

namespace {

BOOST_AUTO_TEST_SUITE(in_a_job, *boost::unit_test::fixture<test::Job>())

BOOST_AUTO_TEST_CASE(every_method_trains_what_one_process_does) {
  constexpr std::size_t kBatch = 300;
  const auto trained = [](std::size_t i) {
    const train::Method method = std::move(train::all_methods(kBatch)[i]);
    std::vector<double> losses;
    train::fit(*method.params, method.objective, train::adam(), {.steps = 4, .block = 20},
               [&](std::uint32_t, const train::StepLog& log) {
                 losses.push_back(log.loss);
                 return true;
               });
    for (const Real v : method.params->values()) losses.push_back(double(v));
    for (const Real v : method.flow_params->values()) losses.push_back(double(v));
    return losses;
  };
  const std::vector<train::Method> methods = train::all_methods(kBatch);
  for (std::size_t i = 0; i < methods.size(); ++i) {
    std::vector<double> wanted;
    test::alone([&] { wanted = trained(i); });
    BOOST_TEST(trained(i) == wanted, methods[i].name);
  }
}

BOOST_AUTO_TEST_CASE(updates_are_those_of_one_process) {
  const ad::Tensor batch = ad::normal({37, 2}, {.seed = 3});
  const std::vector<ad::ConstView> in{batch.view()};
  const auto trained = [&](std::size_t block) {
    ad::Params params;
    const ad::Param w = params.add("w", {2, 5}, [](std::span<Real> v) {
      for (std::size_t i = 0; i < v.size(); ++i) v[i] = Real(0.1 * double(i) - 0.4);
    });
    train::Update update("test", params, {{2}},
                         [=](std::span<const ad::Var> rows) {
                           return sum(square(tanh(matmul(rows[0], w.on(*rows[0].tape)))), 1);
                         },
                         train::adam(), {.block = block});
    std::vector<double> losses;
    for (int k = 0; k < 3; ++k) losses.push_back(update.step(in, 0.1).loss);
    for (const Real v : params.values()) losses.push_back(double(v));
    return losses;
  };
  // From a group to a block of its own for each of 37 rows, in groups of five.
  for (const std::size_t block : {37, 20, 8, 5, 1}) {
    std::vector<double> wanted;
    test::alone([&] { wanted = trained(block); });
    BOOST_TEST(trained(block) == wanted, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
