#include <boost/test/unit_test.hpp>
#include <cmath>

#include "tests/autodiff/op_check.hpp"

using namespace eqp::ad;
using namespace eqp::ad::test;

namespace {

// Naive reductions of (n, m) and (n, m, k) arrays, one value of the result at a time.
template <class F>
Naive over_rows(F reduce) {  // axis 0 of (n, m)
  return [=](const Arrays& x) {
    return build({x[0].shape[1]}, [&](const Index& at) {
      std::vector<double> line;
      for (std::size_t k = 0; k < x[0].shape[0]; ++k) line.push_back(x[0](k, at[0]));
      return reduce(line);
    });
  };
}
template <class F>
Naive over_columns(F reduce) {  // axis 1 of (n, m)
  return [=](const Arrays& x) {
    return build({x[0].shape[0]}, [&](const Index& at) {
      std::vector<double> line;
      for (std::size_t k = 0; k < x[0].shape[1]; ++k) line.push_back(x[0](at[0], k));
      return reduce(line);
    });
  };
}
template <class F>
Naive over_outer_axes(F reduce) {  // axes 0 and 2 of (n, m, k)
  return [=](const Arrays& x) {
    return build({x[0].shape[1]}, [&](const Index& at) {
      std::vector<double> line;
      for (std::size_t i = 0; i < x[0].shape[0]; ++i) {
        for (std::size_t k = 0; k < x[0].shape[2]; ++k) line.push_back(x[0](i, at[0], k));
      }
      return reduce(line);
    });
  };
}
template <class F>
Naive over_all(F reduce) {
  return [=](const Arrays& x) { return Array{Shape{}, {reduce(x[0].values)}}; };
}

double sum_of(const std::vector<double>& x) {
  double s = 0;
  for (double v : x) s += v;
  return s;
}
double mean_of(const std::vector<double>& x) { return sum_of(x) / double(x.size()); }
double max_of(const std::vector<double>& x) { return *std::ranges::max_element(x); }
double logsumexp_of(const std::vector<double>& x) {
  double s = 0;
  for (double v : x) s += std::exp(v);
  return std::log(s);
}

const std::vector<Case> kReductions{
    {"sum", {{3, 7}}, [](Args x) { return sum(x[0]); }, over_all(sum_of)},
    {"sum of a scalar", {{}}, [](Args x) { return sum(x[0]); }, over_all(sum_of)},
    {"sum of a long vector", {{61}}, [](Args x) { return sum(x[0]); }, over_all(sum_of)},
    {"sum axis 0", {{3, 19}}, [](Args x) { return sum(x[0], 0); }, over_rows(sum_of)},
    {"sum axis 1", {{3, 19}}, [](Args x) { return sum(x[0], 1); }, over_columns(sum_of)},
    {"sum axis 0 of extent 1", {{1, 5}}, [](Args x) { return sum(x[0], 0); }, over_rows(sum_of)},
    {"sum axis 1 of extent 1", {{5, 1}}, [](Args x) { return sum(x[0], 1); }, over_columns(sum_of)},
    {"sum axis 0 of a column", {{5, 1}}, [](Args x) { return sum(x[0], 0); }, over_rows(sum_of)},
    {"sum axes 1, 0",
     {{3, 4}},
     [](Args x) {
       return sum(x[0], {1, 0});
     },
     over_all(sum_of)},
    {"sum axes 0, 2",
     {{2, 3, 4}},
     [](Args x) {
       return sum(x[0], {0, 2});
     },
     over_outer_axes(sum_of)},
    {"sum over no axes", {{2, 3}}, [](Args x) { return sum(x[0], Axes{}); }, each([](double v) {
       return v;
     })},
    {"mean", {{3, 7}}, [](Args x) { return mean(x[0]); }, over_all(mean_of)},
    {"mean axis 0", {{3, 5}}, [](Args x) { return mean(x[0], 0); }, over_rows(mean_of)},
    {"mean axis 1", {{3, 5}}, [](Args x) { return mean(x[0], 1); }, over_columns(mean_of)},
    {"mean axes 2, 0",
     {{2, 3, 4}},
     [](Args x) {
       return mean(x[0], {2, 0});
     },
     over_outer_axes(mean_of)},
    {"logsumexp axis 0",
     {{5, 3}},
     [](Args x) { return logsumexp(x[0], 0); },
     over_rows(logsumexp_of)},
    {"logsumexp axis 1",
     {{5, 3}},
     [](Args x) { return logsumexp(x[0], 1); },
     over_columns(logsumexp_of)},
    {"logsumexp of one term",
     {{5, 1}},
     [](Args x) { return logsumexp(x[0], 1); },
     over_columns(logsumexp_of)},
    {"logsumexp axes 0, 2",
     {{2, 3, 4}},
     [](Args x) {
       return logsumexp(x[0], {0, 2});
     },
     over_outer_axes(logsumexp_of)},
    {"logsumexp of equal terms",
     {{2, 3}},
     [](Args x) { return logsumexp(x[0], 1); },
     over_columns(logsumexp_of),
     {{.exactly = {0.5}}}},
    {"max axis 0", {{5, 3}}, [](Args x) { return max(x[0], 0); }, over_rows(max_of)},
    {"max axis 1", {{5, 3}}, [](Args x) { return max(x[0], 1); }, over_columns(max_of)},
    {"max axes 0, 2",
     {{2, 3, 4}},
     [](Args x) {
       return max(x[0], {0, 2});
     },
     over_outer_axes(max_of)},
    {"cumsum of a vector",
     {{7}},
     [](Args x) { return cumsum(x[0], 0); },
     [](const Arrays& x) {
       return build({7}, [&](const Index& at) {
         double s = 0;
         for (std::size_t k = 0; k <= at[0]; ++k) s += x[0](k);
         return s;
       });
     }},
    {"cumsum axis 0",
     {{4, 3}},
     [](Args x) { return cumsum(x[0], 0); },
     [](const Arrays& x) {
       return build({4, 3}, [&](const Index& at) {
         double s = 0;
         for (std::size_t k = 0; k <= at[0]; ++k) s += x[0](k, at[1]);
         return s;
       });
     }},
    {"cumsum axis 1 of rank 3",
     {{2, 4, 3}},
     [](Args x) { return cumsum(x[0], 1); },
     [](const Arrays& x) {
       return build({2, 4, 3}, [&](const Index& at) {
         double s = 0;
         for (std::size_t k = 0; k <= at[1]; ++k) s += x[0](at[0], k, at[2]);
         return s;
       });
     }},
    {"sum_to a row", {{3, 5}}, [](Args x) { return sum_to(x[0], {5}); }, over_rows(sum_of)},
    {"sum_to one row",
     {{3, 5}},
     [](Args x) {
       return sum_to(x[0], {1, 5});
     },
     [](const Arrays& x) {
       return build({1, 5},
                    [&](const Index& i) { return x[0](0, i[1]) + x[0](1, i[1]) + x[0](2, i[1]); });
     }},
    {"sum_to one column",
     {{5, 3}},
     [](Args x) {
       return sum_to(x[0], {5, 1});
     },
     [](const Arrays& x) {
       return build({5, 1},
                    [&](const Index& i) { return x[0](i[0], 0) + x[0](i[0], 1) + x[0](i[0], 2); });
     }},
    {"sum_to a middle axis",
     {{2, 3, 4}},
     [](Args x) {
       return sum_to(x[0], {3, 1});
     },
     [](const Arrays& x) {
       const Array s = over_outer_axes(sum_of)(x);
       return Array{{3, 1}, s.values};
     }},
};

}  // namespace

BOOST_AUTO_TEST_CASE(every_reduction_has_three_derivatives) {
  for (const Case& row : kReductions) check(row);
}
