#include "experiments/common/finished.hpp"

namespace eqp {
namespace {

constexpr std::size_t kGroup = 0;

}  // namespace

Finished::Finished(RunFolder& folder) : folder_(folder), checkpoint_(folder, "finished", kGroup) {
  checkpoint_.restore([&](ad::Archive& a) { archive(a); });
}

std::vector<Row> Finished::rows(const std::string& task,
                                const std::function<std::vector<Row>()>& work) {
  if (!by_task_.contains(task)) {
    const std::vector<Row> rows = work();
    for (const Row& row : rows) folder_.log(kGroup, row);
    by_task_[task] = rows;
    checkpoint_.offer([&](ad::Archive& a) { archive(a); });
  }
  return by_task_[task].get<std::vector<Row>>();
}

void Finished::archive(ad::Archive& a) {
  // Unlike JSON it has infinities.
  std::vector<std::uint8_t> bytes = Row::to_cbor(by_task_);
  a("rows", bytes);
  if (a.reading()) by_task_ = Row::from_cbor(bytes);
}

}  // namespace eqp
