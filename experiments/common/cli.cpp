#include "experiments/common/cli.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cmath>
#include <sstream>
#include <stdexcept>

#include "autodiff/ranks.hpp"
#include "experiments/common/build_info.hpp"
#include "experiments/common/earlier_run.hpp"

namespace eqp {
namespace {

/// "balanced_ebm" of "build/bin/balanced_ebm_f32".
std::string experiment_name(const std::string& program) {
  std::string name = std::filesystem::path(program).filename();
  if (name.ends_with("_f32") || name.ends_with("_f64")) name.resize(name.size() - 4);
  return name;
}

std::string join(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

/// One line for what CLI11 objects to. `rest` is what no option took.
std::string complaint(const CLI::ParseError& error, const std::vector<std::string>& rest) {
  const std::string what = error.what();
  const auto is = [&](const char* type) { return error.get_name() == type; };
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr && !rest.empty()) {
    const bool option = rest.front().starts_with("-");
    return rest.front() + (option ? ": no such option" : ": unexpected") +
           "; --help lists the options";
  }
  if (is("ArgumentMismatch")) {
    const bool missing = what.ends_with("missing");
    return what.substr(0, what.find(':')) + (missing ? ": needs a value" : ": given twice");
  }
  if (is("FileError")) return "--config: " + what;
  if (is("ConfigError"))
    return "--config: " + what.substr(what.rfind(' ') + 1) + ": no such option";
  if (is("ConversionError")) return what + "; expected true or false";
  return what;
}

/// "500": steps; "60s": seconds.
CheckpointEvery checkpoint_every(const std::string& text) {
  const bool seconds = text.ends_with('s');
  const std::string number = text.substr(0, text.size() - seconds);
  std::istringstream in(number);
  double value = -1;
  in >> value;
  const bool whole = value >= 0 && value < 1e15 && value == std::floor(value);
  if (!in || in.peek() != EOF || !std::isdigit(number[0]) || !(value >= 0) ||
      (!seconds && !whole)) {
    throw std::invalid_argument(
        "--checkpoint-every " + text +
        ": need a number of steps, such as 500, or of seconds, such as 60s");
  }
  return seconds ? CheckpointEvery{.seconds = value}
                 : CheckpointEvery{.steps = std::uint64_t(value)};
}

void parse(CLI::App& app, std::vector<std::string> arguments) {
  try {
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    throw std::invalid_argument(complaint(error, app.remaining()));
  }
}

}  // namespace

Cli::Cli(int argc, const char* const* argv, const std::string& about)
    : arguments_(argv + 1, argv + argc),
      experiment_(experiment_name(argv[0])),
      about_(about),
      help_(std::ranges::any_of(arguments_,
                                [](const auto& a) { return a == "--help" || a == "-h"; })),
      app_(std::make_unique<CLI::App>(about, experiment_)) {
  std::ranges::reverse(arguments_);
  app_->set_config("--config", "", "options from a TOML file, one `name = value` per line", false)
      ->option_text("FILE.toml")
      ->group("Of every experiment");
  app_->allow_config_extras(CLI::config_extras_mode::error);
  app_->get_formatter()->column_width(28);
  group_ = "Of every experiment";
  seed_ = get("seed", seed_, "all randomness derives from it");
  const std::string folder = "runs/" + experiment_ + "-" + std::to_string(seed_);
  out_ = get("out", folder.c_str(), "folder for everything the run leaves behind");
  overwrite_ = flag("overwrite", "replace an earlier run in that folder");
  resume_ = flag("resume", "go on with the run in that folder, or begin it if there is none");
  checkpoint_every_ = eqp::checkpoint_every(
      get("checkpoint-every", "60s", "keep the state after so many steps, or seconds; 0: never"));
  threads_ =
      get("threads", threads_, "0: one per core; results do not depend on it", {.max = 4096});
  precision_ = choice("precision", std::string(build_precision()), {"f32", "f64"},
                      "type of the numbers computed with");
  quick_ = flag("quick", "a few seconds only, to see that everything works");
  quiet_ = flag("quiet", "no progress on the terminal") || ad::rank() != 0;
  profile_ = flag("profile", "print where the time goes, by operation and by layer");
  group_ = "Options";
}

Cli::~Cli() = default;

// A throw-away parser that knows this one option gives its value at once; done() parses for real.
// That the two agree rests on one rule: no value begins with "--" (not even as --name=--value).
std::optional<std::string> Cli::given(const std::string& name) const {
  if (help_) return std::nullopt;
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  app.set_config("--config");
  std::string text;
  const auto* option = app.add_option("--" + name, text);
  parse(app, arguments_);
  if (option->count() == 0) return std::nullopt;
  if (text.empty()) throw std::invalid_argument("--" + name + ": needs a value");
  if (text.starts_with("--"))
    throw std::invalid_argument("--" + name + ": needs a value, got " + text);
  return text;
}

void Cli::declare(const ResolvedOption& option, const std::string& kind, const std::string& limits,
                  const nlohmann::ordered_json& fallback) {
  std::string shown = fallback.is_string() ? fallback.get<std::string>() : fallback.dump();
  if (fallback.is_array()) shown = shown.substr(1, shown.size() - 2);
  const std::string notes = limits.empty() ? "" : limits + "; ";
  app_->add_option("--" + option.name)
      ->description(option.doc + " [" + notes + "default " + (shown.empty() ? "none" : shown) + "]")
      ->expected(1)
      ->option_text(kind)
      ->group(group_);
  options_.push_back(option);
}

std::string Cli::choice(const std::string& name, const std::string& fallback,
                        const std::vector<std::string>& choices, const std::string& doc) {
  const std::string value = given(name).value_or(fallback);
  if (std::ranges::find(choices, value) == choices.end())
    throw std::invalid_argument("--" + name + " " + value + ": choose one of " + join(choices));
  declare({name, value, doc}, "NAME", "one of " + join(choices), fallback);
  return value;
}

bool Cli::flag(const std::string& name, const std::string& doc) {
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  app.set_config("--config");
  bool value = false;
  app.add_flag("--" + name, value);
  if (!help_) parse(app, arguments_);
  app_->add_flag("--" + name, doc)->group(group_);
  options_.push_back({name, value, doc});
  return value;
}

void Cli::done() {
  if (help_) throw NothingToRun{app_->help()};
  parse(*app_, arguments_);
  if (resume_ && overwrite_) {
    throw std::invalid_argument(
        "--resume: goes on with what --overwrite replaces; need one of them");
  }
  if (!resume_) return ad::on_first_rank([&] { require_free_folder(out_, overwrite_); });
  bool finished = false;
  ad::on_first_rank([&] { finished = require_same_run(*this); });
  if (ad::on_any_rank(finished)) throw NothingToRun{out_.string() + " has finished already\n"};
}

}  // namespace eqp
