#include <boost/test/unit_test.hpp>

#include "autodiff/program.hpp"
#include "autodiff/random.hpp"
#include "tests/autodiff/op_check.hpp"

using namespace eqp::ad;
using namespace eqp::ad::test;

namespace {

double same(double v) { return v; }

const std::vector<Case> kMovements{
    {"broadcast_to of a row",
     {{5}},
     [](Args x) {
       return broadcast_to(x[0], {3, 5});
     },
     [](const Arrays& x) {
       return build({3, 5}, [&](const Index& i) { return x[0](i[1]); });
     }},
    {"broadcast_to of a column",
     {{3, 1}},
     [](Args x) {
       return broadcast_to(x[0], {2, 3, 5});
     },
     [](const Arrays& x) {
       return build({2, 3, 5}, [&](const Index& i) { return x[0](i[1], 0); });
     }},
    {"broadcast_to of a scalar",
     {{}},
     [](Args x) {
       return broadcast_to(x[0], {2, 1, 3, 2});
     },
     [](const Arrays& x) {
       return build({2, 1, 3, 2}, [&](const Index&) { return x[0](); });
     }},
    {"broadcast_to in the middle",
     {{2, 1, 3}},
     [](Args x) {
       return broadcast_to(x[0], {2, 4, 3});
     },
     [](const Arrays& x) {
       return build({2, 4, 3}, [&](const Index& i) { return x[0](i[0], 0, i[2]); });
     }},
    {"reshape",
     {{2, 6}},
     [](Args x) {
       return reshape(x[0], {3, 1, 4});
     },
     [](const Arrays& x) {
       return Array{{3, 1, 4}, x[0].values};
     }},
    {"reshape to a scalar",
     {{1, 1}},
     [](Args x) { return reshape(x[0], {}); },
     [](const Arrays& x) {
       return Array{{}, x[0].values};
     }},
    {"transpose",
     {{3, 18}},
     [](Args x) { return transpose(x[0]); },
     [](const Arrays& x) {
       return build({18, 3}, [&](const Index& i) { return x[0](i[1], i[0]); });
     }},
    {"transpose twice", {{3, 5}}, [](Args x) { return transpose(transpose(x[0])); }, each(same)},
    {"transpose of a batch",
     {{2, 3, 5}},
     [](Args x) { return transpose(x[0]); },
     [](const Arrays& x) {
       return build({2, 5, 3}, [&](const Index& i) { return x[0](i[0], i[2], i[1]); });
     }},
    {"transpose of rank 4",
     {{2, 3, 4, 2}},
     [](Args x) { return transpose(x[0]); },
     [](const Arrays& x) {
       return build({2, 3, 2, 4}, [&](const Index& i) { return x[0](i[0], i[1], i[3], i[2]); });
     }},
    {"permute of a vector", {{5}}, [](Args x) { return permute(x[0], {0}); }, each([](double v) {
       return v;
     })},
    {"permute of rank 3",
     {{2, 3, 5}},
     [](Args x) {
       return permute(x[0], {2, 0, 1});
     },
     [](const Arrays& x) {
       return build({5, 2, 3}, [&](const Index& i) { return x[0](i[1], i[2], i[0]); });
     }},
    {"permute of rank 4",
     {{2, 3, 4, 2}},
     [](Args x) {
       return permute(x[0], {3, 0, 2, 1});
     },
     [](const Arrays& x) {
       return build({2, 2, 4, 3}, [&](const Index& i) { return x[0](i[1], i[3], i[2], i[0]); });
     }},
    {"concat axis 0",
     {{2, 3}, {1, 3}, {4, 3}},
     [](Args x) {
       return concat({x[0], x[1], x[2]}, 0);
     },
     [](const Arrays& x) {
       return build({7, 3}, [&](const Index& i) {
         return i[0] < 2 ? x[0](i[0], i[1]) : i[0] < 3 ? x[1](0, i[1]) : x[2](i[0] - 3, i[1]);
       });
     }},
    {"concat axis 1",
     {{3, 2}, {3, 1}, {3, 4}},
     [](Args x) {
       return concat({x[0], x[1], x[2]}, 1);
     },
     [](const Arrays& x) {
       return build({3, 7}, [&](const Index& i) {
         return i[1] < 2 ? x[0](i[0], i[1]) : i[1] < 3 ? x[1](i[0], 0) : x[2](i[0], i[1] - 3);
       });
     }},
    {"concat axis 1 of rank 3",
     {{2, 1, 3}, {2, 2, 3}},
     [](Args x) {
       return concat({x[0], x[1]}, 1);
     },
     [](const Arrays& x) {
       return build({2, 3, 3}, [&](const Index& i) {
         return i[1] < 1 ? x[0](i[0], 0, i[2]) : x[1](i[0], i[1] - 1, i[2]);
       });
     }},
    {"concat with itself",
     {{3}},
     [](Args x) {
       return concat({x[0], x[0] * x[0], x[0]}, 0);
     },
     [](const Arrays& x) {
       return build({9}, [&](const Index& i) {
         const double v = x[0](i[0] % 3);
         return i[0] / 3 == 1 ? v * v : v;
       });
     }},
    {"concat of one", {{3, 2}}, [](Args x) { return concat({x[0]}, 1); }, each([](double v) {
       return v;
     })},
    {"slice axis 0",
     {{5, 3}},
     [](Args x) { return slice(x[0], 0, 1, 3); },
     [](const Arrays& x) {
       return build({2, 3}, [&](const Index& i) { return x[0](i[0] + 1, i[1]); });
     }},
    {"slice axis 1",
     {{3, 5}},
     [](Args x) { return slice(x[0], 1, 2, 5); },
     [](const Arrays& x) {
       return build({3, 3}, [&](const Index& i) { return x[0](i[0], i[1] + 2); });
     }},
    {"slice axis 1 of rank 3",
     {{2, 4, 3}},
     [](Args x) { return slice(x[0], 1, 1, 2); },
     [](const Arrays& x) {
       return build({2, 1, 3}, [&](const Index& i) { return x[0](i[0], 1, i[2]); });
     }},
    {"slice of everything", {{4}}, [](Args x) { return slice(x[0], 0, 0, 4); }, each([](double v) {
       return v;
     })},
    {"pad axis 0",
     {{2, 3}},
     [](Args x) { return pad(x[0], 0, 1, 2); },
     [](const Arrays& x) {
       return build(
           {5, 3}, [&](const Index& i) { return i[0] < 1 || i[0] > 2 ? 0 : x[0](i[0] - 1, i[1]); });
     }},
    {"pad axis 1 of rank 3",
     {{2, 2, 3}},
     [](Args x) { return pad(x[0], 1, 2, 0); },
     [](const Arrays& x) {
       return build({2, 4, 3},
                    [&](const Index& i) { return i[1] < 2 ? 0 : x[0](i[0], i[1] - 2, i[2]); });
     }},
    {"pad by nothing", {{4}}, [](Args x) { return pad(x[0], 0, 0, 0); }, each([](double v) {
       return v;
     })},
    {"gather rows, one twice",
     {{3, 4}},
     [](Args x) {
       return gather(x[0], 0, {2, 0, 2, 2});
     },
     [](const Arrays& x) {
       return build({4, 4}, [&](const Index& i) { return x[0](i[0] == 1 ? 0 : 2, i[1]); });
     }},
    {"gather columns",
     {{3, 4}},
     [](Args x) {
       return gather(x[0], 1, {3, 1, 1});
     },
     [](const Arrays& x) {
       return build({3, 3}, [&](const Index& i) { return x[0](i[0], i[1] == 0 ? 3 : 1); });
     }},
    {"gather in the middle",
     {{2, 3, 2}},
     [](Args x) { return gather(x[0], 1, {1}); },
     [](const Arrays& x) {
       return build({2, 1, 2}, [&](const Index& i) { return x[0](i[0], 1, i[2]); });
     }},
    {"scatter_add to rows, one twice",
     {{3, 4}},
     [](Args x) {
       return scatter_add(x[0], 0, {3, 1, 3}, 5);
     },
     [](const Arrays& x) {
       return build({5, 4}, [&](const Index& i) {
         return i[0] == 1 ? x[0](1, i[1]) : i[0] == 3 ? x[0](0, i[1]) + x[0](2, i[1]) : 0;
       });
     }},
    {"scatter_add to columns",
     {{3, 2}},
     [](Args x) {
       return scatter_add(x[0], 1, {2, 0}, 3);
     },
     [](const Arrays& x) {
       return build({3, 3}, [&](const Index& i) {
         return i[1] == 2 ? x[0](i[0], 0) : i[1] == 0 ? x[0](i[0], 1) : 0;
       });
     }},
};

}  // namespace

BOOST_AUTO_TEST_CASE(every_movement_has_three_derivatives) {
  for (const Case& row : kMovements) check(row);
}

// Tiles of whole registers, and what is left of a row and of a column.
BOOST_AUTO_TEST_CASE(a_large_transpose_swaps_rows_and_columns) {
  constexpr std::size_t rows = 37, cols = 51;
  const Tensor x = normal({rows, cols}, {71});
  const Tensor y = evaluate([](Args in) { return Vars{transpose(in[0])}; }, {x})[0];
  BOOST_TEST((y.shape() == Shape{cols, rows}));
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < cols; ++j) BOOST_TEST(y(j, i) == x(i, j));
  }
}
