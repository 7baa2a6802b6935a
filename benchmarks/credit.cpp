#include "benchmarks/credit.hpp"

#include "train/data/standardise.hpp"
#include "train/data/table.hpp"

namespace eqp::bench {

Credit german_credit() {
  train::Table table = train::read_table(EQP_CREDIT_FILE, {.label = "last"});
  train::standardisation(table.values).apply(table.values);
  const std::size_t n = table.values.rows(), d = table.values.cols();
  Credit credit{ad::Tensor({n, d + 1}), ad::Tensor({n})};
  for (std::size_t i = 0; i < n; ++i) {
    credit.features(i, 0) = 1;
    std::ranges::copy(table.values.row(i), credit.features.row(i).begin() + 1);
    credit.labels[i] = table.labels[i] == 1 ? 1 : -1;
  }
  return credit;
}

}  // namespace eqp::bench
