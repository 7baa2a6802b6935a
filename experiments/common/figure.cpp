#include "experiments/common/figure.hpp"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>

#include "autodiff/ranks.hpp"
#include "experiments/common/panel.hpp"

namespace eqp {
namespace {

namespace fs = std::filesystem;

// Pixels of the page, before the factor for sharp print and screens.
constexpr double kEdge = 10.0, kTitle = 24.0, kNoTitle = 8.0, kName = 22.0, kTics = 24.0,
                 kSharp = 2.0;

/// A panel's frame in pixels from the top left corner of the page.
struct Frame {
  const Panel* panel;
  double left, top;
  bool x_tics, y_tics;
  double brightest;
};

struct Page {
  double width = 0.0, height = 0.0;
  std::vector<Frame> frames;
  std::vector<double> row_middles;
};

bool same_box(const Panel* a, const Panel* b) {
  if (a == nullptr || b == nullptr || !a->box() || !b->box()) return false;
  const train::Box p = *a->box(), q = *b->box();
  return p.x_min == q.x_min && p.x_max == q.x_max && p.y_min == q.y_min && p.y_max == q.y_max;
}

const Panel* panel_at(const std::vector<PanelRow>& rows, std::size_t i, std::size_t j) {
  return i < rows.size() && j < rows[i].panels.size() ? rows[i].panels[j].get() : nullptr;
}

/// Rows from the top, panels from the left. Tics are written at the left of a run of equal boxes,
/// and below it.
Page lay_out(const std::vector<PanelRow>& rows) {
  Page page;
  const bool named = std::ranges::any_of(rows, [](const auto& row) { return !row.name.empty(); });
  double y = kEdge;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    double x = kEdge + (named ? kName : 0.0), title = kNoTitle;
    double height = 0.0, below = 0.0, brightest = 0.0;
    for (const PanelPtr& panel : rows[i].panels) {
      if (!panel->title().empty()) title = kTitle;
      height = std::max(height, panel->height());
      brightest = std::max(brightest, panel->brightest());
    }
    for (std::size_t j = 0; j < rows[i].panels.size(); ++j) {
      const Panel* panel = rows[i].panels[j].get();
      const Margins margins = panel->margins();
      const bool y_tics = panel->box() && !(j > 0 && same_box(panel, panel_at(rows, i, j - 1)));
      const bool x_tics = panel->box() && !same_box(panel, panel_at(rows, i + 1, j));
      x += margins.left + (y_tics ? kTics : 0.0);
      page.frames.push_back({panel, x, y + title, x_tics, y_tics, brightest});
      x += panel->width() + margins.right;
      below = std::max(below, margins.bottom + (x_tics ? kTics - 4.0 : 0.0));
    }
    page.row_middles.push_back(y + title + height / 2.0);
    page.width = std::max(page.width, x + kEdge);
    y += title + height + below;
  }
  page.height = y + kEdge;
  return page;
}

std::string label(const std::string& text, double x, double y, const char* style) {
  return "set label " + quoted(text) + " at screen " + number(x) + ", screen " + number(y) + " " +
         style + "\n";
}

std::string script(const fs::path& output, const std::vector<PanelRow>& rows) {
  const Page page = lay_out(rows);
  const auto px = [](double length) { return std::to_string(std::lround(kSharp * length)); };
  std::string text =
      "set terminal pngcairo noenhanced background rgb 'white' font 'DejaVu Sans,9' "
      "fontscale 2 linewidth 2 pointscale 2 dashlength 0.6 size " +
      px(page.width) + "," + px(page.height) + "\nset output " + quoted(output) +
      "\nset multiplot\n";
  for (std::size_t i = 0; i < rows.size(); ++i)
    text += label(rows[i].name, (kEdge + kName / 2) / page.width,
                  1.0 - page.row_middles[i] / page.height,
                  "center rotate by 90 font ',10' textcolor rgb '#111111'");
  for (const Frame& frame : page.frames) {
    const Panel& panel = *frame.panel;
    const Slot slot{frame.left / page.width,
                    (frame.left + panel.width()) / page.width,
                    1.0 - (frame.top + panel.height()) / page.height,
                    1.0 - frame.top / page.height,
                    frame.x_tics,
                    frame.y_tics,
                    frame.brightest > 0.0 ? frame.brightest : 1.0};
    text += label(panel.title(), (slot.left + slot.right) / 2.0, slot.top + 11.0 / page.height,
                  "center font ',10' textcolor rgb '#111111'");
    text += "set lmargin at screen " + number(slot.left) + "\nset rmargin at screen " +
            number(slot.right) + "\nset bmargin at screen " + number(slot.bottom) +
            "\nset tmargin at screen " + number(slot.top) +
            "\nset border 31 lw 0.6 lc rgb '#777777'\nunset logscale\nunset grid\nunset key\n"
            "set tics out nomirror scale 0.4 font ',8' textcolor rgb '#444444'\n"
            "set xtics offset 0,0.4\nset ytics offset 0.6,0\n"
            "set xlabel '' font ',9' textcolor rgb '#333333' offset 0,0.4\n"
            "set ylabel '' font ',9' textcolor rgb '#333333' offset 0.8,0\n" +
            panel.commands(slot) + "unset label\n";
  }
  return text + "unset multiplot\nset output\n";
}

/// A file that is gone when this is.
struct TemporaryFile {
  TemporaryFile() : name(fs::temp_directory_path() / "eqp-figure-XXXXXX") {
    const int file = mkstemp(name.data());
    if (file >= 0) close(file);
  }
  ~TemporaryFile() { std::remove(name.c_str()); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  std::string name;
};

/// First line of what gnuplot said, if it failed. It is shielded from Ctrl-C, after which a run
/// still draws what it has.
std::optional<std::string> run_gnuplot(const std::string& commands) {
  const TemporaryFile file;
  std::ofstream(file.name, std::ios::binary) << commands;
  const std::string line = "trap '' INT TERM; exec gnuplot -d '" + file.name + "' 2>&1";
  FILE* pipe = popen(line.c_str(), "r");
  if (pipe == nullptr) return "no process for gnuplot";
  std::string said;
  char buffer[512];
  while (std::fgets(buffer, sizeof buffer, pipe) != nullptr) said += buffer;
  const int status = pclose(pipe);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
    return "gnuplot is not installed (package gnuplot-nox)";
  if (status == 0) return std::nullopt;
  std::string message = "gnuplot failed";
  for (std::size_t first = 0; first < said.size();) {
    const std::size_t end = std::min(said.find('\n', first), said.size());
    if (end > first) message += ": " + said.substr(first, end - first);
    first = end + 1;
  }
  return message;
}

}  // namespace

std::string quoted(const std::string& text) {
  std::string safe = "'";
  for (const char c : text) safe += c == '\'' ? "''" : std::string(1, c == '\n' ? ' ' : c);
  return safe + "'";
}

std::string number(double value) {
  if (!std::isfinite(value)) return "NaN";
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.7g", value);
  return buffer;
}

Drawn draw(const fs::path& path, const std::vector<PanelRow>& rows) {
  if (ad::rank() != 0) return {false, path.filename().string() + " is drawn by the first rank"};
  fs::path temporary = path;
  temporary += ".partial";
  const auto problem = run_gnuplot(script(temporary, rows));
  std::error_code error;
  if (!problem) fs::rename(temporary, path, error);
  if (!problem && !error) return {true, ""};
  fs::remove(temporary, error);
  return {false, path.filename().string() +
                     " was not drawn: " + problem.value_or("gnuplot wrote nothing")};
}

}  // namespace eqp
