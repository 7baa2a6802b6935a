#include "experiments/common/figure.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdlib>

#include "autodiff/random.hpp"
#include "experiments/common/palette.hpp"
#include "tests/experiments/support.hpp"
#include "tests/message.hpp"

using namespace eqp;
using namespace eqp::test;

namespace {

const train::Box kBox{-2, 2, -2, 2};

std::vector<PanelRow> every_kind_of_panel() {
  const ad::Tensor points = ad::normal({100, 2}, {1, 0}), pixels = ad::uniform({6, 64}, {1, 1});
  const std::vector<double> values(30 * 20, 0.5);
  const Series line{.name = "it's", .x = {0, 1, 2}, .y = {1.0, NAN, 0.1}};
  return {{"densities",
           {density("linear", kBox, 30, 20, values),
            density("log", kBox, 30, 20, values, Scale::log), scatter("samples", kBox, points)}},
          {"",
           {curves("errors", {line, line}, {.x_label = "x", .reference = 0.5, .log_y = true}),
            images("digits", pixels, {8, 8, 2, 3})}}};
}

/// Width and height from a PNG file's header.
std::pair<unsigned, unsigned> png_size(const std::string& png) {
  const auto word = [&](std::size_t at) {
    unsigned value = 0;
    for (std::size_t i = at; i < at + 4; ++i)
      value = value << 8 | static_cast<unsigned char>(png[i]);
    return value;
  };
  return {word(16), word(20)};
}

boost::test_tools::assertion_result gnuplot_is_installed(boost::unit_test::test_unit_id) {
  return std::system("command -v gnuplot >/dev/null") == 0;
}
const boost::unit_test::precondition kWithGnuplot(gnuplot_is_installed);

}  // namespace

BOOST_AUTO_TEST_SUITE(figure)

BOOST_AUTO_TEST_CASE(a_picture_is_a_png_the_same_every_time_and_leaves_nothing_else,
                     *kWithGnuplot) {
  const Scratch scratch;
  const Drawn first = draw(scratch.path / "a.png", every_kind_of_panel());
  BOOST_TEST(first.ok, first.message);
  const Drawn second = draw(scratch.path / "b.png", every_kind_of_panel());
  BOOST_TEST(second.ok, second.message);
  const std::string png = read(scratch.path / "a.png");
  BOOST_TEST(png.starts_with("\x89PNG"));
  BOOST_TEST((png == read(scratch.path / "b.png")));
  BOOST_TEST(std::distance(fs::directory_iterator(scratch.path), {}) == 2);
}

BOOST_AUTO_TEST_CASE(the_page_has_room_for_every_row_and_panel, *kWithGnuplot) {
  const Scratch scratch;
  const auto size = [&](const std::vector<PanelRow>& rows) {
    BOOST_TEST(draw(scratch.path / "a.png", rows).ok);
    return png_size(read(scratch.path / "a.png"));
  };
  const PanelPtr panel = density("", kBox, 2, 2, {0, 1, 2, 3});
  const auto one = size({{"", {panel}}}), wide = size({{"", {panel, panel, panel}}});
  const auto tall = size({{"", {panel}}, {"", {panel}}, {"", {panel}}});
  BOOST_TEST(one.first > 340u);
  BOOST_TEST(wide.first > one.first + 2 * 340u);
  BOOST_TEST(wide.second == one.second);
  BOOST_TEST(tall.second > one.second + 2 * 340u);
  BOOST_TEST(tall.first == one.first);
}

BOOST_AUTO_TEST_CASE(a_picture_that_cannot_be_drawn_is_a_message_not_an_error) {
  const Scratch scratch;
  const Drawn drawn = draw(scratch.path / "no such folder" / "a.png", every_kind_of_panel());
  BOOST_TEST(!drawn.ok);
  BOOST_TEST(drawn.message.starts_with("a.png was not drawn: "));
}

BOOST_AUTO_TEST_CASE(a_run_goes_on_without_gnuplot) {
  const Scratch scratch;
  const std::string path = std::getenv("PATH");
  setenv("PATH", scratch.path.c_str(), 1);
  const Drawn drawn = draw(scratch.path / "a.png", every_kind_of_panel());
  setenv("PATH", path.c_str(), 1);
  BOOST_TEST(!drawn.ok);
  BOOST_TEST(drawn.message ==
             "a.png was not drawn: gnuplot is not installed (package gnuplot-nox)");
  BOOST_TEST(fs::is_empty(scratch.path));
}

BOOST_AUTO_TEST_CASE(half_a_picture_is_thrown_away) {
  const Scratch scratch;
  const fs::path gnuplot = scratch.path / "gnuplot", half = scratch.path / "a.png.partial";
  write(gnuplot, "#!/bin/sh\n: >" + half.string() + "\necho out of ink >&2\nexit 1\n");
  fs::permissions(gnuplot, fs::perms::owner_all);
  const std::string path = std::getenv("PATH");
  setenv("PATH", scratch.path.c_str(), 1);
  const Drawn drawn = draw(scratch.path / "a.png", every_kind_of_panel());
  setenv("PATH", path.c_str(), 1);
  BOOST_TEST(drawn.message == "a.png was not drawn: gnuplot failed: out of ink");
  BOOST_TEST(!fs::exists(half));
}

BOOST_AUTO_TEST_CASE(a_method_that_failed_leaves_an_empty_panel, *kWithGnuplot) {
  const Scratch scratch;
  const Series lost{.name = "cd", .x = {0, 1}, .y = {NAN, NAN}},
      zero{.name = "pcd", .x = {0}, .y = {0}};
  for (const bool log_y : {false, true}) {
    const Drawn drawn = draw(scratch.path / "a.png",
                             {{"",
                               {curves("", {lost}, {.reference = 0.5, .log_y = log_y}),
                                curves("", {lost, zero}, {.log_y = log_y}), curves("", {})}}});
    BOOST_TEST(drawn.ok, drawn.message);
  }
}

BOOST_AUTO_TEST_CASE(panels_refuse_data_of_the_wrong_shape) {
  BOOST_TEST(refusal([] {
               density("", kBox, 2, 3, {1, 2});
             }) == "density panel: 2 values, need 2 x 3");
  BOOST_TEST(refusal([] {
               scatter("", kBox, ad::Tensor({5, 1}));
             }) == "scatter panel: points need at least 2 columns, got 1");
  BOOST_TEST(refusal([] { curves("", {{.name = "a", .x = {1}, .y = {}}}); }) ==
             "curves panel: series a has 1 x and 0 y");
  BOOST_TEST(refusal([] {
               images("", ad::Tensor({2, 64}), {8, 8, 1, 3});
             }) == "images panel: pixels are 2 x 64, need at least 3 rows of 64");
}

BOOST_AUTO_TEST_CASE(densities_grow_brighter_and_series_differ) {
  BOOST_TEST((density_color(0.0) == Rgb{68, 1, 84}));
  BOOST_TEST((density_color(2.0) == Rgb{253, 231, 37}));
  // Relative luminance (ITU-R BT.709) rises along the whole scale.
  const auto luminance = [](const Rgb& c) { return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2]; };
  for (double u = 0.02; u <= 1.0; u += 0.02)
    BOOST_TEST(luminance(density_color(u)) > luminance(density_color(u - 0.02)));
  for (std::size_t i = 0; i < 7; ++i)
    for (std::size_t j = 0; j < i; ++j) BOOST_TEST(series_color(i) != series_color(j));
}

BOOST_AUTO_TEST_SUITE_END()
