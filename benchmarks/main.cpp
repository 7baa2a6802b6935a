// Our participant of ./bench: one JSON command per line in, one JSON answer per line out
// (README.md).
//
//   bench_f32 [--threads N]      (default: one per core)
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

#include "autodiff/safetensors.hpp"
#include "benchmarks/arrays.hpp"
#include "benchmarks/workload.hpp"
#include "experiments/common/build_info.hpp"

using namespace eqp;
using Json = nlohmann::ordered_json;

namespace {

template <class F>
double seconds(F f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

class Session {
 public:
  Json answer(const Json& command) {
    const std::string cmd = command.value("cmd", "");
    if (cmd == "hello") return hello();
    if (cmd == "prepare") return prepare(command);
    if (cmd == "run") return run(command.value("what", "steps"));
    if (cmd == "compare") return compare(command.at("file").get<std::string>());
    if (cmd == "drop") {
      prepared_.reset();
      return {{"dropped", true}};
    }
    throw std::invalid_argument("command " + cmd +
                                ": need hello, prepare, run, compare, drop or quit");
  }

 private:
  struct Prepared {
    bench::Case settings;
    std::unique_ptr<bench::Workload> workload;
    std::optional<bench::Limit> limit;
    ad::Params results;
  };

  static Json hello() {
    return {{"name", "ours"},
            {"version", build_commit()},
            {"dtype_support", {build_precision()}},
            {"compiler", build_compiler()},
            {"flags", build_flags()},
            {"cpu", cpu_model()}};
  }

  Json prepare(const Json& command) {
    prepared_.reset();
    const bench::Case settings = bench::parse_case(command.at("case"));
    auto workload = bench::make_workload(settings);
    const double first = seconds([&] {
      workload->start();
      workload->run();
    });

    // A training has moved its weights by now; the file is to have the first ones.
    ad::Params file;
    const auto fresh = bench::make_workload(settings);
    fresh->start();
    fresh->check(file);
    ad::save_safetensors(command.at("file").get<std::string>(), file);

    prepared_ = std::make_unique<Prepared>();
    prepared_->settings = settings;
    prepared_->workload = std::move(workload);
    bench::copy_results(file, prepared_->results);
    return {{"first_s", first}, {"block", prepared_->workload->block()}};
  }

  Json run(const std::string& what) {
    Prepared& p = prepared();
    const std::uint32_t steps = p.settings.steps;
    // Seconds of runs, in which sleeping cores wake up, before the one that counts ends.
    constexpr double kWaking = 0.05;
    const auto awake = [&](const auto& measure) -> Json {
      double s = measure();
      for (double spent = s * steps; spent < kWaking; spent += s * steps) s = measure();
      return {{"s", s}};
    };
    if (what == "limit") {
      if (!p.limit) p.limit = p.workload->limit();
      return awake([&] { return p.limit->measure(steps); });
    }
    if (what != "steps") throw std::invalid_argument("run " + what + ": need steps or limit");
    return awake([&] { return seconds([&] { p.workload->run(); }) / steps; });
  }

  Json compare(const std::string& file) {
    return {{"max_rel_diff", bench::largest_difference(prepared().results, file)}};
  }

  Prepared& prepared() {
    if (!prepared_) throw std::invalid_argument("no case is prepared");
    return *prepared_;
  }

  std::unique_ptr<Prepared> prepared_;
};

void serve() {
  Session session;
  for (std::string line; std::getline(std::cin, line);) {
    Json answer;
    try {
      const Json command = Json::parse(line);
      if (command.value("cmd", "") == "quit") return;
      answer = session.answer(command);
    } catch (const std::exception& e) {
      answer = {{"error", e.what()}};
    }
    std::cout << answer.dump() << std::endl;
  }
}

std::size_t threads(std::span<char*> arguments) {
  if (arguments.size() == 1) return 0;
  const std::string text = arguments.size() == 3 ? arguments[2] : "";
  const bool number = !text.empty() && text.find_first_not_of("0123456789") == text.npos;
  if (std::string(arguments[1]) == "--threads" && number) return std::stoul(text);
  throw std::invalid_argument(std::string("usage: ") + arguments[0] + " [--threads N]");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    ad::with_threads(threads({argv, std::size_t(argc)}), serve);
  } catch (const std::exception& e) {
    std::cerr << e.what() << "\n";
    return 2;
  }
}
