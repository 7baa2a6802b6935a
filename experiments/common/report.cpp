#include "experiments/common/report.hpp"

#include <cstdint>
#include <fstream>
#include <iterator>

namespace eqp {
namespace {

constexpr const char* kStyle = R"(
:root { color-scheme: light; }
body { margin: 0; background: #f6f7f9; color: #1c2430; line-height: 1.55;
       font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 1120px; margin: 32px auto; padding: 40px 56px 48px; background: #fff;
       border: 1px solid #e3e6ea; border-radius: 10px; }
h1 { font-size: 1.75rem; line-height: 1.25; margin: 0 0 .35em; letter-spacing: -.01em; }
h2 { font-size: 1.2rem; margin: 2.2em 0 .6em; padding-top: 1em; border-top: 1px solid #e3e6ea; }
p { max-width: 70ch; margin: .6em 0; }
.lead { color: #4a5563; font-size: 1.05rem; margin-bottom: 1.6em; }
ul.verdicts { list-style: none; margin: 1.2em 0; padding: 0; }
ul.verdicts li { margin: .4em 0; padding: .5em .9em; border-radius: 4px; }
.good { border-left: 4px solid #2a9d6f; background: #eef8f3; }
.warn { border-left: 4px solid #d99a00; background: #fdf7e7; }
.bad { border-left: 4px solid #c8442e; background: #fcf0ee; }
.mark { font-weight: 600; margin-right: .6em; }
.good .mark { color: #1c7d56; } .warn .mark { color: #946900; } .bad .mark { color: #a83421; }
table { border-collapse: collapse; margin: 1.2em 0 1.8em; font-size: .92rem;
        font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: .5em; }
th { text-align: left; font-weight: 600; color: #4a5563; padding: .35em 1.1em .35em 0;
     border-bottom: 2px solid #cfd5dc; vertical-align: bottom; }
td { padding: .35em 1.1em .35em 0; border-bottom: 1px solid #edeff2; }
td.number, th.number { text-align: right; padding: .35em 0 .35em 1.1em; }
.wide { overflow-x: auto; }
figure { margin: 1.6em 0; }
figure img { max-width: 100%; height: auto; display: block; margin: 0 auto; }
figcaption { color: #4a5563; font-size: .92rem; margin-top: .5em; }
details { margin-top: 2.4em; border-top: 1px solid #e3e6ea; padding-top: 1em; }
summary { cursor: pointer; font-weight: 600; }
details h3 { font-size: .95rem; margin: 1.2em 0 .2em; }
details table { margin: .2em 0 .8em; font-size: .85rem; }
details td:first-child { color: #4a5563; white-space: nowrap; }
details td { overflow-wrap: anywhere; text-align: left; }
@media (max-width: 700px) { main { margin: 0; padding: 24px 18px; border: 0; } }
@media print { body { background: #fff; } main { border: 0; margin: 0; max-width: none; } }
)";

const char* name(Level level) {
  return level == Level::good ? "good" : level == Level::warn ? "warn" : "bad";
}

const char* mark(Level level) {
  return level == Level::good ? "Good" : level == Level::warn ? "Caution" : "Bad";
}

std::string base64(const std::string& bytes) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t k) -> std::uint32_t {
      return i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0;
    };
    const std::uint32_t three = byte(0) << 16 | byte(1) << 8 | byte(2);
    for (std::size_t k = 0; k < 4; ++k)
      text += i + k <= bytes.size() ? kDigits[three >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

/// The width a picture is shown at: half its pixels (the header's bytes 16 to 19), for sharp
/// screens.
std::uint32_t shown_width(const std::string& png) {
  std::uint32_t width = 0;
  for (std::size_t i = 16; i < 20 && i < png.size(); ++i)
    width = width << 8 | static_cast<unsigned char>(png[i]);
  return width / 2;
}

std::string item(Level level, const std::string& text) {
  return std::string("<li class=\"") + name(level) + "\"><span class=\"mark\">" + mark(level) +
         "</span>" + html_escaped(text) + "</li>\n";
}

std::string settings(const Row& object) {
  std::string text = "<table><tbody>\n";
  for (const auto& [key, value] : object.items()) {
    const std::string plain = value.is_string() ? value.get<std::string>() : value.dump();
    text += "<tr><td>" + html_escaped(key) + "</td><td>" + html_escaped(plain) + "</td></tr>\n";
  }
  return text + "</tbody></table>\n";
}

std::string details(const Row& configuration) {
  Row values = Row::object();
  std::string groups;
  for (const auto& [key, value] : configuration.items()) {
    if (value.is_object())
      groups += "<h3>" + html_escaped(key) + "</h3>\n" + settings(value);
    else
      values[key] = value;
  }
  return "<details><summary>Configuration</summary>\n" + settings(values) + groups + "</details>\n";
}

}  // namespace

void Report::section(const std::string& heading) {
  body_ += "<h2>" + html_escaped(heading) + "</h2>\n";
}

void Report::paragraph(const std::string& text) { body_ += "<p>" + html_escaped(text) + "</p>\n"; }

void Report::table(const Table& table) {
  body_ += "<div class=\"wide\">\n" + table.html() + "</div>\n";
}

void Report::figure(const Drawn& drawn, const std::filesystem::path& png,
                    const std::string& caption) {
  if (!drawn) return warning(drawn.message);
  std::ifstream file(png, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  body_ += "<figure><img alt=\"" + html_escaped(caption) + "\" width=\"" +
           std::to_string(shown_width(bytes)) + "\" src=\"data:image/png;base64," + base64(bytes) +
           "\">\n<figcaption>" + html_escaped(caption) + "</figcaption></figure>\n";
}

std::string Report::html() const {
  std::string findings;
  for (const Verdict& verdict : verdicts_) findings += item(verdict.level, verdict.text);
  for (const std::string& text : warnings_) findings += item(Level::warn, text);
  if (!findings.empty()) findings = "<ul class=\"verdicts\">\n" + findings + "</ul>\n";
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
         html_escaped(title_) + "</title>\n<style>" + kStyle +
         "</style>\n</head>\n<body>\n<main>\n<h1>" + html_escaped(title_) +
         "</h1>\n<p class=\"lead\">" + html_escaped(description_) + "</p>\n" + findings + body_ +
         (configuration_.empty() ? "" : details(configuration_)) + "</main>\n</body>\n</html>\n";
}

}  // namespace eqp
