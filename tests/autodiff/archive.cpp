#include "autodiff/archive.hpp"

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "autodiff/state_file.hpp"

using namespace eqp;
namespace fs = std::filesystem;

namespace {

// One of everything that a state is made of.
struct Thing {
  double number = 1.5;
  std::uint32_t count = 3;
  bool flag = true;
  std::vector<double> list{1, 2, 3};
  std::string text = "some text";
  ad::Tensor tensor{ad::Shape{2, 3}};
  ad::Params params;

  explicit Thing(Real value, std::size_t width = 4) {
    std::ranges::fill(tensor.flat(), value);
    params.add("w", {2, width}, [&](std::span<Real> out) { std::ranges::fill(out, value); });
    params.add("b", {width}, [&](std::span<Real> out) { std::ranges::fill(out, value + 1); });
  }
  void archive(ad::Archive& a) {
    a("number", number);
    a("count", count);
    a("flag", flag);
    a("list", list);
    a("text", text);
    a("tensor", tensor);
    a("params", params);
  }
  std::string bytes() {
    ad::Archive a;
    archive(a);
    return a.bytes();
  }
};

struct Folder {
  fs::path path = fs::temp_directory_path() / ("eqp-archive-" + std::to_string(::getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
};

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

ad::State state_of(Thing& thing) {
  return [&](ad::Archive& a) { a("thing", thing); };
}

std::string refusal(const fs::path& path, Thing& thing, const std::string& owner = "me") {
  const std::string before = thing.bytes();
  const std::uint64_t version = thing.params.version();
  try {
    ad::load_state(path, owner, state_of(thing));
  } catch (const std::invalid_argument& e) {
    BOOST_TEST((thing.bytes() == before));
    BOOST_TEST(thing.params.version() == version);
    const std::string what = e.what();
    BOOST_TEST(what.starts_with(path.string() + ": "));
    BOOST_TEST(what.find('\n') == what.npos);
    return what.substr(path.string().size() + 2);
  }
  return "";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(archive)

BOOST_AUTO_TEST_CASE(a_state_comes_back_bit_for_bit_and_programs_notice) {
  const Folder folder;
  Thing written(2), read_into(7);
  written.number = 0.1, written.count = 9, written.flag = false;
  written.list = {5}, written.text.clear();
  ad::save_state(folder.path / "a", "me", state_of(written));
  const std::uint64_t version = read_into.params.version();
  ad::load_state(folder.path / "a", "me", state_of(read_into));
  BOOST_TEST((read_into.bytes() == written.bytes()));
  BOOST_TEST(read_into.params.version() > version);
  BOOST_TEST(read_into.list == std::vector<double>{5});
  BOOST_TEST(read_into.text == "");
}

BOOST_AUTO_TEST_CASE(the_state_before_is_kept_beside_the_last) {
  const Folder folder;
  const fs::path path = folder.path / "a";
  Thing thing(1), other(5);
  for (const double n : {1.0, 2.0, 3.0}) {
    thing.number = n;
    ad::save_state(path, "me", state_of(thing));
  }
  ad::load_state(path, "me", state_of(other));
  BOOST_TEST(other.number == 3);
  ad::load_state(folder.path / "a.previous", "me", state_of(other));
  BOOST_TEST(other.number == 2);
  BOOST_TEST(std::distance(fs::directory_iterator(folder.path), {}) == 2);
}

BOOST_AUTO_TEST_CASE(what_is_not_the_state_is_refused_in_one_line_and_changes_nothing) {
  const Folder folder;
  const fs::path path = folder.path / "a", bad = folder.path / "bad";
  Thing thing(1), wider(2, 5);
  ad::save_state(path, "me", state_of(thing));
  const std::string bytes = read(path);

  BOOST_TEST(refusal(bad, thing) == "cannot be opened");
  BOOST_TEST(refusal(folder.path, thing) == "cannot be opened");
  write(bad, "something else");
  BOOST_TEST(refusal(bad, thing) == "is not a checkpoint");
  write(bad, "");
  BOOST_TEST(refusal(bad, thing) == "is not a checkpoint");
  std::string foreign = bytes;
  foreign[8] = 2;
  write(bad, foreign);
  BOOST_TEST(refusal(bad, thing) == "has format version 2; need 1");
  for (const std::size_t size :
       {std::size_t(8), std::size_t(20), bytes.size() / 2, bytes.size() - 1}) {
    write(bad, bytes.substr(0, size));
    BOOST_TEST(refusal(bad, thing) != "");
  }
  write(bad, bytes + "x");
  BOOST_TEST(refusal(bad, thing).starts_with("has "));
  BOOST_TEST(refusal(path, thing, "you") == "belongs to me; need you");
  BOOST_TEST(refusal(path, wider) ==
             "\"thing.params.w\" (2, 4) of " + std::string(sizeof(Real) == 4 ? "f32" : "f64") +
                 " is stored where this state has \"thing.params.w\" (2, 5) of " +
                 (sizeof(Real) == 4 ? "f32" : "f64"));
}

BOOST_AUTO_TEST_CASE(every_flipped_bit_is_noticed) {
  const Folder folder;
  Thing thing(1);
  ad::save_state(folder.path / "a", "me", state_of(thing));
  const std::string bytes = read(folder.path / "a");
  const fs::path bad = folder.path / "bad";
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string flipped = bytes;
    flipped[i] = char(flipped[i] ^ (1 << (i % 8)));
    write(bad, flipped);
    BOOST_TEST_INFO("byte " << i);
    BOOST_TEST(refusal(bad, thing) != "");
  }
}

BOOST_AUTO_TEST_CASE(a_state_with_more_or_less_in_it_is_another_one) {
  const Folder folder;
  const fs::path path = folder.path / "a";
  double x = 1, y = 2;
  ad::save_state(path, "me", [&](ad::Archive& a) { a("x", x), a("y", y); });
  BOOST_CHECK_THROW(ad::load_state(path, "me", [&](ad::Archive& a) { a("x", x); }),
                    std::invalid_argument);
  BOOST_CHECK_THROW(
      ad::load_state(path, "me", [&](ad::Archive& a) { a("x", x), a("y", y), a("z", y); }),
      std::invalid_argument);
  float narrow = 0;
  BOOST_CHECK_THROW(ad::load_state(path, "me", [&](ad::Archive& a) { a("x", narrow), a("y", y); }),
                    std::invalid_argument);
  BOOST_TEST(narrow == 0);
}

BOOST_AUTO_TEST_CASE(where_nothing_can_be_written_the_old_file_stays) {
  const Folder folder;
  Thing thing(1);
  BOOST_CHECK_THROW(ad::save_state(folder.path / "none" / "a", "me", state_of(thing)),
                    std::runtime_error);
  // The name of the temporary file is taken by a folder.
  const fs::path path = folder.path / "a";
  ad::save_state(path, "me", state_of(thing));
  const std::string before = read(path);
  fs::create_directory(folder.path / "a.partial");
  BOOST_CHECK_THROW(ad::save_state(path, "me", state_of(thing)), std::runtime_error);
  BOOST_TEST((read(path) == before));
}

BOOST_AUTO_TEST_SUITE_END()
