#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <string>

#include "autodiff/safetensors.hpp"
#include "tests/message.hpp"

using namespace eqp;
namespace fs = std::filesystem;

namespace {

// A file in a folder of this test's own, gone afterwards.
struct File {
  fs::path folder = [] {
    std::string name = (fs::temp_directory_path() / "eqp-names-XXXXXX").string();
    return fs::path(mkdtemp(name.data()));
  }();
  ~File() { fs::remove_all(folder); }
  fs::path path() const { return folder / "model.safetensors"; }
};

void add(ad::Params& params, const std::string& name, const ad::Shape& shape, double value) {
  params.add(name, shape, [=](std::span<Real> out) { std::ranges::fill(out, Real(value)); });
}

// A model whose parameters PyTorch would call 0.weight and 0.bias, in another order.
void build(ad::Params& params) {
  add(params, "net.0.weight", {2, 3}, 0);
  add(params, "net.0.bias", {2}, 0);
}

std::string without_net(const std::string& name) { return name.substr(4); }

// What loading into the model says; the model must stay as it was.
std::string complaint(const File& file, const ad::Rename& rename) {
  ad::Params model;
  build(model);
  const std::string message =
      test::refusal([&] { ad::load_safetensors(file.path(), model, rename); });
  BOOST_TEST(std::ranges::all_of(model.values(), [](Real v) { return v == 0; }));
  return message.empty() ? "" : message.substr(file.path().string().size());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(safetensors_names)

BOOST_AUTO_TEST_CASE(parameters_are_read_under_the_names_of_the_file) {
  const File file;
  ad::Params saved, model;
  add(saved, "0.bias", {2}, 5);
  add(saved, "0.weight", {2, 3}, 7);
  ad::save_safetensors(file.path(), saved);
  build(model);
  ad::load_safetensors(file.path(), model, without_net);
  BOOST_TEST(std::ranges::all_of(model.values().first(6), [](Real v) { return v == 7; }));
  BOOST_TEST(std::ranges::all_of(model.values().last(2), [](Real v) { return v == 5; }));
}

BOOST_AUTO_TEST_CASE(complaints_name_the_tensor_and_the_parameter) {
  const File file;
  ad::Params saved;
  add(saved, "0.weight", {3, 2}, 7);
  ad::save_safetensors(file.path(), saved);
  BOOST_TEST(complaint(file, without_net) ==
             ": \"0.weight\", the parameter \"net.0.weight\", has shape [3,2], expected (2, 3)");
  BOOST_TEST(complaint(file, [](const std::string& name) { return "old." + name; }) ==
             ": there is no tensor \"old.net.0.weight\" for the parameter \"net.0.weight\"");
  BOOST_TEST(complaint(file, {}) == ": there is no tensor \"net.0.weight\"");
}

BOOST_AUTO_TEST_CASE(a_name_that_is_no_utf8_is_told_all_the_same) {
  const File file;
  ad::Params saved;
  add(saved, "0.weight", {2, 3}, 7);
  ad::save_safetensors(file.path(), saved);
  BOOST_TEST(complaint(file, [](const std::string&) { return std::string("caf\xe9"); }) ==
             ": there is no tensor \"caf\uFFFD\" for the parameter \"net.0.weight\"");
}

BOOST_AUTO_TEST_CASE(a_name_that_is_no_utf8_is_not_written) {
  const File file;
  ad::Params params, plain;
  add(params, "net.\xff", {2}, 0);
  add(plain, "net", {2}, 0);
  BOOST_TEST(test::refusal([&] { ad::save_safetensors(file.path(), params); }) ==
             "safetensors: \"net.\uFFFD\" is not UTF-8");
  BOOST_TEST(test::refusal([&] {
               ad::save_safetensors(file.path(), plain, {{"author", "\xff"}});
             }) == "safetensors: \"\uFFFD\" is not UTF-8");
  BOOST_TEST(!fs::exists(file.path()));
}

BOOST_AUTO_TEST_CASE(a_tensor_that_two_parameters_ask_for_is_refused) {
  const File file;
  ad::Params saved;
  add(saved, "w", {2, 3}, 7);
  ad::save_safetensors(file.path(), saved);
  BOOST_TEST(complaint(file, [](const std::string&) { return std::string("w"); }) ==
             ": \"w\" is asked for by two parameters, \"net.0.weight\" and \"net.0.bias\"");
}

BOOST_AUTO_TEST_CASE(a_tensor_that_no_parameter_asks_for_is_refused) {
  const File file;
  ad::Params saved;
  add(saved, "0.weight", {2, 3}, 7);
  add(saved, "0.bias", {2}, 7);
  add(saved, "0.frequencies", {2}, 7);
  ad::save_safetensors(file.path(), saved);
  BOOST_TEST(complaint(file, without_net) ==
             ": the tensor \"0.frequencies\" has no counterpart in the model");
}

BOOST_AUTO_TEST_SUITE_END()
