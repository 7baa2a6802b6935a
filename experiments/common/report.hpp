#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "experiments/common/figure.hpp"
#include "experiments/common/table.hpp"

namespace eqp {

/// How good the news is.
enum class Level { good, warn, bad };

/// The report of a run: one HTML page that holds its pictures and needs nothing else, no network,
/// no scripts. Findings and warnings come first, then tables and figures in the order they were
/// added, then the configuration.
class Report {
 public:
  Report(std::string title, std::string description)
      : title_(std::move(title)), description_(std::move(description)) {}

  /// A finding in plain language: "PCD lost 28 % of the right mode".
  void verdict(Level level, std::string text) { verdicts_.push_back({level, std::move(text)}); }
  /// Something about the run the reader must know: a skipped picture, an interruption.
  void warning(std::string text) { warnings_.push_back(std::move(text)); }
  /// Starts a section.
  void section(const std::string& heading);
  void paragraph(const std::string& text);
  void table(const Table& table);
  /// The picture at `png` if it was drawn, else a warning that says why it was not.
  void figure(const Drawn& drawn, const std::filesystem::path& png, const std::string& caption);
  /// The options, the build and the machine, folded away at the end: a JSON object of objects or
  /// values.
  void configuration(const Row& configuration) { configuration_ = configuration; }

  std::string html() const;

 private:
  struct Verdict {
    Level level;
    std::string text;
  };

  std::string title_, description_, body_;
  std::vector<Verdict> verdicts_;
  std::vector<std::string> warnings_;
  Row configuration_;
};

}  // namespace eqp
