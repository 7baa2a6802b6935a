#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

// The command line of an experiment. Options are declared where they are read, one line each; the
// command line wins over --config FILE.toml, which wins over the default.
namespace eqp {

/// What a number may be, and what it measures. `min` and `max` are allowed values, `above` is not.
struct Range {
  std::optional<double> min = std::nullopt;
  std::optional<double> max = std::nullopt;
  std::optional<double> above = std::nullopt;
  std::string unit = {};
};

/// One option with the value it ended up with.
struct ResolvedOption {
  std::string name;
  nlohmann::ordered_json value;
  std::string doc;
};

/// Thrown by Cli::done() where nothing is to be run: for --help, and for --resume of a run that has
/// finished; `text` is what to print.
struct NothingToRun {
  std::string text;
};

/// When a state is kept: after so many steps or so many seconds; 0: never.
struct CheckpointEvery {
  std::uint64_t steps = 0;
  double seconds = 0;
};

class Cli {
 public:
  /// Reads the options every experiment has. Throws std::invalid_argument on a bad value.
  Cli(int argc, const char* const* argv, const std::string& about);
  ~Cli();
  Cli(const Cli&) = delete;
  Cli& operator=(const Cli&) = delete;

  /// The value of --name. T, deduced from the default: int, unsigned, long, std::size_t, float,
  /// double, std::string, or a std::vector of double or std::size_t, written 1,2,3. Throws
  /// std::invalid_argument if what was given is not a T or not in the range.
  template <class T>
  T get(const std::string& name, T fallback, const std::string& doc, const Range& range = {});
  std::string get(const std::string& name, const char* fallback, const std::string& doc) {
    return get(name, std::string(fallback), doc);
  }
  /// The value of --name, one of `choices`.
  std::string choice(const std::string& name, const std::string& fallback,
                     const std::vector<std::string>& choices, const std::string& doc);
  /// Whether --name was given.
  bool flag(const std::string& name, const std::string& doc);
  /// Call once all options are declared. Refuses what is left over, an --out folder that is in the
  /// way, and with --resume one whose run had other options (std::invalid_argument); throws
  /// NothingToRun; writes nothing.
  void done();

  const std::string& experiment() const { return experiment_; }
  const std::string& about() const { return about_; }
  std::uint64_t seed() const { return seed_; }
  /// 0: one per core.
  std::size_t threads() const { return threads_; }
  const std::string& precision() const { return precision_; }
  const std::filesystem::path& out() const { return out_; }
  bool overwrite() const { return overwrite_; }
  /// Whether to go on with the run in out(), if there is one.
  bool resume() const { return resume_; }
  CheckpointEvery checkpoint_every() const { return checkpoint_every_; }
  bool quiet() const { return quiet_; }
  bool quick() const { return quick_; }
  bool profile() const { return profile_; }
  /// Every option declared so far, in that order.
  const std::vector<ResolvedOption>& options() const { return options_; }

 private:
  std::optional<std::string> given(const std::string& name) const;
  void declare(const ResolvedOption& option, const std::string& kind, const std::string& limits,
               const nlohmann::ordered_json& fallback);

  std::vector<std::string> arguments_;  // last one first, as CLI11 wants them
  std::string experiment_, about_, group_;
  bool help_ = false;
  std::unique_ptr<CLI::App> app_;
  std::vector<ResolvedOption> options_;
  std::uint64_t seed_ = 1;
  std::size_t threads_ = 0;
  std::string precision_;
  std::filesystem::path out_;
  CheckpointEvery checkpoint_every_;
  bool overwrite_ = false, resume_ = false, quiet_ = false, quick_ = false, profile_ = false;
};

}  // namespace eqp
