#include "experiments/common/progress.hpp"

#include <boost/test/unit_test.hpp>

#include "autodiff/parallel.hpp"

using namespace eqp;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(progress)

BOOST_AUTO_TEST_CASE(the_line_tells_of_the_oldest_training_and_of_all) {
  Progress progress({.total = 3, .quiet = true});
  BOOST_TEST(progress.line() == "0/3 trainings");
  { const auto done = progress.start("c2/cd", 10); }
  auto older = progress.start("c2/pcd", 200);
  auto younger = progress.start("c2/dsm", 10);
  older.update({.step = 86, .loss = 1.25, .acceptance = 0.5});
  younger.update({.step = 5, .loss = 7.0});
  const std::string line = progress.line();
  for (const char* part :
       {"1/3 trainings \u00b7 c2/pcd 43 %", "loss 1.25", "acceptance 0.500", "steps/s", " left"})
    BOOST_TEST(contains(line, part), part << " in " << line);
  BOOST_TEST(!contains(line, "dsm"));
}

BOOST_AUTO_TEST_CASE(what_a_training_does_not_say_is_not_shown) {
  Progress progress({.total = 1, .quiet = true});
  auto training = progress.start("nce", 4);
  training.update({.step = 1});
  BOOST_TEST(contains(progress.line(), "nce 25 %"));
  BOOST_TEST(!contains(progress.line(), "loss"));
  BOOST_TEST(!contains(progress.line(), "acceptance"));
}

BOOST_AUTO_TEST_CASE(trainings_may_run_at_the_same_time) {
  Progress progress({.total = 50, .quiet = true});
  ad::with_threads(4, [&] {
    ad::parallel_for(50, [&](std::size_t i) {
      auto training = progress.start(std::to_string(i), 100);
      for (std::size_t step = 1; step <= 100; ++step) training.update({.step = step});
    });
    return 0;
  });
  BOOST_TEST(progress.line() == "50/50 trainings");
}

BOOST_AUTO_TEST_SUITE_END()
